# A full /var of a node: told once, new work waits on the SuperLink, and it goes on when there is space again.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
state=/var/lib/flwr/supernode

# Its state on a file system of its own. It wants 128 MiB free.
mount -t tmpfs -o "size=192m,mode=0700,uid=$(id -u _flwr-supernode),gid=$(id -g _flwr-supernode)" state $state 2>/dev/null ||
	skip "no file system can be mounted here"

# ---- nearly full ----
fallocate -l 100M $state/ballast
systemctl start flower-supernode.service
said $SPACE_LOW $state "128 MiB" "df -h"
within 5 "the status says so" status_says flower-supernode.service "DISK FULL, no new work; Online as SuperNode"
is_active flower-supernode.service || fail "the node has ended"
rm $state/ballast
# With the next heartbeat, each 17 to 23 s.
within 40 "the node says that there is space" has_said $SPACE_ENOUGH $state
has_said $SPACE_LOW $state
[ "$(wc -l <"$work/said")" = 1 ] || fail "it is told $(wc -l <"$work/said") times"
status_says flower-supernode.service "DISK FULL" && fail "the status still says that the disk is full"

# ---- full to the last byte: nothing is half written, and it starts when there is space ----
systemctl stop flower-supernode.service
rm -rf $state/*
dd if=/dev/zero of=$state/ballast bs=64k 2>/dev/null || true
dd if=/dev/zero of=$state/ballast2 bs=512 2>/dev/null || true
systemctl start flower-supernode.service 2>/dev/null && fail "the node starts although nothing can be written"
said $STATE_UNWRITABLE $state
no_socket_failed
rm $state/ballast $state/ballast2
within 20 "the node is online" status_says flower-supernode.service "Online as SuperNode"
no_socket_failed
