# A machine that is a copy of another one has keys of its own, unless somebody has joined.
. "$(dirname "$0")/lib/common.sh"

install_services
another_machine() {
	systemd-id128 new >/etc/machine-id
}

before=$(fingerprints)
another_machine
flwr-provision superlink >/dev/null 2>&1 || fail "flwr-provision superlink failed on a copy"
flwr-provision supernode >/dev/null 2>&1 || fail "flwr-provision supernode failed on a copy"
[ "$before" != "$(fingerprints)" ] || fail "a copy that nobody had joined kept its keys"

install -d -o _flwr-superlink -m 700 /var/lib/flwr/superlink
install -d -o _flwr-supernode -m 700 /var/lib/flwr/supernode
touch /var/lib/flwr/superlink/joined /var/lib/flwr/supernode/joined
ca=$(sha256sum /etc/flwr/tls/private/ca.key)
node=$(sha256sum /etc/flwr/keys/supernode/node.key)
another_machine
flwr-provision superlink >/dev/null 2>&1 || fail "a copy of a SuperLink in use was refused"
[ "$ca" = "$(sha256sum /etc/flwr/tls/private/ca.key)" ] || fail "a copy of a SuperLink in use got other keys"
! flwr-provision supernode >/dev/null 2>&1 || fail "a copy of a SuperNode that has joined was not refused"
[ "$node" = "$(sha256sum /etc/flwr/keys/supernode/node.key)" ] || fail "the key of a copy was changed"

said $MACHINE_COPY_KEPT "flwr-provision superlink --adopt" "--rotate"
said $MACHINE_COPY_REFUSED "flwr-provision supernode --rotate" "flwr-provision supernode --adopt"

# ---- what the services make of it ----
flwr-provision superlink --adopt >/dev/null 2>&1 || fail "--adopt of the SuperLink failed"
flwr-provision supernode --adopt >/dev/null 2>&1 || fail "--adopt failed"
[ "$node" = "$(sha256sum /etc/flwr/keys/supernode/node.key)" ] || fail "--adopt changed the key"
said $MACHINE_COPY_ADOPTED supernode
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl start flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"

# As at the first boot of a copy.
systemctl stop flower-superlink-fleet.socket 'flower-superlink*' 'flower-supernode*' 'flwr-provision@*' 2>/dev/null
another_machine
systemctl start flower-superlink-fleet.socket flower-superlink-control.socket flower-superlink.service
systemctl start flower-supernode.service 2>/dev/null && fail "the SuperNode of a refused copy started"
[ "$(state flower-supernode.service)" != active ] || fail "the SuperNode of a refused copy runs"
within 5 "the SuperLink's status says that it is a copy" status_says flower-superlink.service "COPIED MACHINE (flwr-provision superlink --adopt"
no_socket_failed

# The decision is all; nobody starts anything.
flwr-provision supernode --adopt >/dev/null 2>&1 || fail "--adopt failed"
within 10 "the node starts once it is adopted" is_active flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"
flwr-provision superlink --adopt >/dev/null 2>&1 || fail "--adopt of the SuperLink failed"
within 15 "the SuperLink's status is good" sh -c 'systemctl show --value -p StatusText flower-superlink.service | grep -q "^1 of 1"'
no_files /etc/flwr/tls/copied

# Who has stopped it finds it stopped.
systemctl stop flower-supernode.service
flwr-provision supernode --rotate >/dev/null 2>&1 || fail "--rotate failed"
sleep 1
expect_state inactive flower-supernode.service
