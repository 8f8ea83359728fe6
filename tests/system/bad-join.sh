# A join string that is damaged, of another SuperLink, or used: told on the node and on the hub, and nothing is changed.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
invite() {
	flwr-provision invite --address localhost:9092 2>"$work/invite" | grep -o 'flwr+join://[^ ]*' | head -n 1
}
string=$(invite)

# refuses WHAT STATUS STRING
refuses() {
	status=0
	echo "$3" | flwr-provision join - >"$work/join" 2>&1 || status=$?
	[ $status = "$2" ] || { cat "$work/join"; fail "joining with $1 ends with $status, not $2"; }
	no_files /etc/flwr/supernode.d/50-join.toml /var/lib/flwr/supernode/joined
}
refuses "something else" 64 "https://localhost:9092"
said $JOIN_REFUSED HOST:PORT "flwr-provision invite"
refuses "a string that was cut" 64 "$(echo "$string" | cut -c 1-60)"
refuses "the hash of another CA" 76 "$(echo "$string" | sed -E 's/(ca=sha256:).{8}/\100000000/')"
said $JOIN_REFUSED localhost:9092
refuses "an address where nobody listens" 69 "$(echo "$string" | sed 's/9092/9999/')"
said $JOIN_REFUSED localhost:9999

# ---- used ----
echo "$string" | flwr-provision join - >"$work/join" 2>&1 || { cat "$work/join"; fail "joining failed"; }
systemctl start flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"
status=0
echo "$string" | flwr-provision join - --node supernode@b >"$work/join" 2>&1 || status=$?
[ $status = 77 ] || { cat "$work/join"; fail "joining with a used string ends with $status, not 77"; }
said $JOIN_REFUSED "another invitation"
said $ENROL_REFUSED "used"
# The first node is none the worse for it, and a new string is all that the second one needs.
status_says flower-supernode.service "Online as SuperNode" || fail "the first node is not online any more"
invite | flwr-provision join - --node supernode@b >"$work/join" 2>&1 || { cat "$work/join"; fail "joining with a new string failed"; }
no_socket_failed
