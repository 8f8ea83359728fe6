# After the installation the SuperLink's sockets listen and nothing runs; the first connection starts it.
. "$(dirname "$0")/lib/common.sh"

begin=$(milliseconds)
install_services
bar 4000 ms $(($(milliseconds) - begin)) "installation of the packages, keys included"

for s in fleet control serverappio serverappio-exec serverappio-tcp; do
	expect_state active "flower-superlink-$s.socket"
done
expect_state inactive flower-superlink-control-tcp.socket
expect_state active flwr-serverapp.socket
expect_state active flwr-clientapp.socket
expect_state active flower-superlink-renew.timer
expect_state inactive flower-superlink.service
expect_state inactive flower-supernode.service
[ "$(systemctl show --value -p Result flower-supernode.service)" = success ] || fail "the SuperNode failed instead of being skipped"
[ "$(pgrep -c 'flower-|flwr-')" = 0 ] || fail "something runs: $(pgrep -a 'flower-|flwr-')"
[ -z "$(systemctl --failed --no-legend)" ] || fail "failed: $(systemctl --failed --no-legend)"

begin=$(milliseconds)
trusted || {
	cat "$work/tls"
	systemctl status --no-pager flower-superlink.service || true
	fail "the first connection got no trusted answer"
}
bar 300 ms $(($(milliseconds) - begin)) "the very first activation"
expect_state active flower-superlink.service
[ "$(systemctl show --value -p NRestarts flower-superlink.service)" = 0 ] || fail "the SuperLink started more than once"

times=
for _ in 1 2 3 4 5 6 7 8 9; do
	systemctl stop flower-superlink.service
	begin=$(milliseconds)
	trusted || fail "a connection after a stop was not answered"
	times="$times $(($(milliseconds) - begin))"
done
# shellcheck disable=SC2086 # words
sorted=$(printf '%s\n' $times | sort -n)
bar 100 ms "$(echo "$sorted" | sed -n 5p)" "cold start, from connect to the end of gnutls-cli, median"
bar 200 ms "$(echo "$sorted" | sed -n 9p)" "the same, worst"
pid=$(systemctl show --value -p MainPID flower-superlink.service)
bar 16384 kB "$(awk '/^Rss/ {print $2}' "/proc/$pid/smaps_rollup")" "idle SuperLink, resident"
figure "idle SuperLink, private: $(awk '/^Private/ {n += $2} END {print n " kB"}' "/proc/$pid/smaps_rollup")"

# Off is all of it.
systemctl stop 'flower-superlink*'
expect_state inactive flower-superlink-fleet.socket
! trusted || fail "something answers after everything was stopped"
systemctl start flower-superlink-fleet.socket
trusted || fail "no answer after the socket was started again"
