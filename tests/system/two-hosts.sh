# Hub and node that share no network but a cable: an invitation carried from one to the other, and what the cable does to them.
. "$(dirname "$0")/lib/common.sh"

install_services
command -v ip >/dev/null || skip "there is no ip"
ip netns add node 2>"$work/netns" || skip "no network namespaces here: $(cat "$work/netns")"
ip link add cable type veth peer name cable-node netns node || skip "no veth devices here"
ip address add 10.9.0.1/24 dev cable
ip link set cable up
ip -n node address add 10.9.0.2/24 dev cable-node
ip -n node link set lo up
ip -n node link set cable-node up
echo '10.9.0.1 hub.example.org' >>/etc/hosts

echo hub.example.org >>/etc/flwr/tls/names
flwr-provision superlink >/dev/null 2>&1
mkdir -p /etc/systemd/system/flower-supernode.service.d
printf '[Service]\nNetworkNamespacePath=/run/netns/node\n' >/etc/systemd/system/flower-supernode.service.d/host.conf
systemctl daemon-reload

flwr-provision invite --address hub.example.org:9092 | grep -o 'flwr+join://[^ ]*' >"$work/string"
ip netns exec node flwr-provision join - <"$work/string" >"$work/join" 2>&1 || { cat "$work/join"; fail "the node cannot join over the network"; }
systemctl start flower-supernode.service
within 20 "the node is online" nodes_online 1
ss -Htn state established '( sport = :9092 )' | grep -qF '10.9.0.2' || {
	ss -tn
	fail "the hub has no connection from the node's address"
}

# A cable that was out for a moment loses nothing.
systemctl show -p NRestarts -p ExecMainPID flower-supernode.service >"$work/before"
ip link set cable down
sleep 2
ip link set cable up
within 20 "the node is online again" nodes_online 1

# A hub that was away and came back while the node's host knew no way.
ip link set cable down
systemctl restart flower-superlink.service
ip link set cable up
within 60 "the node is online after a restart of the hub without a cable" nodes_online 1
systemctl show -p NRestarts -p ExecMainPID flower-supernode.service | cmp -s - "$work/before" || fail "the node's daemon was restarted"

# Nothing of the Control API or of the apps' interfaces is to be had from the node's host.
for port in 9091 9093 9094; do
	! ip netns exec node timeout 5 bash -c "exec 3<>/dev/tcp/10.9.0.1/$port" 2>/dev/null || fail "port $port of the hub is open to the node's host"
done
