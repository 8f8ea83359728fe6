# Keys live as long as the administrator wants: through reinstallation and removal, not through a purge, which leaves nothing.
. "$(dirname "$0")/lib/common.sh"
export DEBIAN_FRONTEND=noninteractive

everything() {
	find /etc /usr /var /srv /opt -xdev -not -path '/opt/flwr-test*' -not -path '/var/log/*' -not -path '/var/cache/*' \
		-not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' -not -path '/etc/ld.so.cache' | LC_ALL=C sort
}

[ -n "$debs" ] || skip "only where the packages can be installed again"
everything >"$work/before"

# An image that is to have no keys.
export FLWR_PROVISION=no
install_services
unset FLWR_PROVISION
[ ! -e /etc/flwr/tls/private ] || fail "FLWR_PROVISION=no made keys of the SuperLink"
[ ! -e /etc/flwr/keys/supernode ] || fail "FLWR_PROVISION=no made a key of the SuperNode"
# The first start makes them.
systemctl start flower-superlink.service || fail "the SuperLink does not start without the keys of the installation"
trusted || fail "the SuperLink that was installed without keys does not answer"
dpkg -P flower-superlink flower-supernode flwr-apps flwr-provision flwr libflwr0 >/dev/null 2>&1
rm -r /srv/flwr

install_services
[ -s /etc/flwr/tls/private/ca.key ] || fail "the installation made no CA"
[ -s /etc/flwr/keys/supernode/node.key ] || fail "the installation made no key for the SuperNode"
[ "$(stat -c '%a %U:%G' /etc/flwr/tls/superlink.key)" = "640 root:_flwr-superlink" ] || fail "the mode of superlink.key: $(stat -c '%a %U:%G' /etc/flwr/tls/superlink.key)"
[ "$(stat -c '%a %U:%G' /etc/flwr/keys/supernode/node.key)" = "640 root:_flwr-supernode" ] || fail "the mode of node.key"
[ "$(stat -c '%a %U' /etc/flwr/tls/private)" = "700 root" ] || fail "the mode of tls/private"
[ "$(stat -c '%a %U:%G' /srv/flwr)" = "2750 root:_flwr-data" ] || fail "the mode of /srv/flwr"
keys=$(fingerprints)

same_keys() {
	[ "$keys" = "$(fingerprints)" ] || fail "other keys after $1"
}
services="flwr-provision flwr-apps flower-superlink flower-supernode"

dpkg-reconfigure flower-superlink flower-supernode
same_keys "dpkg-reconfigure"
# shellcheck disable=SC2086,SC2046 # words
dpkg -i $(for p in $services; do echo "$debs/${p}"_*.deb; done) >/dev/null
same_keys "an installation of the same version"
expect_state active flower-superlink-fleet.socket

# remade VERSION: the four packages as they would be in that version
remade() {
	rm -rf "$work/remade"
	mkdir "$work/remade"
	for p in $services; do
		dpkg-deb --raw-extract "$(echo "$debs/${p}"_*.deb)" "$work/tree"
		was=$(sed -n 's/^Version: //p' "$work/tree/DEBIAN/control")
		sed -i "s/^Version: .*/Version: $1/; /^Depends:/s/(= $was)/(= $1)/g" "$work/tree/DEBIAN/control"
		dpkg-deb --root-owner-group --build -Znone "$work/tree" "$work/remade/$p.deb" >/dev/null
		rm -r "$work/tree"
	done
}
# What people have made of them stays, too: what is enabled, and what nodes have joined with.
flwr-provision join --local >/dev/null 2>&1 || fail "the node does not join"
systemctl disable flower-superlink-control.socket >/dev/null 2>&1
keys=$(fingerprints)
for version in 99:1 0.0.1-1; do
	remade $version
	dpkg -i "$work/remade"/*.deb >"$work/dpkg.log" 2>&1 || {
		cat "$work/dpkg.log"
		fail "the change to version $version failed"
	}
	same_keys "the change to version $version"
	[ "$(dpkg-query -W -f '${Version}' flower-superlink)" = $version ] || fail "the version is not $version"
	expect_state active flower-superlink-fleet.socket
	trusted || fail "the SuperLink does not answer after the change to version $version"
	[ "$(systemctl is-enabled flower-superlink-control.socket)" = disabled ] || fail "the change to version $version enabled a socket again"
done
systemctl enable --now flower-superlink-control.socket >/dev/null 2>&1
# shellcheck disable=SC2086,SC2046 # words
dpkg -i $(for p in $services; do echo "$debs/${p}"_*.deb; done) >/dev/null
same_keys "an upgrade"

# A daemon that runs is restarted, its sockets are not.
trusted || fail "the SuperLink does not answer"
pid=$(systemctl show --value -p MainPID flower-superlink.service)
since=$(systemctl show --value -p ActiveEnterTimestampMonotonic flower-superlink-fleet.socket)
dpkg -i "$debs"/flower-superlink_*.deb >/dev/null
[ "$(systemctl show --value -p MainPID flower-superlink.service)" != "$pid" ] || fail "an upgrade did not restart the SuperLink"
[ "$(systemctl show --value -p ActiveEnterTimestampMonotonic flower-superlink-fleet.socket)" = "$since" ] || fail "an upgrade opened the socket anew"
trusted || fail "the SuperLink does not answer after an upgrade"

dpkg -r flower-superlink flower-supernode >/dev/null 2>&1
same_keys "removal"
[ -z "$(systemctl list-units --no-legend 'flower-*')" ] || fail "left after removal: $(systemctl list-units --no-legend 'flower-*')"
! pgrep 'flower-super' || fail "processes are left after removal"
[ ! -S /run/flwr/superlink.sock ] || fail "a socket is left after removal"
install_services
same_keys "removal and installation"
trusted || fail "the SuperLink does not answer after removal and installation"

# Each purged alone: the others and their files stay as they are.
owned() {
	for q in $services; do
		[ "$q" = "$1" ] || dpkg -L "$q" 2>/dev/null
	done | sort -u | while read -r f; do
		[ ! -f "$f" ] || sha256sum "$f"
	done
}
for p in flower-superlink flower-supernode flwr-apps; do
	case $p in
	flower-superlink) theirs=/etc/flwr/keys ;;
	flower-supernode) theirs=/etc/flwr/tls ;;
	*) theirs=/etc/flwr ;;
	esac
	owned $p >"$work/owned"
	find $theirs -type f -exec sha256sum {} + | sort -k 2 >"$work/theirs"
	dpkg -P $p >"$work/dpkg.log" 2>&1 || {
		cat "$work/dpkg.log"
		fail "$p cannot be purged alone"
	}
	owned $p | cmp -s - "$work/owned" || fail "the purge of $p changed files of other packages"
	find $theirs -type f -exec sha256sum {} + | sort -k 2 | cmp -s - "$work/theirs" || fail "the purge of $p changed keys of others"
	[ -z "$(dpkg -L $p 2>/dev/null)" ] || fail "$p is still there after its purge"
	case $p in
	flower-superlink) no_files /etc/flwr/tls /etc/flwr/superlink.toml /var/lib/flwr/superlink /etc/systemd/system/sockets.target.wants/flower-superlink-fleet.socket ;;
	flower-supernode) no_files /etc/flwr/keys /etc/flwr/supernode.toml /etc/flwr/supernode.d /var/lib/flwr/supernode /etc/systemd/system/multi-user.target.wants/flower-supernode.service ;;
	flwr-apps) no_files /usr/bin/flower-superexec /etc/systemd/system/sockets.target.wants/flwr-serverapp.socket ;;
	esac
	[ -z "$(systemctl --failed --no-legend)" ] || fail "failed after the purge of $p: $(systemctl --failed --no-legend)"
	install_services
done
keys=$(fingerprints)

# What belongs to others stays: to the administrator, and to a package that is still there.
mkdir -p /etc/flwr/keys/mine
echo mine >/etc/flwr/keys/mine/key
echo '# mine' >/etc/flwr/superlink.d/10-mine.toml
dpkg -P flower-superlink >/dev/null 2>&1
no_files /etc/flwr/tls /var/lib/flwr/superlink /etc/flwr/superlink.toml
[ -f /etc/flwr/superlink.d/10-mine.toml ] || fail "a purge removed a file of the administrator"
[ -s /etc/flwr/keys/supernode/node.key ] || fail "a purge of the hub removed the node's key"
rm -r /etc/flwr/superlink.d
dpkg -P flower-supernode >/dev/null 2>&1
[ "$(cat /etc/flwr/keys/mine/key)" = mine ] || fail "a purge removed a key of the administrator"
# Kept for the key only.
rm -r /etc/flwr/keys
rmdir /etc/flwr
touch /srv/flwr/data
dpkg -P flwr-apps flwr-provision flwr libflwr0 >/dev/null 2>&1
no_files /etc/flwr /var/lib/flwr /var/cache/flwr /run/flwr
[ -f /srv/flwr/data ] || fail "a purge removed a data set"
rm -r /srv/flwr
everything >"$work/after"
# Accounts stay, and with them the backups of their files.
diff "$work/before" "$work/after" | grep '^[<>]' | grep -vE '/etc/(passwd|group|shadow|gshadow)-?$|/etc/\.pwd\.lock$' >"$work/left" || true
[ ! -s "$work/left" ] || {
	cat "$work/left"
	fail "files are left after a purge"
}
[ -z "$(systemctl --failed --no-legend)" ] || fail "failed: $(systemctl --failed --no-legend)"
figure "files left after purge: 0"
