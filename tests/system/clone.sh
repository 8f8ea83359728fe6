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

touch /etc/flwr/supernode.d/50-join.toml
systemctl restart flwr-provision@supernode.service 2>/dev/null && fail "the unit of a refused copy started"
systemctl start flower-supernode.service 2>/dev/null && fail "the SuperNode of a refused copy started"
flwr-provision supernode --adopt >/dev/null 2>&1 || fail "--adopt failed"
[ "$node" = "$(sha256sum /etc/flwr/keys/supernode/node.key)" ] || fail "--adopt changed the key"
flwr-provision supernode >/dev/null 2>&1 || fail "an adopted copy is refused"
