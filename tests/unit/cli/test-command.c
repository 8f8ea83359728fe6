#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command.h"

static int add(int argc, char *argv[])
{
        assert_string_equal(argv[0], argc > 1 ? "add" : "plus");
        return 40 + argc;
}

static const Program ADD_PROGRAM = {.name = "x add", .summary = "Adds."};
static const Command ADD = {"add", "plus", &ADD_PROGRAM, add};

static int group(int argc, char *argv[]);
static const Program PROGRAM = {.name = "x", .summary = "A menu.", .positionals = "C", .max_positionals = 1};
static const Command GROUP = {"group", NULL, &PROGRAM, group};

static int group(int argc, char *argv[])
{
        static const Command *const commands[] = {&ADD};

        return command_dispatch(&PROGRAM, commands, ELEMENTSOF(commands), argc, argv);
}

static int run(const char *a, const char *b, const char *c)
{
        static const Command *const commands[] = {&GROUP, &ADD};
        char *argv[] = {(char *) "x", (char *) a, (char *) b, (char *) c, NULL};
        int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);

        return command_dispatch(&PROGRAM, commands, ELEMENTSOF(commands), argc, argv);
}

static void test_dispatch(void **state)
{
        (void) state;
        assert_int_equal(run("add", "1", NULL), 42);
        assert_int_equal(run("plus", NULL, NULL), 41);
        assert_int_equal(run("group", "add", "1"), 42);
        assert_int_equal(run(NULL, NULL, NULL), 0);
        assert_int_equal(run("group", NULL, NULL), 0);
        assert_int_equal(run("--help", NULL, NULL), 0);
        assert_int_equal(run("group", "--help", NULL), 0);
        assert_int_equal(run("ad", NULL, NULL), EXIT_USAGE);
        assert_int_equal(run("group", "group", NULL), EXIT_USAGE);
        assert_int_equal(run("--bad", NULL, NULL), EXIT_USAGE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_dispatch)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
