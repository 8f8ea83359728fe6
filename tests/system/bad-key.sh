# A key that is missing, foreign, of a wrong owner or mode: told with its file, and over when it is corrected.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl start flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"
hub=/etc/flwr/tls/superlink.key
node=/etc/flwr/keys/supernode/node.key
cp -p $hub "$work/hub.key"
cp -p $node "$work/node.key"

restart() {
	systemctl restart "flower-$1.service" 2>/dev/null || true
}

# ---- missing ----
rm $hub $node
restart superlink
restart supernode
said $CERTIFICATE_REFUSED $hub "No such file"
said $KEY_REFUSED $node "No such file"
no_socket_failed
# At a boot nobody makes a new key in its place: the SuperLink knows the old one.
flwr-provision supernode >"$work/provision" 2>&1 && fail "flwr-provision makes another key for a node that has joined"
said $KEY_REFUSED $node --rotate
[ ! -e $node ] || fail "there is another key"
cp -p "$work/hub.key" $hub
cp -p "$work/node.key" $node
comes_back flower-superlink.service
within 15 "the node is online again" status_says flower-supernode.service "Online as SuperNode"
no_socket_failed

# ---- of a wrong owner or mode ----
chown root:root $hub $node
chmod 600 $hub $node
restart superlink
restart supernode
said $CERTIFICATE_REFUSED $hub "Permission denied" "chgrp _flwr-superlink"
said $KEY_REFUSED $node "Permission denied" "chgrp _flwr-supernode"
flwr-provision superlink >/dev/null 2>&1 || fail "flwr-provision superlink failed"
flwr-provision supernode >/dev/null 2>&1 || fail "flwr-provision supernode failed"
said $KEY_ACCESS_MENDED $hub
said $KEY_ACCESS_MENDED $node
[ "$(stat -c '%a %U:%G' $hub $node | sort | paste -sd ' ' -)" = "640 root:_flwr-superlink 640 root:_flwr-supernode" ] ||
	fail "owner and mode were not mended: $(stat -c '%n %a %U:%G' $hub $node)"
comes_back flower-superlink.service
within 15 "the node is online again" status_says flower-supernode.service "Online as SuperNode"
cmp $hub "$work/hub.key" && cmp $node "$work/node.key" || fail "a key was changed"

chmod 644 $hub $node
restart superlink
restart supernode
said $KEY_EXPOSED $hub 0644
said $KEY_EXPOSED $node 0644
chmod 640 $hub $node

# ---- of something else ----
certtool --generate-privkey --key-type ecdsa --outfile "$work/foreign.key" >/dev/null 2>&1
cat "$work/foreign.key" >$hub
echo "no key" >$node
restart superlink
restart supernode
said $CERTIFICATE_REFUSED $hub "does not belong"
said $KEY_REFUSED $node
no_socket_failed
cat "$work/hub.key" >$hub
cat "$work/node.key" >$node
comes_back flower-superlink.service
within 15 "the node is online again" status_says flower-supernode.service "Online as SuperNode"
