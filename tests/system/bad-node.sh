# A node whose key the SuperLink does not know: told once on the hub, told on the node, and registering it is all it takes.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
flwr-provision supernode --rotate >/dev/null 2>&1 || fail "--rotate failed"
systemctl start flower-supernode.service 2>/dev/null || true
said $NODE_REFUSED "does not know this node" "flwr supernode register"
said $NODE_UNKNOWN "not registered here"
# Longer than the pause between two tries.
sleep 12
has_said $NODE_UNKNOWN "turned away"
[ "$(wc -l <"$work/said")" = 1 ] || fail "the SuperLink tells of the same key again and again"
has_said $NODE_REFUSED "does not know this node"
[ "$(wc -l <"$work/said")" -le 4 ] || fail "the node is refused $(wc -l <"$work/said") times in 12 s"
flwr supernode register /etc/flwr/keys/supernode/node.pub >"$work/register" 2>&1 || { cat "$work/register"; fail "register failed"; }
said $NODE_REGISTERED "is registered as SuperNode"
within 20 "the registered node is online" status_says flower-supernode.service "Online as SuperNode"
no_socket_failed
