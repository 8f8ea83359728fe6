# Keys live as long as the administrator wants: through reinstallation and removal, not through a purge, which leaves nothing.
. "$(dirname "$0")/lib/common.sh"
export DEBIAN_FRONTEND=noninteractive

everything() {
	find /etc /usr /var /srv /opt -xdev -not -path '/opt/flwr-test*' -not -path '/var/log/*' -not -path '/var/cache/*' \
		-not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' -not -path '/etc/ld.so.cache' | LC_ALL=C sort
}

[ -n "$debs" ] || skip "only where the packages can be installed again"
everything >"$work/before"
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

# What belongs to others stays: to the administrator, and to a package that is still there.
echo '# mine' >/etc/flwr/superlink.d/10-mine.toml
dpkg -P flower-superlink >/dev/null 2>&1
no_files /etc/flwr/tls /var/lib/flwr/superlink /etc/flwr/superlink.toml
[ -f /etc/flwr/superlink.d/10-mine.toml ] || fail "a purge removed a file of the administrator"
[ -s /etc/flwr/keys/supernode/node.key ] || fail "a purge of the hub removed the node's key"
rm -r /etc/flwr/superlink.d
touch /srv/flwr/data
dpkg -P flower-supernode flwr-apps flwr-provision flwr libflwr0 >/dev/null 2>&1
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
