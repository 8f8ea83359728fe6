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
within 20 "the node is online" nodes_online 1

[ "$(join "$good" supernode@b)" != 0 ] || fail "a used token is taken again"
n=$(journalctl --no-pager -o cat MESSAGE_ID=29ff3727774045de917936a21dfd76c6 | wc -l)
[ "$n" -ge 1 ] || fail "the hub does not log a refused invitation with its id"
[ "$(journalctl --no-pager -o cat MESSAGE_ID=708f274304381e829521473e0a8db7c8 | wc -l)" -ge 1 ] || fail "the hub does not log an enrolled node with its id"

# A token never appears in a command line.
string >"$work/string"
flwr-provision join --node supernode@c "$work/string" >"$work/join" 2>&1 || { cat "$work/join"; fail "a join string in a file is refused"; }

# An address alone: a person on a terminal compares the pin. Nobody else may.
pin=$(echo "$good" | sed -E 's/.*(ca=sha256:[0-9a-f]{64}).*/\1/; s/ca=//')
printf 'yes\n' | flwr-provision join $address --node supernode@d >"$work/join" 2>&1 && fail "an address is trusted without a person"
nothing_written supernode@d
s=0
"$(dirname "$0")/lib/on-terminal" '(yes/no)?' no flwr-provision join $address --node supernode@d >"$work/join" 2>&1 || s=$?
[ $s = 76 ] || { cat "$work/join"; fail "\"no\" ends with $s, not 76"; }
grep -q "$pin" "$work/join" || { cat "$work/join"; fail "the pin is not shown"; }
nothing_written supernode@d
"$(dirname "$0")/lib/on-terminal" '(yes/no)?' yes flwr-provision join $address --node supernode@d >"$work/join" 2>&1 || {
	cat "$work/join"
	fail "\"yes\" does not join"
}
grep -q 'flwr supernode register node.pub' "$work/join" || fail "the operator's command is not told"
# The command as it was told.
cd /etc/flwr/keys/supernode@d
flwr supernode register node.pub >"$work/register" 2>&1 || { cat "$work/register"; fail "the command that was told does not register the node"; }
cd /
systemctl start flower-supernode@d.service
within 20 "the node that an operator has registered is online" sh -c 'systemctl show --value -p StatusText flower-supernode@d.service | grep -q ^Online'

# A machine that nobody logs in to, with the string as a credential: waits for its hub, joins once, and starts.
systemctl stop flower-supernode.service flower-supernode@d.service
flwr-provision reset --force >/dev/null 2>&1 || fail "flwr-provision reset --force failed"
rm -rf /var/lib/flwr/supernode
flwr-provision superlink >/dev/null 2>&1
systemctl restart flower-superlink.service flwr-provision@supernode.service
unit=flower-supernode-join.service
is_over() {
	[ "$(state $unit)" = inactive ]
}
systemctl start $unit
within 20 "without a credential nothing happens" is_over
no_files /etc/flwr/supernode.d/50-join.toml
install -d -m 700 /etc/credstore
string >/etc/credstore/flwr.join
systemctl stop flower-superlink.service flower-superlink-fleet.socket
systemctl start $unit
within 20 "the hub is not there" sh -c 'journalctl -b -o cat SYSLOG_IDENTIFIER=flwr-provision | grep -q "cannot be reached"'
[ ! -e /etc/flwr/supernode.d/50-join.toml ] || fail "trust was written without a hub"
systemctl start flower-superlink-fleet.socket
within 90 "the credential is used" test -e /var/lib/flwr/supernode/joined
within 20 "the node is online by itself" sh -c 'systemctl show --value -p StatusText flower-supernode.service | grep -q ^Online'
key=$(sha256sum /etc/flwr/keys/supernode/node.key)
systemctl restart $unit
within 20 "a second start ends" is_over
[ "$key" = "$(sha256sum /etc/flwr/keys/supernode/node.key)" ] || fail "a second start of $unit made another key"
