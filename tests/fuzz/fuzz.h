/* What fuzz targets share. They are built against libFuzzer by hand (see below), and in `make check` against
 * fuzz-main.c, which replays the corpus: tests/fuzz/corpus/<target>/.
 *
 *      clang -fsanitize=fuzzer,address ... tests/fuzz/fuzz-rpc.c src/codec/.libs/libcodec.a ... -o fuzz-rpc
 *      ./fuzz-rpc tests/fuzz/corpus/fuzz-rpc */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(bool condition)
{
        if (!condition)
                abort();
}
