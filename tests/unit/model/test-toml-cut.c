#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/toml-cut.h"

static const char *const PATH[] = {"tool", "flwr", "federations", NULL};

typedef struct Case {
        const char *text, *rest;
} Case;

static const Case CASES[] = {
        {"", ""},
        {"a = 1", "a = 1"},
        {"[tool.flwr.federations]\nx = 1\n# c\n\n[b]\ny = 2\n", "[b]\ny = 2\n"},
        {"[b]\n[tool.flwr.federations.a]\nx = 1\n", "[b]\n"},
        {"[ tool . \"flwr\" . 'federations' ] # c\nx = 1\n[b]\n", "[b]\n"},
        {"[[tool.flwr.federations]]\nx = 1\n[b]\n", "[b]\n"},
        {"[tool.flwr]\nfederations.default = \"a\"\nk = 1\n", "[tool.flwr]\nk = 1\n"},
        {"tool.flwr.federations.a.x = [\n  1, # ]\n  \"]\",\n]\nk = 1\n", "k = 1\n"},
        {"[tool.flwr.federations]\nx = \"\"\"\n[b]\n\"\"\"\ny = '''\n[c]'''\nz = \"\\\"[\"\n[b]\n", "[b]\n"},
        {"x = '''\n[tool.flwr.federations]\n'''\ny = 1\n", "x = '''\n[tool.flwr.federations]\n'''\ny = 1\n"},
        {"[tool.flwr.federations2]\nx = 1\n", "[tool.flwr.federations2]\nx = 1\n"},
        {"[tool.flwr]\nx = 1\n", "[tool.flwr]\nx = 1\n"},
        {"[tool.flwr.federations]\r\nx = {a = \"}\", b = [1]}\r\n[b]\r\n", "[b]\r\n"},
};

static void test_cases(void **state)
{
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(CASES); i++) {
                _cleanup_buf_ Buf b = {};
                _cleanup_free_ char *text = NULL;

                assert_int_equal(toml_cut(CASES[i].text, strlen(CASES[i].text), PATH, &b), 0);
                text = buf_steal_str(&b);
                assert_string_equal(text, CASES[i].rest);
        }
}

/* Malformed text must not be read beyond its end; a sanitizer build sees it. */
static void test_cut_short(void **state)
{
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(CASES); i++)
                for (size_t n = 0; n <= strlen(CASES[i].text); n++) {
                        _cleanup_free_ char *text = malloc(n + !n);
                        _cleanup_buf_ Buf b = {};

                        memcpy(text, CASES[i].text, n);
                        assert_int_equal(toml_cut(text, n, PATH, &b), 0);
                        assert_true(b.size <= n);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_cut_short),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
