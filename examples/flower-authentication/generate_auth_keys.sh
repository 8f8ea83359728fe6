#!/bin/sh
# Makes keys/: a key pair for each of N SuperNodes (default 2) and client_public_keys.csv, the list of those that the SuperLink lets
# in. What was there before is replaced.
#
# usage: generate_auth_keys.sh [N]
# FLWR_EXAMPLE_DIR: where keys/ is made, instead of beside this script
# FLWR_PROVISION:   the program to call, instead of flwr-provision on PATH
set -eu

directory=${FLWR_EXAMPLE_DIR:-$(dirname "$0")}
provision=${FLWR_PROVISION:-flwr-provision}

keys=$directory/keys
n=${1:-2}

"$provision" node-keys --dir "$keys" --count "$n" --list client_public_keys.csv --force

# Pairs beyond N of an earlier call are in no list any more.
while n=$((n + 1)); [ -e "$keys/client_credentials_$n" ]; do
	rm -f "$keys/client_credentials_$n" "$keys/client_credentials_$n.pub"
done
