# Without systemd the packages can be installed, and the programs run by hand.
. "$(dirname "$0")/lib/common.sh"

[ -n "$debs" ] || skip "only where the packages are not installed yet"
# This system without what is mounted over it: no /run/systemd, as in a chroot or a container image.
root=$(mktemp -d)
mount --bind / "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
# What is mounted is this system: nothing is removed below it, whatever happens.
finish_mounts() {
	status=$?
	for p in $pids; do
		kill "$p" 2>/dev/null || true
	done
	umount --lazy "$root/dev" "$root/proc" "$root"
	rmdir "$root"

	finish "$status"
}
trap finish_mounts EXIT
inside() {
	chroot "$root" env -u INVOCATION_ID "$@"
}

[ ! -e "$root/run/systemd/system" ] || fail "the chroot has a running systemd"
packages=$(for p in flwr-provision flwr-apps flower-superlink flower-supernode libflwr0 flwr; do echo "$debs/${p}"_*.deb; done)
# shellcheck disable=SC2086 # names without blanks
inside env DEBIAN_FRONTEND=noninteractive dpkg -i $packages >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the installation failed"; }
[ -s "$root/etc/flwr/tls/superlink.crt" ] || fail "there is no certificate"
! pgrep -f '^/usr/bin/flower-' || fail "the installation in a chroot started something"

mkdir -p /var/tmp/hub /var/tmp/node
chown _flwr-superlink /var/tmp/hub
chown _flwr-supernode /var/tmp/node
show="$work/hub $work/node"
touch "$work/hub" "$work/node"
inside su -s /bin/sh _flwr-superlink -c 'HOME=/var/tmp/hub exec flower-superlink --ssl-ca-certfile /etc/flwr/tls/ca.crt \
	--ssl-certfile /etc/flwr/tls/superlink.crt --ssl-keyfile /etc/flwr/tls/superlink.key --database :flwr-in-memory: \
	--storage-dir /var/tmp/hub/fabs' >"$work/hub" 2>&1 &
p=$!
pids="$pids $p"
within 10 "the hub answers" trusted
inside su -s /bin/sh _flwr-supernode -c 'HOME=/var/tmp/node exec flower-supernode --superlink localhost:9092 \
	--root-certificates /etc/flwr/tls/ca.crt --auth-supernode-private-key /etc/flwr/keys/supernode/node.key' >"$work/node" 2>&1 &
pids="$pids $!"
within 10 "the node is let in" grep -q 'SuperNode ID' "$work/node"
kill "$(pgrep -x flower-supernod)" "$(pgrep -x flower-superlin)"
within 10 "they end" sh -c '! pgrep -x "flower-super(nod|lin)"'
show=

inside dpkg -P flower-superlink flower-supernode flwr-apps flwr-provision flwr libflwr0 >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the purge failed"; }
no_files "$root/etc/flwr" "$root/var/lib/flwr"

# An image that is to hold no keys.
# shellcheck disable=SC2086 # names without blanks
inside env FLWR_PROVISION=no DEBIAN_FRONTEND=noninteractive dpkg -i $packages >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the installation without keys failed"; }
no_files "$root/etc/flwr/tls/superlink.key" "$root/etc/flwr/keys/supernode/node.key"
