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

# ---- what administrators are told ----

# The ids of src/base/message-ids.h that tests look for.
CONFIGURATION_REFUSED=158eba636bb240bbab2e211d83653984
CERTIFICATE_REFUSED=527b7709d7ebbe954c85906d57c3cf1d
CERTIFICATE_LOADED=499cedb5218d469599cc969f4841db7a
CERTIFICATE_ENDS_SOON=c71cc8abe2d847419fdcafbff82ee77a
KEY_REFUSED=aea5b52f88854093b7d0bb2a55b34615
KEY_EXPOSED=abe86896c0744273b4a85deb9eee256f
KEY_ACCESS_MENDED=ee26b9edc56c411ea9ac728781725586
SOCKET_REFUSED=9ee0f132c99e4256a6b5db081cc348a7
SPACE_LOW=0c3cf36e48c4419e99dcb0e12dac3b92
SPACE_ENOUGH=8d377e64cb0441a2b92e33f7efe4a6fe
STATE_UNWRITABLE=d5e80d23691a7863fb5aacaf9963a21f
SUPERLINK_UNTRUSTED=9f606ebce0b646db95ba6c16ff2338db
NODE_REFUSED=31fc342042133924ade8933db5528d1f
NODE_REGISTERED=9bce67fd29934817889dbc1a9cc62a31
NODE_UNKNOWN=4ff2c337ec6b444aacb9eaafc2d393b7
JOIN_REFUSED=184cdcfda532299b9a500b83767be7b1
ENROL_REFUSED=29ff3727774045de917936a21dfd76c6
MACHINE_COPY_KEPT=5e72df40bcc0a00881c4e3ca7505095f
MACHINE_COPY_REFUSED=fe45f89014eef3b3cf2bd35b2e311c18
MACHINE_COPY_ADOPTED=7276603a9dfe491faf9b150d1602c914

# has_said ID WORDS...: one message of the journal with this id has all of them. --merge: the machine-id may have changed.
has_said() {
	message=$1
	shift
	journalctl --sync 2>/dev/null || true
	journalctl --merge --no-pager -o json --output-fields=MESSAGE "MESSAGE_ID=$message" >"$work/said" 2>/dev/null || true
	for word in "$@"; do
		grep -F -e "$word" "$work/said" >"$work/said.new" || return 1
		mv "$work/said.new" "$work/said"
	done
	[ -s "$work/said" ]
}

# said ID WORDS...: within a start and its pause.
said() {
	until_time=$(($(date +%s) + 20))
	until has_said "$@"; do
		[ "$(date +%s)" -le "$until_time" ] || {
			journalctl --merge --no-pager -o cat "MESSAGE_ID=$1"
			fail "no message $1 in the journal that says: $*"
		}
		sleep 0.2
	done
}

no_socket_failed() {
	systemctl list-units --failed --plain --no-legend 'flower-*.socket' 'flwr-*.socket' >"$work/failed"
	[ ! -s "$work/failed" ] || {
		cat "$work/failed"
		fail "a socket unit has failed"
	}
}

is_active() {
	[ "$(systemctl show --value -p ActiveState "$1")" = active ] && [ "$(systemctl show --value -p SubState "$1")" = running ]
}

# A service is back after nothing but a correction: what a restart may take, and the pause between two failures.
comes_back() {
	within 15 "$1 is back by itself" is_active "$1"
	no_socket_failed
}

status_says() {
	systemctl show --value -p StatusText "$1" | grep -qF -e "$2"
}

# The commands of a paragraph of README's section on packages, by its bold title; without a title all of them.
readme() {
	file=$(dirname "$0")/README.md
	[ -f "$file" ] || file=$(dirname "$0")/../../README.md
	awk -v title="${1:-}" '
		/^## / { section = $0 == "## As Debian packages" }
		section && /^\*\*/ { split($0, part, "[*][*]"); sub(/\.$/, "", part[2]); here = title == "" || part[2] == title }
		section && here && /^    / { print substr($0, 5) }' "$file"
}

# The environment of README's paragraph on PyTorch, as it says, from packages that tests/system/run has fetched.
# flower_environment [torch]
flower_environment() {
	wheels=$(dirname "$0")/wheels
	for w in flower "$@"; do
		[ ! -s "$wheels/$w/why" ] || skip "$(cat "$wheels/$w/why")"
		[ -f "$wheels/$w/complete" ] || skip "there are no Python packages here: tests/system/run brings them"
	done
	export PIP_NO_INDEX=1 PIP_FIND_LINKS="$wheels/flower $wheels/torch" PIP_DISABLE_PIP_VERSION_CHECK=1
	readme PyTorch | grep -E '^python3 -m venv|pip install' >"$work/environment"
	[ "$(wc -l <"$work/environment")" = 2 ] || fail "README's commands for a Python environment are not the two that are known here"
	[ $# -gt 0 ] || sed -i 's/ torch$//' "$work/environment"
	sh -ex "$work/environment" >"$work/pip" 2>&1 || {
		cat "$work/pip"
		fail "README's Python environment cannot be made"
	}
}

# README's hub with two nodes of one host, and user alice with the example, of which each node has half the data.
federation() {
	install_services
	install_packages libflwr-dev flwr-examples
	command -v cc >/dev/null || skip "there is no compiler for the example"
	useradd --create-home --groups flwr alice
	su -l alice -c 'cp -r /usr/share/doc/flwr-examples/examples/flower-authentication authentication &&
		cd authentication && make && ./prepare_dataset 2' >"$work/make" 2>&1 || {
		cat "$work/make"
		fail "the example cannot be built with the packages"
	}
	cp -r /home/alice/authentication/datasets/* /srv/flwr/
	chgrp -R _flwr-data /srv/flwr
	chmod -R g+rX /srv/flwr
	printf '[superlink.hub]\naddress = "unix:/run/flwr/control.sock"\n' >/etc/flwr/config.toml
	part=1
	for node in supernode supernode@b; do
		flwr-provision join --local --node $node >/dev/null 2>&1 || fail "$node cannot join"
		printf '[node-config]\ndataset-path = "/srv/flwr/cifar10_part_%d"\n' $part >/etc/flwr/$node.d/60-data.toml
		systemctl enable --now flower-$node.service
		part=$((part + 1))
	done
	within 30 "two nodes online" nodes_online 2
}

# nodes_online N [KNOWN]: so many, of as many that the hub knows.
nodes_online() {
	status_says flower-superlink.service "$1 of ${2:-$1} nodes online"
}

as_alice() {
	su -l alice -c "cd authentication && $*"
}
