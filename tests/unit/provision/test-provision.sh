#!/bin/sh
# The program as people call it: what it writes, keeps, replaces and refuses, and with which exit status.
set -u

provision=${top_builddir:-.}/flwr-provision
[ -x "$provision" ] || exit 77
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

# expect STATUS WORDS COMMAND...: the status, and words that stdout or stderr must have
expect()
{
	status=$1 words=$2
	shift 2
	"$@" >"$work/output" 2>&1
	got=$?
	if [ "$got" != "$status" ] || ! grep -qF -e "$words" "$work/output"; then
		echo "not ok: $*: status $got, expected $status with \"$words\":"
		cat "$work/output"
		failed=1
	fi
}

check()
{
	"$@" || { echo "not ok: $*"; failed=1; }
}

tls=$work/a/tls keys=$work/keys

# usage
expect 2 "usage: flwr-provision" "$provision"
expect 2 'no command "bogus"' "$provision" bogus
expect 0 "node-keys:" "$provision" --help
expect 0 "--common-name" "$provision" ca --help
expect 0 ".SH" "$provision" --print-man-page
expect 2 "--dir" "$provision" ca
expect 2 "the command comes first" "$provision" --dir "$tls" ca

# ca: made, kept, replaced
expect 0 "Wrote $tls/ca.key" "$provision" ca --dir "$tls"
check [ "$(stat -c %a "$tls/ca.key")" = 600 ]
check [ "$(stat -c %a "$tls/ca.crt")" = 644 ]
cp "$tls/ca.key" "$work/ca.key"
expect 0 "Kept $tls/ca.key" "$provision" ca --dir "$tls"
check cmp "$tls/ca.key" "$work/ca.key"
expect 64 "days" "$provision" ca --dir "$work/b" --days 0
check [ ! -e "$work/b/ca.key" ]

# server: needs a CA, is signed by it
expect 66 "flwr-provision ca --dir" "$provision" server --dir "$work/none"
expect 64 "neither a DNS name" "$provision" server --dir "$tls" --name host:9092
check [ ! -e "$tls/server.key" ]
expect 0 "Wrote $tls/server.pem" "$provision" server --dir "$tls" --name flower.example.org --name 192.0.2.7
expect 0 "flower.example.org, 192.0.2.7" "$provision" show "$tls/server.pem"
expect 0 "Kept $tls/server.key" "$provision" server --dir "$tls"
expect 0 "Wrote" "$provision" server --dir "$work/c" --ca "$tls"
check [ "$(stat -c %a "$tls/server.key")" = 600 ]

# half a pair, a wrong pair, another CA's pair
mv "$tls/server.key" "$work/server.key"
expect 73 "nothing was changed" "$provision" server --dir "$tls"
cp "$work/c/server.key" "$tls/server.key"
expect 65 "do not belong together" "$provision" server --dir "$tls"
mv "$work/server.key" "$tls/server.key"
expect 0 "Wrote" "$provision" ca --dir "$tls" --force
check [ "$(cat "$tls/ca.key")" != "$(cat "$work/ca.key")" ]
expect 65 "not signed by this CA" "$provision" server --dir "$tls"
expect 0 "Wrote" "$provision" server --dir "$tls" --force
expect 0 "Kept" "$provision" server --dir "$tls"

# node keys: made, kept, added to the list, replaced
expect 0 "Wrote $keys/list.csv" "$provision" node-keys --dir "$keys" --count 2 --list list.csv
check [ "$(stat -c %a "$keys/client_credentials_1")" = 600 ]
check [ "$(wc -l <"$keys/list.csv")" = 1 ]
cp "$keys/client_credentials_1" "$keys/list.csv" "$work"
expect 0 "Kept $keys/client_credentials_2" "$provision" node-keys --dir "$keys" --count 3 --list list.csv
check cmp "$keys/client_credentials_1" "$work/client_credentials_1"
check [ "$(cut -d, -f1,2 "$keys/list.csv")" = "$(cat "$work/list.csv")" ]
expect 0 "list of 3 public keys" "$provision" show "$keys/list.csv"
expect 0 "Wrote" "$provision" node-keys --dir "$keys" --count 3 --list list.csv
expect 0 "list of 3 public keys" "$provision" show "$keys/list.csv"
expect 0 "Wrote" "$provision" node-keys --dir "$keys" --force --list list.csv
expect 0 "public key of a SuperNode" "$provision" show "$keys/list.csv"
check [ "$(cat "$keys/client_credentials_1")" != "$(cat "$work/client_credentials_1")" ]
check [ "$(find "$keys" -name '*new*' | wc -l)" = 0 ]
expect 0 "Wrote" "$provision" node-keys --dir "$keys" --prefix site-
check [ -e "$keys/site-1.pub" ]
cp "$keys/site-1.pub" "$keys/client_credentials_2.pub"
expect 65 "do not belong together" "$provision" node-keys --dir "$keys" --count 2
expect 64 "--count" "$provision" node-keys --dir "$keys" --count 0
expect 64 "--prefix" "$provision" node-keys --dir "$keys" --prefix a/b

# show: all files, the first error is the result
expect 0 "pin:          sha256:" "$provision" show "$tls/ca.crt"
expect 0 "private key of a SuperNode" "$provision" show "$keys/client_credentials_1"
expect 66 "certificate of a CA" "$provision" show "$keys/none" "$tls/ca.crt"
expect 65 "not an OpenSSH public key line" "$provision" show "$0"

# in the way
: >"$work/file"
expect 73 "cannot be made" "$provision" ca --dir "$work/file/below"

# eight at once agree on one CA
for i in 1 2 3 4 5 6 7 8; do
	"$provision" ca --dir "$work/race" >/dev/null 2>&1 && "$provision" server --dir "$work/race" >"$work/race.$i" 2>&1 &
done
wait
check [ "$(cat "$work"/race.* | grep -c Wrote)" = 2 ]
expect 0 "Kept" "$provision" server --dir "$work/race"

exit $failed
