#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>

#include <cmocka.h>

#include <flwr/record.h>

#include "libflwr/message-internal.h"
#include "libflwr/record-internal.h"

static flwr_record *add_record(flwr_record_dict *d, const char *name, enum flwr_record_type type)
{
        flwr_record *r;

        assert_int_equal(flwr_record_dict_add(d, name, type, &r), 0);
        return r;
}

static void test_dict(void **state)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *a = add_record(d, "b", FLWR_CONFIG_RECORD), *m = add_record(d, "a", FLWR_METRIC_RECORD),
                    *r;
        const char *name;

        assert_int_equal(flwr_record_dict_add(d, "a", FLWR_ARRAY_RECORD, &r), -EEXIST);
        assert_int_equal(flwr_record_dict_add(d, "\xff", FLWR_ARRAY_RECORD, &r), -EINVAL);
        assert_int_equal(flwr_record_dict_add(d, "c", (enum flwr_record_type) 7, &r), -EINVAL);
        assert_int_equal(flwr_record_dict_size(d), 2);
        assert_ptr_equal(flwr_record_dict_at(d, 0, &name), a);
        assert_string_equal(name, "b");
        assert_null(flwr_record_dict_at(d, 2, &name));
        assert_ptr_equal(flwr_record_dict_first(d, FLWR_METRIC_RECORD), m);
        assert_null(flwr_record_dict_first(d, FLWR_ARRAY_RECORD));
        flwr_record_dict_remove(d, "b");
        assert_null(flwr_record_dict_get(d, "b"));
        assert_ptr_equal(flwr_record_dict_get(d, "a"), m);
        flwr_record_dict_free(d);
}

static void test_values(void **state)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *c = add_record(d, "c", FLWR_CONFIG_RECORD), *m = add_record(d, "m", FLWR_METRIC_RECORD);
        const double doubles[] = {1.5, -2};
        const double *ds;
        const int64_t *is;
        const char *s;
        const void *data;
        int64_t i;
        double x;
        size_t n;
        int b;

        assert_int_equal(flwr_record_set_int(c, "i", -7), 0);
        assert_int_equal(flwr_record_set_string(c, "s", "Grüße"), 0);
        assert_int_equal(flwr_record_set_bool(c, "b", 2), 0);
        assert_int_equal(flwr_record_set_bytes(c, "y", "\0x", 2), 0);
        assert_int_equal(flwr_record_set_doubles(c, "ds", doubles, 2), 0);
        assert_int_equal(flwr_record_set_ints(c, "is", NULL, 0), 0);
        assert_int_equal(flwr_record_set_string(c, "t", "\xc3"), -EINVAL);
        assert_int_equal(flwr_record_set_bool(m, "b", 1), -EINVAL);
        assert_int_equal(flwr_record_set_string(m, "s", "x"), -EINVAL);

        assert_int_equal(flwr_record_get_int(c, "i", &i), 0);
        assert_int_equal(i, -7);
        assert_int_equal(flwr_record_get_double(c, "i", &x), 0);
        assert_true(x == -7);
        assert_int_equal(flwr_record_get_double(c, "s", &x), -EINVAL);
        assert_int_equal(flwr_record_get_int(c, "none", &i), -ENOENT);
        assert_int_equal(flwr_record_get_bool(c, "b", &b), 0);
        assert_int_equal(b, 1);
        assert_int_equal(flwr_record_get_bytes(c, "y", &data, &n), 0);
        assert_int_equal(n, 2);
        assert_memory_equal(data, "\0x", 2);
        assert_int_equal(flwr_record_get_doubles(c, "ds", &ds, &n), 0);
        assert_int_equal(n, 2);
        assert_true(ds[1] == -2);
        assert_int_equal(flwr_record_get_doubles(c, "is", &ds, &n), 0); /* empty: of any type */
        assert_int_equal(n, 0);
        assert_int_equal(flwr_record_get_ints(c, "ds", &is, &n), -EINVAL);

        assert_int_equal(flwr_record_set_string(c, "i", "now a text"), 0);
        assert_string_equal(flwr_record_key(c, 0), "i"); /* kept its place */
        assert_int_equal(flwr_record_get_string(c, "i", &s), 0);
        assert_string_equal(s, "now a text");
        flwr_record_dict_free(d);
}

static void test_assign(void **state)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *a = add_record(d, "a", FLWR_ARRAY_RECORD), *b = add_record(d, "b", FLWR_ARRAY_RECORD);
        flwr_record *c = add_record(d, "c", FLWR_CONFIG_RECORD);
        uint64_t shape[] = {2, 1};
        flwr_array v, w;

        assert_int_equal(flwr_record_set_array(a, "w", FLWR_FLOAT32, shape, 2, (float[]){1, 2}), 0);
        assert_int_equal(flwr_record_set_array(b, "old", FLWR_INT8, NULL, 0, "x"), 0);
        assert_int_equal(flwr_record_assign(b, c), -EINVAL);
        assert_int_equal(flwr_record_assign(b, a), 0);
        assert_int_equal(flwr_record_size(b), 1);
        assert_int_equal(flwr_record_get_array(a, "w", &v), 0);
        assert_int_equal(flwr_record_get_array(b, "w", &w), 0);
        assert_ptr_equal(v.data, w.data); /* shared */
        assert_int_equal(flwr_record_assign(b, b), 0);
        assert_int_equal(flwr_record_size(b), 1);
        flwr_record_dict_free(d);
}

static void test_arrays(void **state)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *r = add_record(d, "a", FLWR_ARRAY_RECORD), *c = add_record(d, "c", FLWR_CONFIG_RECORD);
        const float data[6] = {0, 1, 2, 3, 4, 5};
        uint64_t shape[] = {2, 3}, huge[] = {1u << 31}, none[] = {0, 5};
        const char *key;
        flwr_array a;

        assert_int_equal(flwr_record_set_array(r, "w", FLWR_FLOAT32, shape, 2, data), 0);
        assert_int_equal(flwr_record_set_array(r, "scalar", FLWR_FLOAT64, NULL, 0, (double[]){0.5}), 0);
        assert_int_equal(flwr_record_set_array(r, "empty", FLWR_INT64, none, 2, NULL), 0);
        assert_int_equal(flwr_record_set_array(r, "x", FLWR_INT8, huge, 1, data), -EINVAL);
        assert_int_equal(flwr_record_set_array(r, "x", (enum flwr_dtype) 99, shape, 2, data), -EINVAL);
        assert_int_equal(flwr_record_set_array(c, "x", FLWR_FLOAT32, shape, 2, data), -EINVAL);

        assert_int_equal(flwr_record_array_at(r, 0, &key, &a), 0);
        assert_string_equal(key, "w");
        assert_int_equal(a.dtype, FLWR_FLOAT32);
        assert_int_equal(a.n_dims, 2);
        assert_int_equal(a.shape[1], 3);
        assert_int_equal(a.n_items, 6);
        assert_int_equal(a.size, sizeof(data));
        assert_memory_equal(a.data, data, sizeof(data));
        assert_int_equal(flwr_record_get_array(r, "scalar", &a), 0);
        assert_int_equal(a.n_dims, 0);
        assert_int_equal(a.n_items, 1);
        assert_int_equal(flwr_record_get_array(r, "empty", &a), 0);
        assert_int_equal(a.size, 0);
        assert_int_equal(flwr_record_get_array(r, "x", &a), -ENOENT);
        assert_int_equal(flwr_record_array_at(r, 3, &key, &a), -ENOENT);
        flwr_record_dict_free(d);
}

/* A file of a peer: header text, then the data, at an odd address. */
static void set_npy(flwr_record *r, const char *key, const char *dict, const void *data, size_t size)
{
        size_t n = strlen(dict);
        uint8_t *p;
        Blob *b = blob_alloc(1 + 10 + n + size, &p), *slice;
        Array a = {.dtype = strdup(""), .stype = strdup("numpy.ndarray")};

        memcpy(p + 1, "\x93NUMPY\x01\x00", 8);
        p[9] = n & 0xff;
        p[10] = n >> 8;
        memcpy(p + 11, dict, n);
        memcpy(p + 11 + n, data, size);
        slice = blob_slice(b, 1, 10 + n + size);
        blob_unref(b);
        a.data = slice;
        assert_int_equal(record_set_array(record_of(r), key, &a), 0);
}

static void test_foreign_arrays(void **state)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *r = add_record(d, "a", FLWR_ARRAY_RECORD);
        const uint16_t fortran[] = {1, 4, 2, 5, 3, 6}, expected[] = {1, 2, 3, 4, 5, 6};
        const uint8_t big[] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0};
        flwr_array a, again;

        set_npy(r, "f", "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3), }\n", fortran,
                sizeof(fortran));
        assert_int_equal(flwr_record_get_array(r, "f", &a), 0);
        assert_memory_equal(a.data, expected, sizeof(expected));
        assert_int_equal(flwr_record_get_array(r, "f", &again), 0);
        assert_ptr_equal(a.data, again.data); /* converted once */

        set_npy(r, "b", "{'descr': '>c8', 'fortran_order': False, 'shape': (1,), }\n", big, sizeof(big));
        assert_int_equal(flwr_record_get_array(r, "b", &a), 0);
        assert_true(((const float *) a.data)[0] == 1 && ((const float *) a.data)[1] == 2);

        for (unsigned pad = 0; pad < 8; pad++) { /* wherever the data lies, the view is aligned */
                char dict[80];

                snprintf(dict, sizeof(dict),
                        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }%*s\n", pad, "");
                set_npy(r, "m", dict, (double[]){1.25}, 8);
                assert_int_equal(flwr_record_get_array(r, "m", &a), 0);
                assert_int_equal((uintptr_t) a.data % sizeof(double), 0);
                assert_true(*(const double *) a.data == 1.25);
        }
        set_npy(r, "o", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", big, sizeof(big));
        assert_int_equal(flwr_record_get_array(r, "o", &a), -EBADMSG);
        flwr_record_dict_free(d);
}

static void test_shared_content(void **state)
{
        flwr_message *a = flwr_message_new("train", 7, "1"), *b = flwr_message_new("train", 8, NULL);
        flwr_record_dict *d = flwr_message_content(a);

        add_record(d, "arrays", FLWR_ARRAY_RECORD);
        assert_int_equal(flwr_message_share_content(b, a), 0);
        assert_ptr_equal(flwr_message_content(b), d);
        flwr_message_free(a);
        assert_non_null(flwr_record_dict_get(flwr_message_content(b), "arrays"));
        assert_string_equal(flwr_message_group(b), "");
        flwr_message_free(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dict),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_assign),
                cmocka_unit_test(test_arrays),
                cmocka_unit_test(test_foreign_arrays),
                cmocka_unit_test(test_shared_content),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
