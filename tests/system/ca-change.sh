# A new CA of the hub reaches the nodes by itself: through the old one, which signs it, and for good.
. "$(dirname "$0")/lib/common.sh"

install_services
nodes="flower-supernode.service flower-supernode@b.service"
flwr-provision join --local >/dev/null 2>&1 || fail "the first node does not join"
flwr-provision join --local --node supernode@b >/dev/null 2>&1 || fail "the second node does not join"
# shellcheck disable=SC2086 # words
systemctl start $nodes
within 30 "both nodes are online" nodes_online 2
node_ca=$(sha256sum /etc/flwr/keys/supernode/superlink-ca.crt)
old=$(sha256sum /etc/flwr/tls/private/ca.key)

# Published, while the old one goes on.
flwr-provision superlink --rotate-ca --until 2999-01-01 >/dev/null
systemctl start flower-superlink-renew.service
[ "$(grep -c BEGIN /etc/flwr/tls/ca.crt)" = 2 ] || fail "ca.crt does not hold both"
[ "$old" = "$(sha256sum /etc/flwr/tls/private/ca.key)" ] || fail "the new CA took over before its day"
trusted || fail "the bundle of both does not prove the SuperLink"

# The day has come; the second node sleeps.
systemctl stop flower-supernode@b.service
flwr-provision superlink --rotate-ca --until 2020-01-01 >/dev/null
systemctl start flower-superlink-renew.service
[ "$old" != "$(sha256sum /etc/flwr/tls/private/ca.key)" ] || fail "the new CA did not take over"
# Debian 12's systemctl does not wait for a reload.
within 5 "the new CA proves the SuperLink" trusted
# From the first node's point of view: the old CA alone.
gnutls-cli --x509cafile /etc/flwr/keys/supernode/superlink-ca.crt --alpn=h2 -p 9092 localhost </dev/null >"$work/old" 2>&1 &&
	grep -q 'Status: The certificate is trusted' "$work/old" || {
	cat "$work/old"
	fail "who trusts the old CA does not trust the SuperLink any more"
}
systemctl restart flower-supernode.service
within 30 "the node that knows the old CA is online" status_says flower-supernode.service Online
within 30 "the node has learned the new CA" test -s /var/lib/flwr/supernode/superlink-ca-successors.crt
[ "$node_ca" = "$(sha256sum /etc/flwr/keys/supernode/superlink-ca.crt)" ] || fail "the daemon changed a file in /etc"
[ "$(stat -c %U /var/lib/flwr/supernode/superlink-ca-successors.crt)" = _flwr-supernode ] || fail "the owner of what it learned"

# Without what the old CA has signed, as when that has ended: who has learned goes on, who has slept through it all does not.
rm /etc/flwr/tls/private/link.crt /etc/flwr/tls/superlink.crt
flwr-provision superlink >/dev/null 2>&1
systemctl restart flower-superlink.service flower-supernode.service
within 60 "the node that has learned the new CA is online" nodes_online 1 2
systemctl start flower-supernode@b.service || true
within 30 "the other node is told why not" sh -c 'journalctl -u flower-supernode@b.service -o cat | grep -q "not signed by the given CA"'
nodes_online 1 2 || fail "a node that knows only the old CA is online"

# That one joins again, with the key that it has.
flwr-provision join --local --node supernode@b >/dev/null 2>&1 || fail "the second node does not join again"
systemctl restart flower-supernode@b.service
within 60 "both nodes are online again" nodes_online 2
