#!/bin/bash
# Keys and certificates of a host, below a directory that stands for its root: made, kept, renewed, killed at any moment,
# copied to another machine, removed.
set -u

provision=${top_builddir:-.}/flwr-provision
[ -x "$provision" ] || exit 77
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0
kills=${PROVISION_KILLS:-100}

# expect STATUS WORDS COMMAND...: the status, and words that stdout or stderr must have ("": nothing at all)
expect()
{
	status=$1 words=$2
	shift 2
	"$@" >"$work/output" 2>&1 </dev/null
	got=$?
	if [ "$got" != "$status" ] || { [ -n "$words" ] && ! grep -qF -e "$words" "$work/output"; } ||
		{ [ -z "$words" ] && [ -s "$work/output" ]; }; then
		echo "not ok: $*: status $got, expected $status with \"$words\":"
		cat "$work/output"
		failed=1
	fi
}

check()
{
	"$@" || { echo "not ok: $*"; failed=1; }
}

check_not()
{
	! "$@" || { echo "not ok: ! $*"; failed=1; }
}

# new_root NAME: a host with accounts that are ours, since tests do not run as root
new_root()
{
	root=$work/$1 tls=$work/$1/etc/flwr/tls keys=$work/$1/etc/flwr/keys
	mkdir -p "$root/etc" "$root/var/lib/flwr"
	for u in _flwr-superlink _flwr-supernode; do
		echo "$u:x:$(id -u):$(id -g)::/:/bin/false" >>"$root/etc/passwd"
		echo "$u:x:$(id -g):" >>"$root/etc/group"
	done
	echo "hub" >"$root/etc/hostname"
	printf '127.0.0.1 localhost\n127.0.1.1 hub.example.org hub\n0.0.0.0 ads.example.com\n' >"$root/etc/hosts"
	echo "0123456789abcdef0123456789abcdef" >"$root/etc/machine-id"
}

host()
{
	"$provision" "$@" --root "$root"
}

sum()
{
	(cd "$root/etc/flwr" && find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum)
}

# consistent: both pairs belong together, the chain verifies, nothing is left over
consistent()
{
	"$provision" server --dir "$work/scratch" --ca "$work/scratch" >/dev/null 2>&1 || return 1
	[ -z "$(find "$root/etc/flwr" -name '.*')" ]
}
# The "server" command checks pairs and issuer of what it finds; links give it our files under its names.
mkdir -p "$work/scratch"
scratch()
{
	for f in ca.crt:ca.crt private/ca.key:ca.key superlink.crt:server.pem superlink.key:server.key; do
		ln -sf "$tls/${f%:*}" "$work/scratch/${f#*:}"
	done
}

# no accounts
new_root bare
rm "$root/etc/group"
: >"$root/etc/group"
expect 67 'no group "_flwr-superlink"' host superlink

# first run: everything, with the right modes
new_root a
expect 0 "sha256:" host superlink
for f in 644:ca.crt 644:names 644:superlink.crt 640:superlink.key 700:private 600:private/ca.key 600:private/machine; do
	check [ "$(stat -c %a "$tls/${f#*:}")" = "${f%:*}" ]
done
scratch
check consistent
check grep -qx hub.example.org "$tls/names"
check_not grep -q ads.example.com "$tls/names"
expect 0 "ECDSA, 384 bits" "$provision" show "$tls/ca.crt"
expect 0 "hub.example.org" "$provision" show "$tls/superlink.crt"

# modes do not depend on who calls
(umask 077 && host supernode@umask) >/dev/null 2>&1
check [ "$(stat -c %a "$keys")" = 755 ]
rm -r "$keys"

# a file of ours that others can read, or the daemon cannot: mended, and said
chmod 644 "$tls/superlink.key"
chmod 600 "$tls/ca.crt"
expect 0 "superlink.key was wrong" host superlink
check [ "$(stat -c %a "$tls/superlink.key")" = 640 ]
check [ "$(stat -c %a "$tls/ca.crt")" = 644 ]

# second run: nothing to do, nothing to say
sum >"$work/before"
expect 0 "" host superlink
sum >"$work/after"
check cmp "$work/before" "$work/after"

# names changed: a new certificate of the same CA; names nobody can use: refused, and nothing happens
cp "$tls/ca.crt" "$work/ca.crt"
echo "other.example.org # moved" >>"$tls/names"
expect 0 "the names have changed" host superlink
expect 0 "other.example.org" "$provision" show "$tls/superlink.crt"
check cmp "$tls/ca.crt" "$work/ca.crt"
check consistent
cp "$tls/names" "$work/names"
echo "two words" >>"$tls/names"
expect 65 "Line " host superlink
cp "$work/names" "$tls/names"
expect 0 "" host superlink

# halves, and pairs that do not match
rm "$tls/superlink.crt"
expect 0 "there was none" host superlink
"$provision" server --dir "$work/foreign" >/dev/null 2>&1 || { "$provision" ca --dir "$work/foreign" && "$provision" server --dir "$work/foreign"; } >/dev/null 2>&1
cp "$work/foreign/server.key" "$tls/superlink.key"
expect 0 "did not belong together" host superlink
check consistent
: >"$tls/.superlink.key.new"
expect 0 "" host superlink
check consistent

# the certificate of the CA is found again, in the chain
rm "$tls/ca.crt"
expect 0 "" host superlink
check cmp "$tls/ca.crt" "$work/ca.crt"

# change of the CA
expect 64 "belong together" host superlink --rotate-ca
expect 64 "takes a day" host superlink --rotate-ca --until tomorrow
expect 0 "Prepared a new CA" host superlink --rotate-ca --until 2999-01-01
check [ "$(grep -c BEGIN "$tls/ca.crt")" = 2 ]
expect 0 "" host superlink
expect 0 "taken over" host superlink --rotate-ca --until 2020-01-01
check [ "$(grep -c BEGIN "$tls/ca.crt")" = 1 ]
check [ "$(grep -c BEGIN "$tls/superlink.crt")" = 3 ]
check_not cmp -s "$tls/ca.crt" "$work/ca.crt"
check [ ! -e "$tls/private/next" ]
check consistent
expect 0 "" host superlink
# a chain that lacks what the old CA has signed would shut out those who know only that one
cp "$tls/private/link.crt" "$work/link.crt"
rm "$tls/private/link.crt" "$tls/superlink.crt"
expect 0 "there was none" host superlink
check [ "$(grep -c BEGIN "$tls/superlink.crt")" = 2 ]
cp "$work/link.crt" "$tls/private/link.crt"
expect 0 "has followed another one" host superlink
check [ "$(grep -c BEGIN "$tls/superlink.crt")" = 3 ]
# the root is found in that chain, not its link
cp "$tls/ca.crt" "$work/ca.crt"
rm "$tls/ca.crt"
expect 0 "" host superlink
check cmp "$tls/ca.crt" "$work/ca.crt"
expect 0 "have them join again before" host superlink --rotate-ca --until 2999-01-01
rm "$tls/private/next"
expect 0 "" host superlink

# a copy: new keys before anybody has joined, a warning after it
cp "$tls/ca.crt" "$work/ca.crt"
echo "ffffffffffffffffffffffffffffffff" >"$root/etc/machine-id"
expect 0 "keys of its own" host superlink
check_not cmp -s "$tls/ca.crt" "$work/ca.crt"
cp "$tls/ca.crt" "$work/ca.crt"
mkdir -p "$root/var/lib/flwr/superlink"
: >"$root/var/lib/flwr/superlink/joined"
echo "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" >"$root/etc/machine-id"
expect 0 "is a copy of a SuperLink" host superlink
check cmp "$tls/ca.crt" "$work/ca.crt"
check grep -q -e --adopt "$tls/copied"
expect 0 "goes on as the SuperLink" host superlink --adopt
check [ ! -e "$tls/copied" ]
expect 0 "" host superlink

# keys that nodes trust are gone: nobody makes others in silence
mv "$tls" "$work/tls"
expect 65 "ca.key) is missing, and nodes have joined it" host superlink
rm -r "$tls"
mv "$work/tls" "$tls"
expect 0 "" host superlink
expect 0 "sha256:" host superlink --rotate
check_not cmp -s "$tls/ca.crt" "$work/ca.crt"
check [ ! -e "$root/var/lib/flwr/superlink/joined" ]

# the node's key
expect 0 "Fingerprint of the key" host supernode
check [ "$(stat -c %a "$keys/supernode")" = 750 ]
check [ "$(stat -c %a "$keys/supernode/node.key")" = 640 ]
expect 0 "private key of a SuperNode" "$provision" show "$keys/supernode/node.key"
expect 0 "" host supernode
cp "$keys/supernode/node.pub" "$work/node.pub"
rm "$keys/supernode/node.pub"
expect 0 "" host supernode
check cmp "$keys/supernode/node.pub" "$work/node.pub"
expect 0 "Made a key" host supernode@b
expect 64 "is not" host supernode@../b
expect 64 "is not" host supernode@
expect 2 "no command" host supernodes
mkdir -p "$root/var/lib/flwr/supernode"
: >"$root/var/lib/flwr/supernode/joined"
echo "dddddddddddddddddddddddddddddddd" >"$root/etc/machine-id"
expect 78 "--adopt" host supernode
check cmp "$keys/supernode/node.pub" "$work/node.pub"
expect 0 "key of its own" host supernode@b
expect 0 "goes on as the supernode" host supernode --adopt
expect 0 "" host supernode
mv "$keys/supernode/node.key" "$work/node.key"
expect 66 "is missing, and supernode has joined with it" host supernode
check [ ! -e "$keys/supernode/node.key" ]
mv "$work/node.key" "$keys/supernode/node.key"
chmod 604 "$keys/supernode/node.key"
expect 0 "was wrong" host supernode
check [ "$(stat -c %a "$keys/supernode/node.key")" = 640 ]
expect 0 "Made a key" host supernode --rotate
check_not cmp -s "$keys/supernode/node.pub" "$work/node.pub"

# somebody's own certificate
new_root own
mkdir -p "$tls"
cp "$work/foreign/server.pem" "$tls/superlink.crt"
expect 73 "nothing was changed" host superlink
cp "$work/foreign/server.key" "$tls/superlink.key"
expect 0 "There is no" host superlink
cp "$work/foreign/ca.crt" "$tls/ca.crt"
sum >"$work/before"
expect 0 "" host superlink
expect 73 "not of this program's making" host superlink --rotate
sum >"$work/after"
check cmp "$work/before" "$work/after"
# an own CA is used
new_root ownca
mkdir -p "$tls/private"
cp "$work/foreign/ca.key" "$tls/private"
cp "$work/foreign/ca.crt" "$tls"
expect 0 "Made a certificate" host superlink
check cmp "$work/foreign/ca.crt" "$tls/ca.crt"
scratch
check consistent

# invitations and strings that are none
expect 0 "flwr+join://hub.example.org:9092?ca=sha256:" host invite --address hub.example.org:9092 --name site-a
check [ "$(find "$root/var/lib/flwr/superlink/invites" -type f -perm 640 | wc -l)" = 1 ]
secret=$(sed -n 's/.*&t=[0-9a-f]*\.//p' "$work/output")
check [ ${#secret} = 32 ]
check_not grep -rq "$secret" "$root"
expect 64 "--ttl" host invite --ttl 5
expect 64 "HOST:PORT" host invite --address hub
expect 64 "one word" host join "flwr+join://hub:9092 ?ca=x"
expect 64 "not whom to trust" host join hub:9092
pin=sha256:$(printf %064d 0)
expect 69 "cannot be reached" host join "flwr+join://127.0.0.1:1?ca=$pin"
check [ ! -e "$root/etc/flwr/supernode.d" ]
check [ ! -e "$root/etc/flwr/keys" ]

# an image without keys
new_root image
expect 0 "sha256:" host superlink
expect 0 "Made a key" host supernode
expect 0 "" host reset
check [ -z "$(find "$root/etc/flwr" -type f)" ]
expect 0 "sha256:" host superlink
mkdir -p "$root/var/lib/flwr/superlink"
: >"$root/var/lib/flwr/superlink/joined"
expect 73 "--force" host reset
check [ -e "$tls/private/ca.key" ]

# eight at once: one makes, the others find
new_root race
for i in 1 2 3 4 5 6 7 8; do
	host superlink >"$work/race.$i" 2>&1 &
done
wait
check [ "$(cat "$work"/race.[1-8] | grep -c "Made a certificate")" = 1 ]
check [ "$(cat "$work"/race.[1-8] | grep -c "ERROR")" = 0 ]
scratch
check consistent


# killed at random: the next run makes it good
bad=0
for i in $(seq "$kills"); do
	new_root "kill$i"
	case $((i % 4)) in
	1) # with names that change
		host superlink >/dev/null 2>&1
		echo "more.example.org" >>"$tls/names"
		;;
	2) # with a CA that changes
		host superlink >/dev/null 2>&1
		host superlink --rotate-ca --until 2999-01-01 >/dev/null 2>&1
		;;
	3) # on a copied machine
		host superlink >/dev/null 2>&1
		echo "ffffffffffffffffffffffffffffffff" >"$root/etc/machine-id"
		;;
	esac
	if [ $((i % 4)) = 2 ]; then
		"$provision" superlink --root "$root" --rotate-ca --until 2020-01-01 >/dev/null 2>&1 &
	else
		"$provision" superlink --root "$root" >/dev/null 2>&1 &
	fi
	pid=$!
	sleep "0.0$(printf %02d $((RANDOM % 60)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	scratch
	if ! host superlink >"$work/output" 2>&1 || ! consistent || ! host superlink >"$work/output" 2>&1 ||
		[ -s "$work/output" ]; then
		echo "not ok: kill $i:"
		cat "$work/output"
		find "$root/etc/flwr" -ls
		bad=$((bad + 1))
	fi
	# the same for a node, its key being made or replaced
	[ $((i % 2)) = 0 ] || host supernode >/dev/null 2>&1
	"$provision" supernode --rotate --root "$root" >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$(printf %02d $((RANDOM % 30)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if ! host supernode >/dev/null 2>&1 || ! host supernode >"$work/output" 2>&1 || [ -s "$work/output" ] ||
		[ -n "$(find "$keys" -name '.*')" ] ||
		[ "$("$provision" show "$keys/supernode/node.key" | grep fingerprint)" != "$("$provision" show "$keys/supernode/node.pub" | grep fingerprint)" ]; then
		echo "not ok: kill $i of a node:"
		cat "$work/output"
		bad=$((bad + 1))
	fi
	rm -rf "$root"
done
check [ $bad = 0 ]

exit $failed
