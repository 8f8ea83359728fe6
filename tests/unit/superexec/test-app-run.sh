#!/bin/sh
# The test itself needs Python, and a place where packages are built may have none.
command -v python3 >/dev/null || exit 77
exec python3 -B "${0%.sh}.py" "$@"
