# A full /var of the hub: told once, new work is refused for now, nothing is lost, and it goes on when there is space again.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl stop flower-superlink-fleet.socket 'flower-superlink*' 'flower-supernode*' 2>/dev/null

# Its state on a file system of its own. It wants 256 MiB free.
tar -C /var/lib/flwr/superlink -cf "$work/state.tar" .
mount -t tmpfs -o "size=320m,mode=0700,uid=$(id -u _flwr-superlink),gid=$(id -g _flwr-superlink)" state /var/lib/flwr/superlink 2>/dev/null ||
	skip "no file system can be mounted here"
tar -C /var/lib/flwr/superlink -xf "$work/state.tar"
systemctl start flower-superlink-fleet.socket flower-superlink-control.socket flower-superlink.service flower-supernode.service
within 15 "the node is online" status_says flower-superlink.service "1 of 1 nodes online"

app=$work/app
mkdir -p "$app"
cat >"$app/pyproject.toml" <<'TOML'
[project]
name = "app"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "test"
[tool.flwr.app.components]
serverapp = "app:app"
clientapp = "app:app"
TOML
printf 'app = None\n' >"$app/app.py"
chmod -R a+rX "$work"

# ---- nearly full: below the floor ----
fallocate -l 100M /var/lib/flwr/superlink/ballast
said $SPACE_LOW /var/lib/flwr/superlink "256 MiB" "df -h"
within 15 "the status says so" status_says flower-superlink.service "DISK FULL"
timeout 5 flwr run "$app" >"$work/run" 2>&1 && { cat "$work/run"; fail "a run is taken although the disk is full"; }
# What needs no space works, the node stays, and nothing has ended.
flwr supernode list >"$work/list" 2>&1 || { cat "$work/list"; fail "the Control API does not answer"; }
sleep 6
has_said $SPACE_LOW /var/lib/flwr/superlink || fail "it is not told any more"
[ "$(wc -l <"$work/said")" = 1 ] || fail "it is told $(wc -l <"$work/said") times"
is_active flower-superlink.service || fail "the SuperLink has ended"
[ "$(systemctl show --value -p NRestarts flower-superlink.service)" = 0 ] || fail "the SuperLink was restarted"
rm /var/lib/flwr/superlink/ballast
said $SPACE_ENOUGH /var/lib/flwr/superlink
timeout 20 flwr run "$app" >"$work/run" 2>&1 || { cat "$work/run"; fail "no run is taken although there is space again"; }
within 15 "the status is good" status_says flower-superlink.service "1 of 1 nodes online"

# ---- full to the last byte: it ends rather than promise what it cannot keep, and is back with the space ----
runs() {
	flwr ls --format json 2>/dev/null | grep -c '"run-id"'
}
before=$(runs)
[ "$before" -ge 1 ] || fail "flwr ls shows no run"
dd if=/dev/zero of=/var/lib/flwr/superlink/ballast bs=64k 2>/dev/null || true
dd if=/dev/zero of=/var/lib/flwr/superlink/ballast2 bs=512 2>/dev/null || true
flwr-provision node-keys --dir "$work/keys" >/dev/null 2>&1
timeout 5 flwr supernode register "$work"/keys/*.pub >"$work/register" 2>&1 && { cat "$work/register"; fail "a node is registered although nothing can be written"; }
said $STATE_UNWRITABLE /var/lib/flwr/superlink
no_socket_failed
rm /var/lib/flwr/superlink/ballast /var/lib/flwr/superlink/ballast2
within 30 "the SuperLink is back" is_active flower-superlink.service
no_socket_failed
[ "$(runs)" = "$before" ] || fail "there were $before runs, now there are $(runs)"
within 40 "the node is online" status_says flower-superlink.service "1 of "
