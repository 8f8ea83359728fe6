#!/bin/bash
# A node joins a hub with a join string: right and wrong pins and names, invitations that are good once.
set -u

provision=${top_builddir:-.}/flwr-provision
hub=${top_builddir:-.}/tests/unit/provision/enrol-hub
[ -x "$provision" ] && [ -x "$hub" ] || exit 77
work=$(mktemp -d) || exit 99
trap 'exec 7>&-; wait; rm -rf "$work"' EXIT
failed=0

expect()
{
	status=$1 words=$2
	shift 2
	"$@" >"$work/output" 2>&1
	got=$?
	if [ "$got" != "$status" ] || { [ -n "$words" ] && ! grep -qF -e "$words" "$work/output"; }; then
		echo "not ok: $*: status $got, expected $status with \"$words\":"
		cat "$work/output"
		failed=1
	fi
}

check()
{
	"$@" || { echo "not ok: $*"; failed=1; }
}

# the same directory is both hosts
root=$work/host
mkdir -p "$root/etc" "$root/var/lib/flwr"
for u in _flwr-superlink _flwr-supernode; do
	echo "$u:x:$(id -u):$(id -g)::/:/bin/false" >>"$root/etc/passwd"
	echo "$u:x:$(id -g):" >>"$root/etc/group"
done
echo "0123456789abcdef0123456789abcdef" >"$root/etc/machine-id"
node=$root/etc/flwr/keys/supernode

host()
{
	"$provision" "$@" --root "$root" </dev/null
}

mkdir -p "$root/etc/flwr/tls"
echo localhost >"$root/etc/flwr/tls/names"
expect 0 "sha256:" host superlink
pin=$(sed -n 's/^  sha256/sha256/p' "$work/output")
# its input is a pipe that closes with this test
mkfifo "$work/input"
"$hub" "$root" <"$work/input" >"$work/hub" 2>"$work/hub.err" &
exec 7>"$work/input"
for _ in $(seq 100); do
	[ -s "$work/hub" ] && break
	sleep 0.05
done
port=$(head -n 1 "$work/hub")
[ -n "$port" ] || { cat "$work/hub.err"; exit 1; }

invite()
{
	host invite --address "localhost:$port" "$@" 2>/dev/null
}

# whoever is not the one of the string gets nothing and leaves nothing
good=$(invite --name site-a)
check [ "$good" != "${good/ca=$pin/}" ]
wrong=${good/ca=$pin/ca=sha256:$(printf %064d 7)}
expect 76 "not the one of the join string" host join "$wrong"
expect 76 "not made out to" host join "${good/localhost/127.0.0.1}"
check [ ! -e "$root/etc/flwr/supernode.d" ]
check [ ! -e "$root/etc/flwr/keys" ]
check [ "$(wc -l <"$work/hub")" = 1 ]

# join
echo "$good" >"$work/string"
expect 0 "is registered there" host join "$work/string"
check grep -qx "enrolled site-a nodes=1" "$work/hub"
check cmp "$node/superlink-ca.crt" "$root/etc/flwr/tls/ca.crt"
check grep -qx "superlink = \"localhost:$port\"" "$root/etc/flwr/supernode.d/50-join.toml"
check grep -qx 'root-certificates = "/etc/flwr/keys/supernode/superlink-ca.crt"' "$root/etc/flwr/supernode.d/50-join.toml"
check [ -e "$root/var/lib/flwr/supernode/joined" ]
# the same node again: nothing more is counted
expect 0 "is registered there" host join "$good"
check [ "$(grep -c "enrolled site-a nodes=1" "$work/hub")" = 2 ]

# another one with it: too late, and that is no join
expect 77 "used up" host join "$good" --node supernode@b
check [ ! -e "$root/var/lib/flwr/supernode@b/joined" ]
check [ "$(tail -n 1 "$work/hub")" = "refused  nodes=1" ]
expect 77 "no such invitation" host join "${good%????}0000" --node supernode@b
invites=$root/var/lib/flwr/superlink/invites
two=$(invite --uses 2 --ttl 1m)
id=${two#*&t=}
id=${id%.*}
sed -i 's/^until .*/until 1000000000/' "$invites/$id"
expect 77 "expired" host join "$two" --node supernode@b
rm "$invites/$id"
expect 77 "no such invitation" host join "$two" --node supernode@b

# without a secret: an operator
expect 0 "flwr supernode register node.pub" host join "${good%&t=*}" --node supernode@b
check grep -q 'auth-supernode-private-key = "/etc/flwr/keys/supernode@b/node.key"' "$root/etc/flwr/supernode@b.d/50-join.toml"

# on the hub's own host
expect 0 "is registered there" host join --local --address "localhost:$port" --node supernode@c
check [ "$(tail -n 1 "$work/hub")" = "enrolled this host itself nodes=2" ]

# a credential: used once, and then again without harm; none is no error
mkdir "$work/credentials"
expect 0 "" env CREDENTIALS_DIRECTORY="$work/credentials" "$provision" join --root "$root" --node supernode@d
invite >"$work/credentials/flwr.join"
expect 0 "is registered there" env CREDENTIALS_DIRECTORY="$work/credentials" "$provision" join --root "$root" --node supernode@d
expect 0 "" env CREDENTIALS_DIRECTORY="$work/credentials" "$provision" join --root "$root" --node supernode@d
check [ ! -s "$work/output" ]
check [ "$(tail -n 1 "$work/hub")" = "enrolled  nodes=3" ]


exit $failed
