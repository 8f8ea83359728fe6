/* Records of the test vectors (supernode-cli-wire, Appendix C), shared by the tests of records and objects.
 */
#pragma once

#include "base/text.h"
#include "model/npy.h"
#include "model/record.h"

static inline void check(int r)
{
        if (r < 0)
                abort();
}

static inline Record *add_record(RecordDict *d, const char *name, RecordType type)
{
        Record *r = NULL;

        check(record_dict_add(d, name, type, &r));
        return r;
}

/* size bytes of little-endian items */
static inline Blob *npy_blob(NpyType t, const uint64_t *shape, size_t n_dims, const void *data, size_t size)
{
        Buf b = {};

        check(npy_write_header(t, shape, n_dims, &b));
        check(buf_append(&b, data, size));
        return buf_steal_blob(&b);
}

/* Takes data. */
static inline void add_array(
        Record *r, const char *key, const char *dtype, const int32_t *shape, size_t n_dims, Blob *data)
{
        Array a = {.dtype = strdup(dtype), .stype = strdup("numpy.ndarray"), .data = data, .n_dims = n_dims};

        a.shape = new0(int32_t, n_dims);
        for (size_t i = 0; i < n_dims; i++)
                a.shape[i] = shape[i];
        check(record_set_array(r, key, &a));
}

static inline Blob *matrix_blob(void)
{
        static const float data[] = {1, 2, 3, 4};

        return npy_blob(NPY_F32, (uint64_t[]){2, 2}, 2, data, sizeof(data));
}

static inline void add_value(Record *r, const char *key, Value v)
{
        check(record_set_value(r, key, &v));
}

#define DOUBLE(x) ((Value){.type = VALUE_DOUBLE, .d = (x)})
#define SINT64(x) ((Value){.type = VALUE_SINT64, .i = (x)})
#define UINT64(x) ((Value){.type = VALUE_UINT64, .u = (x)})
#define BOOL(x) ((Value){.type = VALUE_BOOL, .b = (x)})
#define STRING(x) ((Value){.type = VALUE_STRING, .s = strdup(x)})
#define BYTES(x, n) ((Value){.type = VALUE_BYTES, .bytes = blob_new((x), (n))})

static inline Value copied_list(ValueType t, const void *items, size_t n, size_t size)
{
        Value v = {.type = t, .n = n, .ds = calloc(n ? n : 1, size)};

        if (n > 0)
                memcpy(v.ds, items, n * size);
        return v;
}

#define NUMBERS(list_type, c_type, ...)                                                                     \
        copied_list((list_type), (c_type[]){__VA_ARGS__}, sizeof((c_type[]){__VA_ARGS__}) / sizeof(c_type), \
                sizeof(c_type))
#define EMPTY(list_type) copied_list((list_type), NULL, 0, 8)

static inline Value string_list(const char *a, const char *b)
{
        Value v = {.type = VALUE_STRING_LIST, .n = 2, .ss = new0(char *, 2)};

        v.ss[0] = strdup(a);
        v.ss[1] = strdup(b);
        return v;
}

static inline Value bytes_list(const char *a, const char *b)
{
        Value v = {.type = VALUE_BYTES_LIST, .n = b ? 2 : 1, .bytess = new0(Blob *, 2)};

        v.bytess[0] = blob_new_string(a);
        if (b)
                v.bytess[1] = blob_new_string(b);
        return v;
}
