# A mistake in the configuration is explained, leaves the sockets alone, and is over when it is corrected: hub and node.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl start flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"

# check_config PROGRAM DAEMON FILE: --check-config names file, line and the nearest key, and ends with 78.
check_config() {
	status=0
	"$1" --config "/etc/flwr/$2.toml" --check-config >"$work/check" 2>&1 || status=$?
	[ $status = 78 ] || fail "--check-config of $1 ends with $status, not 78"
	grep -q "$3:1" "$work/check" || { cat "$work/check"; fail "--check-config of $1 does not name file and line"; }
}

hub=/etc/flwr/superlink.d/10-test.toml
node=/etc/flwr/supernode.d/60-test.toml
printf 'fleet-api-adress = "[::]:9092"\n' >$hub
printf 'isolation = "jail"\n' >$node
check_config flower-superlink superlink $hub
grep -q 'fleet-api-address' "$work/check" || fail "--check-config does not name the nearest key"
check_config flower-supernode supernode $node
grep -q 'subprocess' "$work/check" || fail "--check-config does not say what is allowed"

systemctl restart flower-superlink.service 2>/dev/null && fail "the SuperLink starts with an unknown key"
[ "$(systemctl show --value -p ExecMainStatus flower-superlink.service)" = 78 ] || fail "the SuperLink does not end with 78"
systemctl restart flower-supernode.service 2>/dev/null && fail "the SuperNode starts with a value that is not allowed"
said $CONFIGURATION_REFUSED "$hub:1" fleet-api-address
said $CONFIGURATION_REFUSED "$node:1" subprocess

# Sockets stay, and the journal is not flooded: some seconds later there are two attempts, not one every half second.
sleep 6
no_socket_failed
for s in fleet control serverappio serverappio-exec; do
	expect_state active "flower-superlink-$s.socket"
done
has_said $CONFIGURATION_REFUSED "$hub:1"
n=$(wc -l <"$work/said")
[ "$n" -le 3 ] || fail "the same mistake is told $n times in 6 s"
status_says flower-superlink.service "trying again when something in /etc/flwr changes" || fail "the status does not say what is waited for"

# A connection that came meanwhile is answered once the file is right, and that at once.
gnutls-cli --x509cafile /etc/flwr/tls/ca.crt --alpn=h2 -p 9092 localhost </dev/null >"$work/waiting" 2>&1 &
p=$!
pids="$pids $p"
sleep 0.5
begin=$(milliseconds)
rm $hub
within 15 "the SuperLink is back" is_active flower-superlink.service
took=$(($(milliseconds) - begin))
wait $p || { cat "$work/waiting"; fail "a connection that waited was not answered"; }
trusted || fail "the SuperLink does not answer after the correction"
rm $node
comes_back flower-supernode.service
figure "a corrected configuration is taken after $took ms"

flower-superlink --config /etc/flwr/superlink.toml --check-config || fail "--check-config refuses what was shipped"
flower-supernode --config /etc/flwr/supernode.toml --check-config || fail "--check-config refuses what was shipped for the node"
flower-superlink --config /etc/flwr/superlink.toml --print-config | grep -q 'ssl-certfile.*superlink.toml:[0-9]' || fail "--print-config does not say where a value comes from"
