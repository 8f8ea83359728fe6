#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_append_and_steal(void **state)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *s = NULL, *empty = NULL;

        for (int i = 0; i < 100; i++)
                assert_int_equal(buf_printf(&b, "%02d,", i), 0);
        assert_int_equal(buf_append_str(&b, "end"), 0);
        assert_int_equal(b.size, 303);
        buf_consume(&b, 297);
        s = buf_steal_str(&b);
        assert_string_equal(s, "99,end");
        assert_int_equal(b.size, 0);
        empty = buf_steal_str(&b);
        assert_string_equal(empty, "");
}

static void test_maximum(void **state)
{
        _cleanup_buf_ Buf b = {.max = 10};

        assert_int_equal(buf_append(&b, "0123456789", 10), 0);
        assert_int_equal(buf_append(&b, NULL, 0), 0);
        assert_int_equal(buf_append(&b, "x", 1), -ENOBUFS);
        assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOBUFS);
        buf_consume(&b, 4);
        assert_int_equal(buf_append(&b, "abcd", 4), 0);
        assert_memory_equal(b.data, "456789abcd", 10);
}

static void test_steal_blob(void **state)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_blob_ Blob *blob = NULL, *empty = NULL;

        empty = buf_steal_blob(&b);
        assert_int_equal(empty->size, 0);
        assert_int_equal(buf_append(&b, "a\0b", 3), 0);
        blob = buf_steal_blob(&b);
        assert_int_equal(blob->size, 3);
        assert_memory_equal(blob->data, "a\0b", 3);
        assert_null(b.data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_append_and_steal),
                cmocka_unit_test(test_maximum),
                cmocka_unit_test(test_steal_blob),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
