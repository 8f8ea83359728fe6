# Restarts and reloads lose no connection.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
"$(dirname "$0")/lib/hammer" --seconds 15 --clients 16 >"$work/hammer" &
p=$!
pids="$pids $p"
for _ in 1 2 3 4 5; do
	sleep 2
	systemctl restart flower-superlink.service
done
wait $p || { cat "$work/hammer"; fail "five restarts: $(tail -n 1 "$work/hammer")"; }
figure "five restarts: $(cat "$work/hammer")"
bar 250 ms "$(worst_wait)" "five restarts, worst wait"

"$(dirname "$0")/lib/hammer" --seconds 15 --clients 16 --keep 8 >"$work/hammer" &
p=$!
pids="$pids $p"
serial() {
	gnutls-cli --x509cafile /etc/flwr/tls/ca.crt --print-cert -p 9092 localhost </dev/null 2>/dev/null | sed -n '/BEGIN/,/END/p' | certtool -i 2>/dev/null | sed -n 's/.*Serial Number.*: //p' | head -n 1
}
old=$(serial)
for n in 1 2 3 4 5; do
	sleep 2
	echo "name-$n.example.org" >>/etc/flwr/tls/names
	flwr-provision superlink >/dev/null 2>&1
	systemctl reload flower-superlink.service
done
wait $p || { cat "$work/hammer"; fail "five reloads: $(tail -n 1 "$work/hammer")"; }
[ "$(serial)" != "$old" ] || fail "the reloads brought no new certificate"
figure "five reloads: $(cat "$work/hammer")"
