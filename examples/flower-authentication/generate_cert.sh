#!/bin/sh
# Makes certificates/: a CA (ca.key, ca.crt) and the SuperLink's key and certificate (server.key, server.pem). What was there
# before is replaced, so nodes and users need the new ca.crt.
#
# FLWR_EXAMPLE_DIR: where certificates/ is made, instead of beside this script
# FLWR_PROVISION:   the program to call, instead of flwr-provision on PATH
# Arguments go to "flwr-provision server", for example: --name flower.example.org --name 192.0.2.7
set -eu

directory=${FLWR_EXAMPLE_DIR:-$(dirname "$0")}
provision=${FLWR_PROVISION:-flwr-provision}

"$provision" ca --dir "$directory/certificates" --force
"$provision" server --dir "$directory/certificates" --force "$@"
