# Two SuperNodes of one host: keys, state and sockets apart.
. "$(dirname "$0")/lib/common.sh"

install_services
flwr-provision join --local || fail "the first node cannot join"
flwr-provision join --local --node supernode@b || fail "the second node cannot join"
systemctl start flower-supernode.service
systemctl enable --now flower-supernode@b.service
expect_state active flower-supernode.service
expect_state active flower-supernode@b.service
expect_state active flower-supernode-clientappio@b.socket
within 20 "two nodes online" nodes_online 2
[ "$(sha256sum </etc/flwr/keys/supernode/node.key)" != "$(sha256sum </etc/flwr/keys/supernode@b/node.key)" ] || fail "two nodes have one key"
[ -d /var/lib/flwr/supernode ] && [ -d /var/lib/flwr/supernode@b ] || fail "two nodes have no state of their own"

# One goes, the other stays.
systemctl stop 'flower-supernode*@b*'
within 20 "one node online" nodes_online 1 2
expect_state active flower-supernode.service
systemctl start flower-supernode@b.service
within 20 "two nodes online again" nodes_online 2

# The hub goes and comes back, and so do they.
systemctl restart flower-superlink.service
within 30 "two nodes online after a restart of the hub" nodes_online 2
[ "$(systemctl show --value -p NRestarts flower-supernode.service)" = 0 ] || fail "the node was restarted"

# Removal takes the instance along.
if [ -n "$debs" ]; then
	dpkg -P flower-supernode >/dev/null 2>&1
	[ -z "$(systemctl list-units --no-legend 'flower-supernode*')" ] || fail "left after removal: $(systemctl list-units --no-legend 'flower-supernode*')"
	no_files /etc/flwr/keys /var/lib/flwr/supernode /var/lib/flwr/supernode@b /etc/flwr/supernode@b.d
	for l in /etc/systemd/system/*.wants/flower-supernode*; do
		[ ! -L "$l" ] || fail "$l is left"
	done
fi
