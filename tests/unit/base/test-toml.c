#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/toml.h"

static const char project[] = "[project]\n"
                              "name = \"demo\"\n"
                              "version = \"1.0.0\"\n"
                              "\n"
                              "[tool.flwr.app]\n"
                              "publisher = \"me\"\n"
                              "\n"
                              "[tool.flwr.app.config]\n"
                              "zeta = 3\n"
                              "lr = 0.1\n"
                              "alpha.on = true\n"
                              "list = [1, \"two\", [3]]\n"
                              "day = 2026-01-01\n";

static Toml *parse(const char *text)
{
        _cleanup_free_ char *error = NULL;
        Toml *t = NULL;

        if (toml_parse(text, strlen(text), "x.toml", &t, &error) < 0)
                fail_msg("%s", error);
        return t;
}

static void test_values(void **state)
{
        _cleanup_(toml_freep) Toml *t = parse(project);
        const TomlNode *config = toml_find(toml_root(t), "tool.flwr.app.config"), *list;
        const char *s;
        int64_t i;
        double d;
        bool b;

        assert_int_equal(toml_get_string(toml_find(toml_root(t), "project.name"), &s), 0);
        assert_string_equal(s, "demo");
        assert_int_equal(toml_get_integer(toml_find(config, "zeta"), &i), 0);
        assert_int_equal(i, 3);
        assert_int_equal(toml_get_float(toml_find(config, "lr"), &d), 0);
        assert_true(d == 0.1);
        assert_int_equal(toml_get_boolean(toml_find(config, "alpha.on"), &b), 0);
        assert_true(b);
        assert_int_equal(toml_get_float(toml_find(config, "zeta"), &d), -EINVAL);
        assert_int_equal(toml_get_string(toml_find(config, "missing.too"), &s), -ENOENT);
        list = toml_find(config, "list");
        assert_int_equal(toml_type(list), TOML_ARRAY);
        assert_int_equal(toml_size(list), 3);
        assert_int_equal(toml_type(toml_at(list, 1, NULL)), TOML_STRING);
        assert_null(toml_at(list, 3, NULL));
        assert_int_equal(toml_type(toml_find(config, "day")), TOML_OTHER);
        assert_int_equal(toml_line(toml_find(config, "lr")), 10);
}

static void test_document_order(void **state)
{
        _cleanup_(toml_freep) Toml *t = parse(project);
        static const char *const order[] = {"zeta", "lr", "alpha", "list", "day"};
        const TomlNode *config = toml_find(toml_root(t), "tool.flwr.app.config");
        const char *key;

        assert_int_equal(toml_size(config), ELEMENTSOF(order));
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                assert_non_null(toml_at(config, i, &key));
                assert_string_equal(key, order[i]);
        }
}

static void check_error(const char *text, const char *want)
{
        _cleanup_free_ char *error = NULL;
        Toml *t;

        assert_int_equal(toml_parse(text, strlen(text), "x.toml", &t, &error), -EBADMSG);
        assert_non_null(startswith(error, want));
}

static void test_errors(void **state)
{
        _cleanup_free_ char *error = NULL;
        Toml *t;

        check_error("a = 1\nb = \n", "x.toml:2:");
        check_error("a = 1\na = 2\n", "x.toml:2:");
        check_error("a = \"x\\u0000y\"\n", "x.toml:1:1: a string contains NUL");
        check_error("a = 1\n[&a]\n", "x.toml: a table or key begins with");
        check_error("[[&a]]\n", "x.toml: a table or key begins with");
        assert_int_equal(toml_parse("a = \"\xff\"", 7, "x.toml", &t, &error), -EBADMSG);
}

static void test_depth(void **state)
{
        _cleanup_(toml_freep) Toml *numbers = NULL, *dots = NULL;
        enum { N = 20000 };
        _cleanup_free_ char *text = malloc(4 * N + 64);
        size_t n = 0;

        for (unsigned i = 0; i < N; i++)
                n += (size_t) sprintf(text + n, "a.");
        strcpy(text + n, "a = 1\n");
        check_error(text, "x.toml:1:1: a key has too many parts");
        n = 0;
        for (unsigned i = 0; i < N; i++)
                n += (size_t) sprintf(text + n, "\"=\".");
        strcpy(text + n, "a = 1\n");
        check_error(text, "x.toml:1:1: a key has too many parts");
        /* A string that ends in front of the key, with quotes of both sorts in it. */
        n = (size_t) sprintf(text, "x = {s = \"\"\"\nit's\"\"\"\"\", ");
        for (unsigned i = 0; i < N; i++)
                n += (size_t) sprintf(text + n, "a.");
        strcpy(text + n, "a = 1}\n");
        check_error(text, "x.toml:2:1: a key has too many parts");
        memset(text, '[', N);
        strcpy(text, "a =");
        text[3] = ' ';
        text[N] = 0;
        check_error(text, "x.toml:1:");
        dots = parse("a = \"\"\"\nwait ........................................ 'till\n\"\"\" # "
                     "......................................\n");
        n = (size_t) sprintf(text, "a = [");
        for (unsigned i = 0; i < N; i++)
                n += (size_t) sprintf(text + n, "0.5,");
        strcpy(text + n, "]\n");
        numbers = parse(text);
        assert_int_equal(toml_size(toml_find(toml_root(numbers), "a")), N);
}

static void test_floats(void **state)
{
        static const struct {
                const char *text;
                double value;
        } floats[] = {
                {"a = 1.7976931348623157e308", 1.7976931348623157e308},
                {"a = 4.9e-324", 4.9e-324},
                {"a = 0.30000000000000004", 0.30000000000000004},
                {"a = 123456789012345678901234567890.0", 123456789012345678901234567890.0},
                {"a = -1_000.5e-1_0", -1000.5e-10},
                {"a = +6e2", 600},
        };
        double d;

        for (size_t i = 0; i < ELEMENTSOF(floats); i++) {
                _cleanup_(toml_freep) Toml *t = parse(floats[i].text);

                assert_int_equal(toml_get_float(toml_find(toml_root(t), "a"), &d), 0);
                assert_true(d == floats[i].value);
        }
        check_error("a = 1\nb = 1e400", "x.toml:2:");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_floats),
                cmocka_unit_test(test_document_order),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_depth),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
