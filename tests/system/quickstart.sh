# README's section on packages, command by command as it is written: a hub, two nodes, a user, the example to its end.
. "$(dirname "$0")/lib/common.sh"

[ -n "$debs" ] || skip "it installs the packages itself"
mkdir -p /root/flwr
cd /root/flwr
ln -s "$debs" dist
useradd --create-home --shell /bin/bash alice
echo '127.0.0.1 hub.example.org' >>/etc/hosts
export DEBIAN_FRONTEND=noninteractive
# The person who answers apt.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90test
: >"$work/string"

# What is not done here, and why. Each must be there, else this list has not kept up.
readme >"$work/all"
{
	echo './quickstart packages' # made what is tested here
	readme PyTorch               # pytorch.sh
	readme 'A new CA'            # ca-change.sh; its day is over one day
	readme 'Backup and restore'  # backup.sh
} >"$work/left-out"
[ "$(wc -l <"$work/left-out")" -ge 8 ] || fail "README lacks paragraphs that are known here"
while read -r line; do
	grep -qxF "$line" "$work/all" || fail "README does not say any more: $line"
done <"$work/left-out"

# Blocks of commands that follow each other without text between them, numbered, with their user: alice's are those after "As alice".
awk -v to="$work/block" '
	/^## / { section = $0 == "## As Debian packages" }
	!section { next }
	/^    / { if (!inside) n++; inside = 1; print substr($0, 5) >sprintf("%s-%02d-%s", to, n, user) ; next }
	/^$/ { next }
	{ inside = 0; user = /As alice/ ? "alice" : "root" }' "$(dirname "$0")/README.md"

n=0
for block in "$work"/block-*; do
	grep -vxF -f "$work/left-out" "$block" >"$work/commands" || continue
	begin=$(milliseconds)
	case $block in
	*-alice)
		cp "$work/commands" /home/alice/commands
		su -l alice -c 'bash -ex commands' >"$work/output" 2>&1 </dev/null || {
			cat "$work/output"
			journalctl --no-pager -n 60
			fail "README, as alice: $(tr '\n' ';' <"$work/commands")"
		}
		;;
	*)
		bash -ex "$work/commands" >"$work/output" 2>&1 <"$work/string" || {
			cat "$work/output"
			journalctl --no-pager -n 40
			fail "README: $(tr '\n' ';' <"$work/commands")"
		}
		;;
	esac
	# What a person copies from the hub to the node.
	grep -o 'flwr+join://[^ ]*' "$work/output" >"$work/new-string" && cp "$work/new-string" "$work/string"
	! grep -q '^flwr ls' "$work/commands" || cp "$work/output" "$work/ls"
	! grep -q '^flwr run' "$work/commands" || figure "README's example, three rounds on two nodes: $(($(milliseconds) - begin)) ms"
	! grep -q '^systemctl .*supernode@b' "$work/commands" ||
		within 30 "two nodes online after README's: $(tail -n 1 "$work/commands")" nodes_online 2
	n=$((n + $(wc -l <"$work/commands")))
done
figure "commands of README: $n"
[ "$n" -ge 30 ] || fail "only $n commands of README were found"
grep -q 'finished:completed' "$work/ls" || { cat "$work/ls"; fail "the run did not complete"; }
expect_state active flower-superlink-control-tcp.socket

run=$(grep -oE '[0-9]{15,}' "$work/ls" | head -n 1)
for component in superlink supernode superexec serverapp clientapp; do
	[ "$(journalctl --no-pager -o cat "FLWR_RUN=$run" "FLWR_COMPONENT=$component" | wc -l)" -gt 0 ] || fail "no line of $component has FLWR_RUN=$run"
done

# Somebody else is no operator.
useradd --create-home mallory
cp -r /home/alice/authentication /home/mallory/authentication
chown -R mallory: /home/mallory/authentication
! su -l mallory -c 'cd authentication && timeout 20 flwr ls . hub' >/dev/null 2>&1 || fail "a user who is not in group flwr uses the Control API"
