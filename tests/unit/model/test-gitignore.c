#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/gitignore.h"

typedef struct Case {
        const char *patterns, *path;
        bool is_directory, match;
} Case;

static const Case CASES[] = {
        {"a.py", "a.py", false, true},
        {"a.py", "x/y/a.py", false, true},
        {"/a.py", "x/a.py", false, false},
        {"/a.py", "a.py", false, true},
        {"x/a.py", "x/a.py", false, true},
        {"x/a.py", "y/x/a.py", false, false},
        {"*.py", "x/a.py", false, true},
        {"x/*.py", "x/y/a.py", false, false},
        {"build/", "build", false, false},
        {"build/", "build", true, true},
        {"build/", "build/a.py", false, true},
        {"build/", "x/build/y/a.py", false, true},
        {"build", "build/a.py", false, true},
        {"/build/", "x/build/a.py", false, false},
        {"**/x/*.py", "x/a.py", false, true},
        {"**/x/*.py", "a/b/x/a.py", false, true},
        {"a/**/b", "a/b", false, true},
        {"a/**/b", "a/x/y/b", false, true},
        {"a/**", "a/x", false, true},
        {"a/**", "a", true, false},
        {"[ab].py", "b.py", false, true},
        {"[!ab].py", "b.py", false, false},
        {"?.py", "ab.py", false, false},
        {"\\#a", "#a", false, true},
        {"# a", "# a", false, false},
        {"  a.py \r\n", "a.py", false, true},
        {"*.py\n!a.py", "x/a.py", false, false},
        {"*.py\n!a.py", "x/b.py", false, true},
        {"!a.py\n*.py", "a.py", false, true},
        {"x/\n!x/a.py", "x/a.py", false, false},
        {"/", "a", false, false},
        {"\xff\n*.py", "a.py", false, false},
        {"**/**/**/**/a", "x/y/a", false, true},
};

static void test_cases(void **state)
{
        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(CASES); i++) {
                _cleanup_(gitignore_freep) GitIgnore *g = NULL;
                const Case *c = CASES + i;

                assert_int_equal(gitignore_new(c->patterns, strlen(c->patterns), &g), 0);
                if (gitignore_match(g, c->path, c->is_directory) != c->match)
                        fail_msg("\"%s\" on \"%s\" should be %d", c->patterns, c->path, c->match);
        }
}

static void test_negation_is_known(void **state)
{
        _cleanup_(gitignore_freep) GitIgnore *a = NULL, *b = NULL;

        (void) state;
        assert_int_equal(gitignore_new("a\n", 2, &a), 0);
        assert_false(gitignore_has_negation(a));
        assert_int_equal(gitignore_new("a\n!b\n", 5, &b), 0);
        assert_true(gitignore_has_negation(b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_negation_is_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
