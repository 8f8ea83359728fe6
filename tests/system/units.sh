# The units are right for this systemd, and the sandboxes as tight as they were measured to be.
. "$(dirname "$0")/lib/common.sh"

install_services
dir=$(dirname "$(systemctl show --value -p FragmentPath flower-superlink.service)")

# Complaints about what the base system has are not ours.
systemd-analyze verify --man=no "$dir"/flower-*.s* "$dir"/flower-*.timer "$dir"/flower-*.path "$dir"/flwr* >"$work/verify" 2>&1 || true
for unit in "$dir"/flower-*@.* "$dir"/flwr-*@.*; do
	# An instance of each template.
	cp "$unit" "$work/$(basename "$unit" | sed 's/@/@x/')"
done
systemd-analyze verify --man=no "$work"/*@x.* >>"$work/verify" 2>&1 || true
if grep -E 'flower|flwr' "$work/verify"; then
	fail "systemd-analyze verify is not silent"
fi

# Tenths, for the shell; offline, version 252 counts a little more than at run time.
version=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
exposure() {
	unit=$1 new=$2 old=$3
	bar=$new
	[ "$version" -ge 253 ] || bar=$old
	score=$(systemd-analyze security --no-pager --offline=true "$dir/$unit" 2>/dev/null |
		sed -n 's/.*exposure level for [^:]*: \([0-9]*\)\.\([0-9]\).*/\1\2/p' | sed 's/^0\([0-9]\)/\1/')
	figure "exposure of $unit, offline: $score tenths (bar $bar)"
	[ "$score" -le "$bar" ] || fail "the exposure of $unit is $score tenths, the bar is $bar"
}
exposure flower-superlink.service 4 5
exposure flower-superlink-apps.service 4 6
exposure flower-supernode-apps.service 4 6
exposure flower-supernode.service 11 12
exposure flower-supernode@.service 11 12
exposure flwr-serverapp@.service 10 12
exposure flwr-clientapp@.service 10 12
exposure flwr-provision@.service 15 15
exposure flower-superlink-renew.service 15 15
exposure flower-supernode-join.service 24 24
exposure flwr-socket-retry@.service 17 17
