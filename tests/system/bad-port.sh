# Another program has a port: told with the port, the other sockets and the SuperLink work, and it is over when the port is
# free. And sockets can be stopped and started as often as somebody likes.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
fleet=flower-superlink-fleet.socket

# ---- no start limit ----
for i in 1 2 3 4 5 6 7; do
	systemctl stop $fleet 'flower-superlink*' 2>/dev/null || fail "stop $i failed"
	systemctl start flower-superlink.service || fail "start $i failed"
done
no_socket_failed
trusted || fail "the SuperLink does not answer after seven stops and starts"

# ---- the port of the Fleet API, and the loopback one of the node ----
occupy() {
	python3 -c '
import socket, sys, time
s = []
for port in sys.argv[1:]:
    s.append(socket.socket(socket.AF_INET))
    s[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s[-1].bind(("0.0.0.0", int(port)))
    s[-1].listen()
print("ready", flush=True)
time.sleep(300)' "$@" >"$work/occupied" &
	occupier=$!
	pids="$pids $occupier"
	within 10 "the ports are taken" grep -q ready "$work/occupied"
}

flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl stop $fleet 'flower-superlink*' 'flower-supernode*' 2>/dev/null
occupy 9092 9094
systemctl start flower-superlink-control.socket $fleet flower-superlink-renew.timer 2>/dev/null && fail "the socket opens a port that is taken"
said $SOCKET_REFUSED $fleet 9092 "another program does"
journalctl --no-pager -u flower-superlink.service | grep -q "$fleet cannot listen" || fail "it is not told with the service"
# Everything but the Fleet API works.
flwr supernode list >"$work/list" 2>&1 || { cat "$work/list"; fail "the Control API does not answer"; }
is_active flower-superlink.service || fail "the SuperLink does not run without its Fleet socket"
said $SOCKET_REFUSED "Nodes cannot connect"
within 5 "the status says so" status_says flower-superlink.service "NO FLEET SOCKET"
for s in control serverappio serverappio-exec; do
	expect_state active "flower-superlink-$s.socket"
done
systemctl start flower-supernode.service 2>/dev/null || fail "the node does not start without its loopback port"
said $SOCKET_REFUSED flower-supernode-clientappio-tcp.socket 9094

# While it waits, nothing is tried, started or said over and over.
n=$(systemctl show --value -p NRestarts flower-superlink.service)
pid=$(systemctl show --value -p MainPID flower-superlink.service)
has_said $SOCKET_REFUSED $fleet "another program"
said_before=$(wc -l <"$work/said")
sleep 7
has_said $SOCKET_REFUSED $fleet "another program"
[ "$(wc -l <"$work/said")" = "$said_before" ] || fail "it is told again and again"
[ "$pid $n" = "$(systemctl show --value -p MainPID flower-superlink.service) $(systemctl show --value -p NRestarts flower-superlink.service)" ] ||
	fail "the SuperLink was restarted while the port was taken"

# ---- it is free again ----
kill $occupier
wait $occupier 2>/dev/null || true
begin=$(milliseconds)
within 15 "the port is taken over" systemctl -q is-active $fleet
within 15 "nodes can connect" trusted
figure "a port that is free again is taken over after $(($(milliseconds) - begin)) ms"
within 15 "the node's loopback port is open" systemctl -q is-active flower-supernode-clientappio-tcp.socket
within 15 "the node is online" status_says flower-supernode.service "Online as SuperNode"
within 15 "nobody waits for it any more" sh -c "! systemctl -q is-active 'flwr-socket-retry@*'"
no_socket_failed
status_says flower-superlink.service "NO FLEET SOCKET" && fail "the status still says that there is no socket"

# A socket that the administrator stops is not opened behind his back.
systemctl stop $fleet 'flower-superlink*' 2>/dev/null
occupy 9092
systemctl start $fleet 2>/dev/null && fail "the socket opens a port that is taken"
within 5 "the port is waited for" systemctl -q is-active "flwr-socket-retry@flower-superlink-fleet.service"
systemctl stop $fleet
within 5 "the port is not waited for" sh -c "! systemctl -q is-active flwr-socket-retry@flower-superlink-fleet.service"
