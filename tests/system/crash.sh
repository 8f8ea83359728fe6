# A daemon that dies refuses no connection, and is back.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
"$(dirname "$0")/lib/hammer" --seconds 6 --clients 16 --allow-broken >"$work/hammer" &
p=$!
pids="$pids $p"
sleep 2
kill -KILL "$(systemctl show --value -p MainPID flower-superlink.service)"
wait $p || { cat "$work/hammer"; fail "connections were refused"; }
figure "kill -9: $(cat "$work/hammer")"
bar 1000 ms "$(worst_wait)" "kill -9, worst wait"
expect_state active flower-superlink.service
expect_state active flower-superlink-fleet.socket

# A loop that does not turn any more is noticed.
pid=$(systemctl show --value -p MainPID flower-superlink.service)
kill -STOP "$pid"
within 60 "the watchdog" sh -c "[ \"\$(systemctl show --value -p MainPID flower-superlink.service)\" != $pid ]"
within 10 "the SuperLink is back" trusted
