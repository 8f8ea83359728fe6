# A node trusts whom the join string names, and nobody else.
. "$(dirname "$0")/lib/common.sh"

install_services
address=localhost:9092
string() {
	flwr-provision invite --address $address "$@" | grep -o 'flwr+join://[^ ]*' | head -n 1
}
# The status that flwr-provision ends with; the string comes on standard input.
join() {
	s=0
	printf '%s\n' "$1" | flwr-provision join - ${2:+--node "$2"} >"$work/join" 2>&1 || s=$?
	echo $s
}
nothing_written() {
	no_files "/etc/flwr/$1.d/50-join.toml" "/etc/flwr/keys/$1/superlink-ca.crt"
}

good=$(string)
case $good in
flwr+join://$address\?*) ;;
*) fail "flwr-provision invite prints no join string: $good" ;;
esac

wrong=$(echo "$good" | sed -E 's/(ca=sha256:).{8}/\100000000/')
[ "$(join "$wrong")" = 76 ] || { cat "$work/join"; fail "a wrong pin is not refused with 76"; }
nothing_written supernode
other=$(echo "$good" | sed 's/localhost/127.0.0.9/')
[ "$(join "$other")" = 76 ] || { cat "$work/join"; fail "a wrong name is not refused with 76"; }
nothing_written supernode

[ "$(join "$good")" = 0 ] || { cat "$work/join"; fail "the right string is refused"; }
[ -s /etc/flwr/supernode.d/50-join.toml ] || fail "joining wrote no configuration"
systemctl start flower-supernode.service
within 20 "the node is online" sh -c 'systemctl show --value -p StatusText flower-superlink.service | grep -q "^1 of 1"'

[ "$(join "$good" supernode@b)" != 0 ] || fail "a used token is taken again"
n=$(journalctl --no-pager -o cat MESSAGE_ID=29ff3727774045de917936a21dfd76c6 | wc -l)
[ "$n" -ge 1 ] || fail "the hub does not log a refused invitation with its id"
[ "$(journalctl --no-pager -o cat MESSAGE_ID=708f274304381e829521473e0a8db7c8 | wc -l)" -ge 1 ] || fail "the hub does not log an enrolled node with its id"

# A token never appears in a command line.
string >"$work/string"
flwr-provision join --node supernode@c "$work/string" >"$work/join" 2>&1 || { cat "$work/join"; fail "a join string in a file is refused"; }
