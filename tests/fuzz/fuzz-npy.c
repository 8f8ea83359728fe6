/* The header of an array: what it says lies within the bytes, and our header says the same. */
#include "fuzz.h"
#include "model/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_buf_ Buf b = {0};
        NpyHeader first, again;

        if (npy_parse(data, size, &first) < 0)
                return 0;
        fuzz_check(first.n_dims <= NPY_DIMS_MAX && first.data_offset <= size);
        fuzz_check(first.n_items <= (size - first.data_offset) / npy_item_size(first.type));

        fuzz_check(npy_write_header(first.type, first.shape, first.n_dims, &b) == 0);
        fuzz_check(buf_append(&b, data + first.data_offset, size - first.data_offset) == 0);
        fuzz_check(npy_parse(b.data, b.size, &again) == 0);
        fuzz_check(
                again.type == first.type && again.n_dims == first.n_dims && again.n_items == first.n_items);
        fuzz_check(memcmp(again.shape, first.shape, first.n_dims * sizeof(first.shape[0])) == 0);
        return 0;
}
