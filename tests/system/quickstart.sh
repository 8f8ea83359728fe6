# The packaged example runs to the end on a fresh host, as the README says: a hub, two nodes, a user.
. "$(dirname "$0")/lib/common.sh"

install_services
install_packages libflwr-dev flwr-examples
command -v cc >/dev/null || skip "there is no compiler for the example"

useradd --create-home --groups flwr alice
as_alice() {
	su -l alice -c "cd authentication && $*"
}
su -l alice -c 'cp -r /usr/share/doc/flwr-examples/examples/flower-authentication authentication'
as_alice 'make' >"$work/make" 2>&1 || { cat "$work/make"; fail "the example cannot be built with the packages"; }
as_alice './prepare_dataset 2' >"$work/data" 2>&1 || { cat "$work/data"; fail "there are no data"; }

# The administrator: data, two nodes.
cp -r /home/alice/authentication/datasets/cifar10_part_1 /home/alice/authentication/datasets/cifar10_part_2 /srv/flwr/
chgrp -R _flwr-data /srv/flwr
chmod -R g+rX /srv/flwr
n=1
for node in supernode supernode@b; do
	flwr-provision join --local --node $node || fail "$node cannot join"
	printf '[node-config]\ndataset-path = "/srv/flwr/cifar10_part_%d"\n' $n >/etc/flwr/$node.d/60-data.toml
	systemctl enable --now flower-$node.service
	n=$((n + 1))
done
within 20 "two nodes online" sh -c 'systemctl show --value -p StatusText flower-superlink.service | grep -q "^2 of 2"'

# The user.
cat >>/home/alice/authentication/pyproject.toml <<-'TOML'

	[tool.flwr.federations.packages]
	address = "unix:/run/flwr/control.sock"
	insecure = true
TOML
begin=$(milliseconds)
as_alice "timeout 200 flwr run . packages --stream --run-config 'num-server-rounds=3 learning-rate=0.01'" >"$work/run" 2>&1 || {
	cat "$work/run"
	journalctl --no-pager -n 60
	fail "flwr run failed"
}
figure "the example, 3 rounds on two nodes: $(($(milliseconds) - begin)) ms"
as_alice "flwr ls . packages" >"$work/ls" 2>&1 || true
grep -q 'finished:completed' "$work/ls" || { cat "$work/run" "$work/ls"; fail "the run did not complete"; }

run=$(grep -oE 'FLWR_RUN=[0-9]+' "$work/run" | head -n 1 | cut -d = -f 2)
[ -n "$run" ] || run=$(grep -oE '[0-9]{15,}' "$work/ls" | head -n 1)
for component in superlink supernode superexec serverapp clientapp; do
	[ "$(journalctl --no-pager -o cat "FLWR_RUN=$run" "FLWR_COMPONENT=$component" | wc -l)" -gt 0 ] || fail "no line of $component has FLWR_RUN=$run"
done

# Somebody else is no operator.
useradd --create-home mallory
cp -r /home/alice/authentication /home/mallory/authentication
chown -R mallory: /home/mallory/authentication
! su -l mallory -c 'cd authentication && timeout 20 flwr ls . packages' >/dev/null 2>&1 || fail "a user who is not in group flwr uses the Control API"
