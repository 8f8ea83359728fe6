# A run goes on through restarts, crashes and an upgrade of everything but itself: its apps are the same processes at the end.
. "$(dirname "$0")/lib/common.sh"

[ -n "$debs" ] || skip "only where the packages can be installed again"
federation

as_alice "timeout 280 flwr run . hub --stream --run-config 'num-server-rounds=60 learning-rate=0.01'" >"$work/run" 2>&1 &
p=$!
pids="$pids $p"
show="$work/run"
serverapp() {
	pgrep -f 'libexec/flwr/flwr-serverapp' | paste -sd ' '
}
rounds() {
	grep -cE 'round [0-9]+ of [0-9]+: ' "$work/run" || true
}
# Two rounds more than there were, so that a whole one lies behind what was done.
goes_on() {
	was=$(rounds)
	within 60 "two rounds after $1" sh -c "[ \"\$(grep -cE 'round [0-9]+ of [0-9]+: ' '$work/run')\" -ge $((was + 2)) ]"
	[ "$(serverapp)" = "$app" ] || fail "the ServerApp did not survive $1"
	kill -0 $p 2>/dev/null || fail "the run was over before $1: it needs more rounds"
}
main_pid() {
	systemctl show --value -p MainPID "$1"
}
within 30 "the first round" grep -q 'round 1 of 60: ' "$work/run"
app=$(serverapp)
[ -n "$app" ] || fail "there is no ServerApp"

for unit in flower-superlink flower-supernode flower-supernode@b flower-superlink-apps flower-supernode-apps; do
	systemctl restart $unit.service
	goes_on "a restart of $unit"
done
for unit in flower-superlink flower-supernode flower-superlink-apps flower-supernode-apps; do
	kill -KILL "$(main_pid $unit.service)"
	goes_on "kill -9 of $unit"
done
older=$(main_pid flower-superlink.service)
# shellcheck disable=SC2046 # words
DEBIAN_FRONTEND=noninteractive dpkg -i $(for p in flwr-provision flwr-apps flower-superlink flower-supernode libflwr0 flwr; do echo "$debs/${p}"_*.deb; done) \
	>"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the upgrade failed"; }
[ "$(main_pid flower-superlink.service)" != "$older" ] || fail "the upgrade did not restart the SuperLink"
goes_on "an upgrade"

wait $p || fail "flwr run --stream failed"
as_alice "flwr ls . hub" >"$work/ls" 2>&1 || true
grep -q 'finished:completed' "$work/ls" || { cat "$work/ls"; fail "the run did not complete"; }
# No node was given up at any time, and no line of the log was lost.
[ "$(rounds)" = 60 ] || fail "the log has $(rounds) of 60 rounds"
[ "$(grep -c ', 0 nodes failed)' "$work/run")" = 60 ] || fail "rounds without a node: $(grep -E 'round [0-9]+ of' "$work/run" | grep -v ', 0 nodes failed)' | tail -n 3)"
figure "a run of 60 rounds went on through five restarts, four kill -9 and an upgrade"
