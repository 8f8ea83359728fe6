# flwr-provision on a host: idempotent, safe to kill, safe to run at once, without name resolution.
. "$(dirname "$0")/lib/common.sh"

# A host whose name nobody knows, and a name server that does not answer: whoever asks waits for five seconds at least.
"$(dirname "$0")/lib/silent-dns" "$work/questions" &
pids="$pids $!"
within 10 "a name server" test -e "$work/questions"
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
python3 -c 'import socket; socket.sethostname("no-such-host")'
! timeout 2 getent ahosts no-such-host >/dev/null 2>&1 || fail "a name that nobody knows was found"
[ -s "$work/questions" ] || fail "the name server that does not answer is not asked"
: >"$work/questions"

# timed BAR WHAT COMMAND...: how long it takes where names are not answered. That none is asked for is demanded in any case.
timed() {
	time_bar=$1 what=$2 begin=$(milliseconds)
	shift 2
	"$@" >"$work/timed" 2>&1 || {
		cat "$work/timed"
		fail "$what failed"
	}
	bar "$time_bar" ms $(($(milliseconds) - begin)) "$what, with a name server that does not answer"
	[ ! -s "$work/questions" ] || {
		cat "$work/questions"
		fail "$what asks for names"
	}
}
ten() {
	n=0
	while [ $n -lt 10 ]; do
		"$@" || return 1
		n=$((n + 1))
	done
}

# What they need beyond each other is there: only they are timed.
install_packages libflwr0 flwr
if [ -n "$debs" ]; then
	for p in flwr-provision flwr-apps flower-superlink flower-supernode; do
		echo "$debs/${p}"_*.deb
	done >"$work/services"
	# shellcheck disable=SC2046 # words
	timed 4000 "installation of the four service packages" dpkg -i $(cat "$work/services")
fi
install_services
keys=$(fingerprints)

timed 100 "ten later runs of flwr-provision superlink" ten flwr-provision superlink
timed 100 "ten later runs of flwr-provision supernode" ten flwr-provision supernode
[ "$keys" = "$(fingerprints)" ] || fail "a second run changed something"

fresh() {
	rm -rf /etc/flwr/tls /etc/flwr/keys
}
fresh
timed 50 "the first run of flwr-provision superlink" flwr-provision superlink
timed 50 "the first run of flwr-provision supernode" flwr-provision supernode

consistent() {
	certtool --verify --infile /etc/flwr/tls/superlink.crt --load-ca-certificate /etc/flwr/tls/ca.crt >"$work/verify" 2>&1
}
consistent || fail "certificate and key do not belong together"

# Eight at once: one result.
fresh
n=0
while [ $n -lt 8 ]; do
	flwr-provision superlink >"$work/at-once-$n" 2>&1 &
	eval "p$n=\$!"
	n=$((n + 1))
done
n=0
while [ $n -lt 8 ]; do
	eval "wait \$p$n" || { cat "$work/at-once-$n"; fail "one of eight failed"; }
	n=$((n + 1))
done
consistent || fail "inconsistent after eight at once"

# Killed at any moment of all that it does, then run again.
fresh
KILL_WORK=$work "$(dirname "$0")/lib/kill-provision" 1000 >"$work/kills" 2>&1 || {
	cat "$work/kills"
	exit 1
}
grep '^figure: ' "$work/kills"

# A certificate of the administrator's own is left alone.
fresh
mkdir -p /etc/flwr/tls
certtool --generate-privkey --ecc --outfile "$work/k" 2>/dev/null
printf 'cn = own\ndns_name = localhost\ntls_www_server\nexpiration_days = 10\n' >"$work/t"
certtool --generate-self-signed --load-privkey "$work/k" --template "$work/t" --outfile /etc/flwr/tls/superlink.crt 2>/dev/null
cp "$work/k" /etc/flwr/tls/superlink.key
own=$(sha256sum /etc/flwr/tls/superlink.crt /etc/flwr/tls/superlink.key)
flwr-provision superlink >/dev/null 2>&1 || true
[ "$own" = "$(sha256sum /etc/flwr/tls/superlink.crt /etc/flwr/tls/superlink.key)" ] || fail "a certificate of the administrator was replaced"
[ ! -e /etc/flwr/tls/private/ca.key ] || fail "a CA was made beside a certificate of the administrator"
