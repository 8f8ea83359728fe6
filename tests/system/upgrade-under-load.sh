# An upgrade to this version while nodes connect: nothing fails, keys stay.
. "$(dirname "$0")/lib/common.sh"

[ -n "$debs" ] || skip "only where the packages can be installed again"
# The release before this one: so far these very files under an older version.
mkdir "$work/old"
older=$(dpkg-deb -f "$debs"/flwr-provision_*.deb Version | sed "s|-.*|-0|")
for p in flwr-provision flwr-apps flower-superlink flower-supernode libflwr0 flwr; do
	dpkg-deb -R "$debs/${p}"_*.deb "$work/$p"
	version=$(sed -n 's/^Version: //p' "$work/$p/DEBIAN/control")
	sed -i "s/$version/$older/g" "$work/$p/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$work/$p" "$work/old/$p.deb" >/dev/null
done
DEBIAN_FRONTEND=noninteractive dpkg -i "$work"/old/*.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the older version cannot be installed"; }
trusted || fail "the older version does not answer"
keys=$(fingerprints)
pid=$(systemctl show --value -p MainPID flower-superlink.service)
"$(dirname "$0")/lib/launch" clientapp 201 /bin/sleep 60 >/dev/null &
pids="$pids $!"
within 10 "an app" pgrep -f '^/bin/sleep 60'
app=$(pgrep -f '^/bin/sleep 60')

"$(dirname "$0")/lib/hammer" --seconds 15 --clients 16 >"$work/hammer" &
p=$!
pids="$pids $p"
sleep 2
# shellcheck disable=SC2046 # words
DEBIAN_FRONTEND=noninteractive dpkg -i $(for p in flwr-provision flwr-apps flower-superlink flower-supernode libflwr0 flwr; do echo "$debs/${p}"_*.deb; done) \
	>"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "the upgrade failed"; }
wait $p || { cat "$work/hammer"; fail "an upgrade: $(tail -n 1 "$work/hammer")"; }
figure "an upgrade: $(cat "$work/hammer")"
[ "$(systemctl show --value -p MainPID flower-superlink.service)" != "$pid" ] || fail "the upgrade did not restart the SuperLink"
[ "$keys" = "$(fingerprints)" ] || fail "the upgrade changed keys"
[ "$(pgrep -f '^/bin/sleep 60')" = "$app" ] || fail "an app did not survive the upgrade"
