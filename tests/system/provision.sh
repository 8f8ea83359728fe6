# flwr-provision on a host: idempotent, safe to kill, safe to run at once, without name resolution.
. "$(dirname "$0")/lib/common.sh"

install_services
keys=$(fingerprints)

begin=$(milliseconds)
flwr-provision superlink
figure "a later run of flwr-provision superlink: $(($(milliseconds) - begin)) ms"
[ "$keys" = "$(fingerprints)" ] || fail "a second run changed something"

fresh() {
	rm -rf /etc/flwr/tls /etc/flwr/keys
}
fresh
begin=$(milliseconds)
flwr-provision superlink >/dev/null
figure "the first run of flwr-provision superlink: $(($(milliseconds) - begin)) ms"

key_of() {
	certtool --pubkey-info "$@" 2>&1 | sed -n '/^-----BEGIN/,/^-----END/p' | head -n 5
}

consistent() {
	certtool --verify --infile /etc/flwr/tls/superlink.crt --load-ca-certificate /etc/flwr/tls/ca.crt >"$work/verify" 2>&1 || return 1
	[ "$(key_of --infile /etc/flwr/tls/superlink.crt)" = "$(key_of --load-privkey /etc/flwr/tls/superlink.key)" ] || return 1
	[ "$(key_of --infile /etc/flwr/tls/ca.crt)" = "$(key_of --load-privkey /etc/flwr/tls/private/ca.key)" ]
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

# Killed at any moment, then run again.
n=0
while [ $n -lt 200 ]; do
	fresh
	flwr-provision superlink >/dev/null 2>&1 &
	p=$!
	sleep "0.0$(printf '%02d' $((n % 50)))"
	kill -KILL $p 2>/dev/null || true
	wait $p 2>/dev/null || true
	flwr-provision superlink >"$work/again" 2>&1 || { cat "$work/again"; fail "the run after kill number $n failed"; }
	consistent || fail "inconsistent after kill number $n"
	n=$((n + 1))
done
[ -z "$(find /etc/flwr/tls /etc/flwr/keys -name '.*' -o -name '*.tmp*' 2>/dev/null)" ] || fail "leftovers: $(find /etc/flwr/tls -name '.*')"
figure "killed at random and run again: $n of $n consistent"

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
