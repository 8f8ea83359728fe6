#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/blob.h"

static void test_new_and_equal(void **state)
{
        _cleanup_blob_ Blob *a = blob_new("abc", 3), *b = blob_new_string("abc"), *c = blob_new(NULL, 0);

        assert_true(blob_equal(a, b));
        assert_false(blob_equal(a, c));
        assert_int_equal(c->size, 0);
        assert_non_null(c->data);
}

static void test_slice_keeps_parent(void **state)
{
        _cleanup_blob_ Blob *part = NULL;
        Blob *whole = blob_take(strdup("0123456789"), 10), *half = blob_slice(whole, 5, 5);

        part = blob_slice(half, 1, 2);
        assert_ptr_equal(part->parent, whole);
        assert_null(blob_unref(half));
        assert_null(blob_unref(whole));
        assert_memory_equal(part->data, "67", 2);
}

static void test_alloc_sizes(void **state)
{
        static const size_t sizes[] = {0, 1, 4095, (4 << 20) - 1, 4 << 20, (20 << 20) + 100};

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                uint8_t *p;
                _cleanup_blob_ Blob *b = blob_alloc(sizes[i], &p), *tail = NULL;

                assert_non_null(b);
                assert_int_equal(b->size, sizes[i]);
                memset(p, 7, sizes[i]);
                if (sizes[i] == 0)
                        continue;
                tail = blob_slice(b, sizes[i] - 1, 1);
                assert_int_equal(tail->data[0], 7);
        }
}

static void test_map(void **state)
{
        _cleanup_blob_ Blob *b = NULL, *empty = NULL;
        FILE *f = tmpfile();
        int p[2];

        assert_non_null(f);
        assert_int_equal(blob_map_fd(fileno(f), &empty), 0);
        assert_int_equal(empty->size, 0);
        fputs("hello", f);
        fflush(f);
        assert_int_equal(blob_map_fd(fileno(f), &b), 0);
        fclose(f);
        assert_int_equal(b->size, 5);
        assert_memory_equal(b->data, "hello", 5);
        assert_int_equal(pipe(p), 0);
        assert_int_equal(blob_map_fd(p[0], &b), -EINVAL);
        close(p[0]);
        close(p[1]);
}

static void test_vec(void **state)
{
        _cleanup_blobvec_ BlobVec v = {};
        _cleanup_blob_ Blob *one = NULL, *all = NULL;

        assert_int_equal(blobvec_append(&v, NULL), -ENOMEM);
        assert_int_equal(blobvec_append(&v, blob_new_string("ab")), 0);
        one = blobvec_join(&v);
        assert_ptr_equal(one, v.v[0]);
        assert_int_equal(blobvec_append(&v, blob_new_string("")), 0);
        assert_int_equal(blobvec_append(&v, blob_new_string("cd")), 0);
        all = blobvec_join(&v);
        assert_int_equal(blobvec_size(&v), 4);
        assert_int_equal(all->size, 4);
        assert_memory_equal(all->data, "abcd", 4);
        while (v.n < BLOBVEC_MAX)
                assert_int_equal(blobvec_append(&v, blob_ref(one)), 0);
        assert_int_equal(blobvec_append(&v, blob_ref(one)), -ENOBUFS);
}

static void test_grow_array(void **state)
{
        _cleanup_free_ int *items = NULL;

        for (int i = 0; i < 1000; i++) {
                assert_int_equal(GROW_ARRAY(items, (size_t) i), 0);
                items[i] = i;
        }
        for (int i = 0; i < 1000; i++)
                assert_int_equal(items[i], i);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_and_equal),
                cmocka_unit_test(test_slice_keeps_parent),
                cmocka_unit_test(test_alloc_sizes),
                cmocka_unit_test(test_map),
                cmocka_unit_test(test_vec),
                cmocka_unit_test(test_grow_array),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
