# Peers of the other make, Flower 1.20.0: a SuperLink that a join string names, and a SuperNode at the packaged hub.
. "$(dirname "$0")/lib/common.sh"

flower_environment
install_services
export FLWR_TELEMETRY_ENABLED=0
show="$work/hub.log $work/node.log"
: >"$work/hub.log"
: >"$work/node.log"

# ---- a genuine SuperLink with a CA of its own, and our node ----

flwr-provision ca --dir "$work/ca" >/dev/null 2>&1
flwr-provision server --dir "$work/ca" --name localhost >/dev/null 2>&1
pin=$(flwr-provision show "$work/ca/ca.crt" | grep -oE 'sha256:[0-9a-f]{64}' | head -n 1)
[ -n "$pin" ] || { flwr-provision show "$work/ca/ca.crt"; fail "flwr-provision show does not say the pin of a CA"; }
: >"$work/keys.csv"

start_hub() {
	HOME=$work/home /opt/flwr/bin/flower-superlink --ssl-ca-certfile "$work/ca/ca.crt" --ssl-certfile "$work/ca/server.pem" \
		--ssl-keyfile "$work/ca/server.key" --auth-list-public-keys "$work/keys.csv" \
		--fleet-api-address 127.0.0.1:9192 --exec-api-address 127.0.0.1:9193 --serverappio-api-address 127.0.0.1:9191 \
		--simulationio-api-address 127.0.0.1:9196 >>"$work/hub.log" 2>&1 &
	hub=$!
	pids="$pids $hub"
	within 60 "the genuine SuperLink listens" sh -c 'ss -Htln "( sport = :9192 )" | grep -q .'
}
start_hub

wrong=$(echo "$pin" | sed 's/:......../:00000000/')
s=0
echo "flwr+join://localhost:9192?ca=$wrong" | flwr-provision join - >"$work/join" 2>&1 || s=$?
[ "$s" = 76 ] || { cat "$work/join"; fail "a genuine SuperLink with another CA is not refused with 76, but $s"; }
no_files /etc/flwr/supernode.d/50-join.toml /etc/flwr/keys/supernode/superlink-ca.crt

echo "flwr+join://localhost:9192?ca=$pin" | flwr-provision join - >"$work/join" 2>&1 || { cat "$work/join"; fail "a join string of a genuine SuperLink is refused"; }
grep -q '^  flwr supernode register node.pub$' "$work/join" || { cat "$work/join"; fail "the command of the operator is not told"; }
cmp -s "$work/ca/ca.crt" /etc/flwr/keys/supernode/superlink-ca.crt || fail "the CA that the node trusts is not the hub's"

# 1.20 has no such command yet, but the list of keys that the text names.
grep -qF 'cat node.pub >>LIST' "$work/join" || { cat "$work/join"; fail "the way with a list of keys is not told"; }
cat /etc/flwr/keys/supernode/node.pub >>"$work/keys.csv"
kill "$hub"
wait "$hub" 2>/dev/null || true
start_hub
systemctl start flower-supernode.service
# An id of the journal, and the hub's own word.
within 30 "our node has joined the genuine SuperLink" sh -c 'journalctl --no-pager -o cat MESSAGE_ID=9e998b3319ec80d3774176a6c1885fc7 | grep -q .'
within 30 "the genuine SuperLink has the node" grep -qE 'Fleet.CreateNode|CreateNode' "$work/hub.log"
systemctl stop flower-supernode.service
expect_state inactive flower-supernode.service
kill "$hub"

# ---- a genuine SuperNode with files, and the packaged hub ----

flwr-provision node-keys --dir "$work/node" --count 1 >/dev/null 2>&1
printf '[superlink.hub]\naddress = "unix:/run/flwr/control.sock"\n' >/etc/flwr/config.toml
flwr supernode register "$work/node/client_credentials_1.pub" . hub >"$work/register" 2>&1 || { cat "$work/register"; fail "the key of the genuine SuperNode cannot be registered"; }
HOME=$work/home /opt/flwr/bin/flower-supernode --superlink localhost:9092 --root-certificates /etc/flwr/tls/ca.crt \
	--auth-supernode-private-key "$work/node/client_credentials_1" --auth-supernode-public-key "$work/node/client_credentials_1.pub" \
	--clientappio-api-address 127.0.0.1:9194 >"$work/node.log" 2>&1 &
pids="$pids $!"
within 60 "the genuine SuperNode is online at our hub" sh -c 'systemctl show --value -p StatusText flower-superlink.service | grep -q "^1 of 1"'
