#!/bin/sh
# The library exports what its headers declare, no more and no less, and the headers are C89 and C++.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}" "${CC:=cc}" "${CXX:=c++}"
lib=$top_builddir/src/libflwr/.libs/libflwr.so
[ -e "$lib" ] || exit 77
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT

grep -ohE '\bflwr_[a-z0-9_]+\(' "$top_srcdir"/include/flwr/*.h | tr -d '(' | sort -u >"$t/declared"
nm -D --defined-only "$lib" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$t/exported"
diff "$t/declared" "$t/exported"

for h in "$top_srcdir"/include/flwr/*.h; do
        "$CC" -std=c89 -pedantic -Wall -Wextra -Werror -I"$top_srcdir/include" -fsyntax-only -x c "$h"
        "$CXX" -std=c++17 -Wall -Wextra -Werror -I"$top_srcdir/include" -fsyntax-only -x c++ "$h"
done
