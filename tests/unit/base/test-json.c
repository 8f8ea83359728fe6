#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

static Json *parse(const char *s)
{
        Json *j = NULL;

        assert_int_equal(json_parse(s, strlen(s), &j), 0);
        return j;
}

static void test_read(void **state)
{
        _cleanup_(json_unrefp) Json *j = parse(" {\"b\": \"x:y\\\"\", \"a\": [1, -2.5, null], \"n\": {}}\n");
        const char *key, *s, *const order[] = {"b", "a", "n"};
        void *pos = NULL;
        int64_t i;
        double d;
        Json *v;

        for (unsigned n = 0; n < 3; n++) {
                assert_true(json_next(j, &pos, &key, &v));
                assert_string_equal(key, order[n]);
        }
        assert_false(json_next(j, &pos, &key, &v));
        assert_int_equal(json_get_string(json_member(j, "b"), &s), 0);
        assert_string_equal(s, "x:y\"");
        v = json_member(j, "a");
        assert_int_equal(json_length(v), 3);
        assert_int_equal(json_get_i64(json_item(v, 0), &i), 0);
        assert_int_equal(i, 1);
        assert_int_equal(json_get_double(json_item(v, 0), &d), 0);
        assert_int_equal(json_get_double(json_item(v, 1), &d), 0);
        assert_true(d == -2.5);
        assert_int_equal(json_get_i64(json_item(v, 1), &i), -EINVAL);
        assert_int_equal(json_get_string(json_item(v, 2), &s), -ENOENT);
        assert_null(json_item(v, 3));
        assert_null(json_member(v, "b"));
        assert_int_equal(json_get_string(json_member(j, "zz"), &s), -ENOENT);
        assert_int_equal(json_get_string(v, &s), -EINVAL);
}

static void test_top_level_number(void **state)
{
        _cleanup_(json_unrefp) Json *j = parse("9223372036854775807"), *big = parse("9223372036854775808");
        int64_t i;

        assert_int_equal(json_get_i64(j, &i), 0);
        assert_true(i == INT64_MAX);
        assert_int_equal(json_get_i64(big, &i), -EINVAL);
}

static void test_refuses(void **state)
{
        static const char *const bad[] = {"", "{", "{}x", "[1] [2]", "{\"a\":1,\"a\":2}",
                "[{\"a\":{\"b\":1,\"b\":1}}]", "{'a':1}", "[1,]", "{\"a\":\"\xff\"}", "// x\n{}", "12 13"};
        char deep[101];
        Json *j;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(json_parse(bad[i], strlen(bad[i]), &j), -EBADMSG);
        assert_int_equal(json_parse("{}\0", 3, &j), -EBADMSG);
        memset(deep, '[', 50);
        memset(deep + 50, ']', 50);
        assert_int_equal(json_parse(deep, 100, &j), -EBADMSG);
}

static void test_embedded_nul(void **state)
{
        _cleanup_(json_unrefp) Json *j = parse("[\"a\\u0000b\"]");
        const char *s;

        assert_int_equal(json_get_string(json_item(j, 0), &s), -EINVAL);
}

static void test_quoted(void **state)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *s = NULL;

        assert_int_equal(json_append_quoted(&b, "a\"\\/\n\t\r\b\f\x01\x7f\xc3\xa4\xf0\x9f\x8c\xb8"), 0);
        assert_int_equal(json_append_quoted(&b, "\xff"), -EINVAL);
        s = buf_steal_str(&b);
        assert_string_equal(s, "\"a\\\"\\\\/\\n\\t\\r\\b\\f\\u0001\\u007f\\u00e4\\ud83c\\udf38\"\"");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_top_level_number),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_embedded_nul),
                cmocka_unit_test(test_quoted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
