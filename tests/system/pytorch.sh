# README's paragraph on PyTorch: the example's Python side on the packaged units, in a run with a node that takes the native side.
. "$(dirname "$0")/lib/common.sh"

flower_environment torch
federation
readme PyTorch | grep -vE '^python3 -m venv|pip install' >"$work/configure"
grep -q '^echo .*python-apps' "$work/configure" || fail "README does not configure python-apps any more"
bash -ex "$work/configure" >"$work/output" 2>&1 || { cat "$work/output"; fail "README's configuration fails"; }
within 30 "two nodes online" nodes_online 2

# run_app WHAT: its statuses are in $work/ls.
run_app() {
	begin=$(milliseconds)
	as_alice "timeout 250 flwr run . hub --stream --run-config 'num-server-rounds=2 learning-rate=0.01 fraction-evaluate=1.0'" \
		>"$work/run" 2>&1 || { cat "$work/run"; journalctl --no-pager -n 60; fail "flwr run failed: $1"; }
	as_alice 'flwr ls . hub' >"$work/ls" 2>&1
	! grep -qE 'finished:(failed|stopped)' "$work/ls" || {
		cat "$work/run" "$work/ls"
		journalctl --no-pager -n 80
		fail "the run failed: $1"
	}
	figure "$1: $(($(milliseconds) - begin)) ms"
}
# Without its table the app has no native side: all is Python.
cp /home/alice/authentication/pyproject.toml "$work/pyproject.toml"
sed -i '/^\[tool\.flwr\.app\.native\]$/,/^$/d' /home/alice/authentication/pyproject.toml
! cmp -s /home/alice/authentication/pyproject.toml "$work/pyproject.toml" || fail "the example has no table of a native side"
run_app "two PyTorch nodes and a Python ServerApp, two rounds"
grep -qiE 'accuracy|loss' "$work/run" || { cat "$work/run"; fail "the run says nothing of loss or accuracy"; }

# A mixed run: a packaged node with the native side, and a genuine SuperNode, which knows only Python.
cp "$work/pyproject.toml" /home/alice/authentication/pyproject.toml
systemctl stop 'flower-supernode*@b*'
flwr-provision node-keys --dir "$work/node" --count 1 >/dev/null 2>&1
flwr supernode register "$work/node/client_credentials_1.pub" . hub >"$work/register" 2>&1 || { cat "$work/register"; fail "the key of the genuine SuperNode cannot be registered"; }
: >"$work/node.log"
show=$work/node.log
FLWR_TELEMETRY_ENABLED=0 HOME=$work/home PATH=/opt/flwr/bin:$PATH flower-supernode --superlink localhost:9092 \
	--root-certificates /etc/flwr/tls/ca.crt --auth-supernode-private-key "$work/node/client_credentials_1" \
	--auth-supernode-public-key "$work/node/client_credentials_1.pub" --clientappio-api-address 127.0.0.1:9194 \
	--node-config 'dataset-path="/srv/flwr/cifar10_part_2"' >"$work/node.log" 2>&1 &
pids="$pids $!"
mixed() {
	systemctl show --value -p StatusText flower-superlink.service | grep -q '^2 of 3'
}
within 60 "a native and a genuine node online" mixed
run_app "a native node and a PyTorch node, two rounds"
grep -q 'Pull.*Message\|Run ID\|ClientApp' "$work/node.log" || fail "the genuine SuperNode has done nothing"
