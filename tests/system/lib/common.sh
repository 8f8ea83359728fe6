# For the tests of this folder: they run as root in a Debian booted by systemd that may break, and are also autopkgtests.
# A test ends with its last line of output as the reason when it fails or skips.
set -eu

debs=${FLWR_TEST_DEBS:-}
work=$(mktemp -d)
pids=

finish() {
	status=${1:-$?}
	trap - EXIT
	for p in $pids; do
		kill "$p" 2>/dev/null || true
	done
	rm -rf "$work"
	exit $status
}
trap finish EXIT

# Files that explain a failure.
show=

fail() {
	# shellcheck disable=SC2086 # names without blanks
	[ -z "$show" ] || cat $show
	echo "$*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# A number for the tables of the documentation.
figure() {
	echo "figure: $*"
}

# bar LIMIT UNIT VALUE WHAT...: a figure and the most that it may be. That is demanded with FLWR_TEST_BARS only (tests/system/run --bars),
# on a machine that does nothing else: time that other programs take would be counted as ours.
bar() {
	bar_limit=$1 bar_unit=$2 bar_value=$3
	shift 3
	figure "$*: $bar_value $bar_unit (bar $bar_limit)"
	[ "$bar_value" -le "$bar_limit" ] || [ -z "${FLWR_TEST_BARS:-}" ] || fail "$*: $bar_value $bar_unit, the bar is $bar_limit"
}

# What the hammer says of its worst wait.
worst_wait() {
	sed -n 's/.*worst wait \([0-9]*\) ms$/\1/p' "$work/hammer"
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Those that are not there yet; under autopkgtest all are.
install_packages() {
	files=
	for p in "$@"; do
		if ! is_installed "$p"; then
			[ -n "$debs" ] || skip "$p is not installed"
			files="$files $(echo "$debs/${p}"_*.deb)"
		fi
	done
	# shellcheck disable=SC2086 # names without blanks
	[ -z "$files" ] || DEBIAN_FRONTEND=noninteractive dpkg -i $files >"$work/dpkg.log" 2>&1 || {
		cat "$work/dpkg.log"
		fail "the installation of $* failed"
	}
}

install_services() {
	install_packages flwr-provision flwr-apps flower-superlink flower-supernode libflwr0 flwr
}

state() {
	systemctl show --value -p ActiveState "$1"
}

expect_state() {
	[ "$(state "$2")" = "$1" ] || {
		systemctl status --no-pager "$2" || true
		fail "$2 is $(state "$2"), not $1"
	}
}

# within SECONDS WHAT COMMAND...
within() {
	limit=$1 what=$2
	shift 2
	until_time=$(($(date +%s) + limit))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$until_time" ] || fail "not within $limit s: $what"
		sleep 0.1
	done
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# Is the server on a port of this host the SuperLink, with a chain that the bundle proves?
trusted() {
	gnutls-cli --x509cafile /etc/flwr/tls/ca.crt --alpn=h2 -p "${1:-9092}" localhost </dev/null >"$work/tls" 2>&1 &&
		grep -q 'Status: The certificate is trusted' "$work/tls"
}

# no_files PATH...
no_files() {
	for f in "$@"; do
		[ ! -e "$f" ] || {
			find "$f"
			fail "$f is left"
		}
	done
}

fingerprints() {
	find /etc/flwr/tls /etc/flwr/keys -type f -exec sha256sum {} + 2>/dev/null | sort -k 2
}
