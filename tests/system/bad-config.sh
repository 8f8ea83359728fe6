# A mistake in the configuration is explained, leaves the sockets alone, and is over when it is corrected.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
drop=/etc/flwr/superlink.d/10-test.toml

printf 'fleet-api-adress = "[::]:9092"\n' >$drop
flower-superlink --config /etc/flwr/superlink.toml --check-config >"$work/check" 2>&1 && fail "--check-config takes an unknown key"
status=0
flower-superlink --config /etc/flwr/superlink.toml --check-config >"$work/check" 2>&1 || status=$?
[ $status = 78 ] || fail "--check-config ends with $status, not 78"
grep -q "$drop:1" "$work/check" || { cat "$work/check"; fail "--check-config does not name file and line"; }
grep -q 'fleet-api-address' "$work/check" || fail "--check-config does not name the nearest key"

systemctl restart flower-superlink.service 2>/dev/null || true
within 10 "status 78" sh -c '[ "$(systemctl show --value -p ExecMainStatus flower-superlink.service)" = 78 ]'
sleep 5
for s in fleet control serverappio serverappio-exec; do
	expect_state active "flower-superlink-$s.socket"
done
journalctl --no-pager -u flower-superlink.service | grep -q "$drop:1" || fail "the journal does not name file and line"

# A connection that came meanwhile is answered once the file is right.
gnutls-cli --x509cafile /etc/flwr/tls/ca.crt --alpn=h2 -p 9092 localhost </dev/null >"$work/waiting" 2>&1 &
p=$!
pids="$pids $p"
sleep 0.5
rm $drop
within 5 "the SuperLink is back" sh -c '[ "$(systemctl show --value -p ActiveState flower-superlink.service)" = active ]'
wait $p || { cat "$work/waiting"; fail "a connection that waited was not answered"; }
trusted || fail "the SuperLink does not answer after the correction"

flower-superlink --config /etc/flwr/superlink.toml --check-config || fail "--check-config refuses what was shipped"
flower-supernode --config /etc/flwr/supernode.toml --check-config || fail "--check-config refuses what was shipped for the node"
flower-superlink --config /etc/flwr/superlink.toml --print-config | grep -q 'ssl-certfile.*superlink.toml:[0-9]' || fail "--print-config does not say where a value comes from"
