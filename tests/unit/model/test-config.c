#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/config.h"

static int parse_one(const char *string, Config *ret, char **reterr_text)
{
        return config_parse_args((char *const[]){(char *) string, NULL}, ret, reterr_text);
}

/* "key=value;key=value" of what the strings give, or "error". */
static char *parse(const char *const *strings)
{
        _cleanup_config_ Config c = {};
        _cleanup_free_ char *error = NULL;
        char *text = strdup("");
        int r = config_parse_args((char *const *) strings, &c, &error);

        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_non_null(error);
                free(text);
                return strdup("error");
        }
        assert_null(error);
        for (size_t i = 0; i < c.n; i++) {
                _cleanup_free_ char *value = NULL, *old = text;

                assert_int_equal(scalar_format(&c.entries[i].value, &value), 0);
                text = xasprintf("%s%s%s=%s", old, i > 0 ? ";" : "", c.entries[i].key, value);
                assert_non_null(text);
        }
        return text;
}

#define EXPECT(expected, ...)                                                                               \
        do {                                                                                                \
                _cleanup_free_ char *_text = parse((const char *const[]){__VA_ARGS__, NULL});               \
                assert_string_equal(_text, expected);                                                       \
        } while (0)

static void test_pairs(void **state)
{
        EXPECT("partition-id=0;num-partitions=10", "partition-id=0 num-partitions=10");
        EXPECT("k=\"a b\";l=\"c\"", "k=\"a b\" l='c'");
        EXPECT("error", "k=abc");
        EXPECT("a.b=1", "a.b=1");
        EXPECT("a.b=1;a.c=2", "a.b=1 a.c=2");
        EXPECT("a.c=2", "a.b=1", "a.c=2");
        EXPECT("error", "k=1 k=2");
        EXPECT("k=2", "k=1", "k=2");
        EXPECT("", "k = 1");
        EXPECT("k=1", "foo k=1");
        EXPECT("a=true;b=0.001;c=16;d=1000;e=inf", "a=true b=1e-3 c=0x10 d=1_000 e=inf");
        EXPECT("error", "k=[1,2]");
        EXPECT("error", "k=1979-05-27");
        EXPECT("k=\"a\"", "k='a'b'");
        EXPECT("", "");
        EXPECT("a=2;b=3", "a=1 b=3", "", "a=2");
}

static void test_pairs_corners(void **state)
{
        EXPECT("error", "a==1");
        EXPECT("", "=1");
        EXPECT("", "a=");
        EXPECT("k=1", "a= k=1");
        EXPECT("error", "k='open");
        EXPECT("k=1;l=2", "k=1\u00a0l=2");
        EXPECT("k=1;l=2", "\u3000k=1\tl=2\n");
        EXPECT("k=\"{}\"", "k=\"{}\"");
}

static void test_toml_names(void **state)
{
        EXPECT("error", "a=1", "x.toml");
        EXPECT("error", "does-not-exist.toml");
        EXPECT("error", "a=1 f=x.toml");
}

static void test_error_texts(void **state)
{
        static const struct {
                const char *string, *part;
        } rows[] = {
                {"fine=1 k=abc", "'k'"},
                {"k=1 k=2", "'k=1 k=2'"},
                {"deep.list=[1]", "'deep.list'"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *error = NULL;
                Config c;

                assert_int_equal(parse_one(rows[i].string, &c, &error), -EINVAL);
                assert_non_null(strstr(error, rows[i].part));
        }
}

static void test_file(void **state)
{
        static const char text[] = "a = 1\n[t]\nb = \"x\\ny\"\n[t.u]\nc = -0.5\n[empty]\n";
        char path[] = "test-config-XXXXXX.toml";
        int fd = mkstemps(path, 5);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        EXPECT("a=1;t.b=\"x\\ny\";t.u.c=-0.5", path);
        unlink(path);
}

static void test_fuse(void **state)
{
        _cleanup_config_ Config base = {}, override = {}, fused = {};
        _cleanup_free_ char *error = NULL;

        assert_int_equal(parse_one("a=1 b.c=2", &base, &error), 0);
        assert_int_equal(parse_one("b.c='x'", &override, &error), 0);
        assert_int_equal(config_fuse(&base, &override, &fused, &error), 0);
        assert_int_equal(fused.n, 2);
        assert_string_equal(config_get(&fused, "b.c")->s, "x");
        assert_int_equal(config_get(&base, "b.c")->i, 2);

        config_done(&override);
        assert_int_equal(parse_one("new=1", &override, &error), 0);
        config_done(&fused);
        assert_int_equal(config_fuse(&base, &override, &fused, &error), -ENOENT);
        assert_string_equal(error, "Key 'new' is not present in the main dictionary");
}

static void test_format(void **state)
{
        static const struct {
                double d;
                const char *text;
        } rows[] = {
                {0, "0.0"},
                {5, "5.0"},
                {0.1, "0.1"},
                {-0.5, "-0.5"},
                {1e15, "1000000000000000.0"},
                {1e16, "1e+16"},
                {1e-5, "1e-05"},
                {0.0001, "0.0001"},
                {1.0 / 3, "0.3333333333333333"},
                {123456.789, "123456.789"},
                {NAN, "nan"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(scalar_format(&(Scalar){.type = SCALAR_DOUBLE, .d = rows[i].d}, &text), 0);
                assert_string_equal(text, rows[i].text);
        }

        _cleanup_free_ char *text = NULL;
        assert_int_equal(scalar_format(&(Scalar){.type = SCALAR_STRING,
                                               .s = (char *) "q\" b\\ \n\t\r\b\f \x01 \x7f é"},
                                 &text),
                0);
        assert_string_equal(text, "\"q\\\" b\\\\ \\n\\t\\r\\b\\f \\u0001 \\u007F é\"");
}

static void test_many(void **state)
{
        _cleanup_config_ Config c = {}, copy = {};

        for (int i = 0; i < 100; i++) {
                Scalar s = {.type = SCALAR_STRING, .s = xasprintf("v%d", i)};
                char key[16];

                snprintf(key, sizeof(key), "k%d", i);
                assert_int_equal(config_set(&c, key, &s), 0);
        }
        assert_int_equal(config_copy(&c, &copy), 0);
        assert_int_equal(config_set(&copy, "one-more", &(Scalar){.type = SCALAR_BOOL, .b = true}), 0);
        assert_int_equal(copy.n, 101);
        for (size_t i = 0; i < c.n; i++)
                assert_true(scalar_equal(&c.entries[i].value, config_get(&copy, c.entries[i].key)));
        assert_false(scalar_equal(config_get(&copy, "k1"), config_get(&copy, "one-more")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_pairs_corners),
                cmocka_unit_test(test_toml_names),
                cmocka_unit_test(test_error_texts),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_fuse),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
