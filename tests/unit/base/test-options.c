#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/options.h"

typedef struct Args {
        bool insecure, verbose;
        char *address, *mode;
        char **keys;
        uint64_t n;
        double rate;
} Args;

static const char *const modes[] = {"subprocess", "process", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "network"},
        {OPTION_FLAG, "insecure", 'i', .help = "No TLS.", .offset = offsetof(Args, insecure)},
        {OPTION_STRING, "serverappio-api-address", .metavar = "ADDRESS", .fallback = "0.0.0.0:9091",
                .help = "Where apps connect.", .offset = offsetof(Args, address)},
        {OPTION_STRINGS, "key", 'k', .metavar = "FILE", .help = "A key.", .offset = offsetof(Args, keys)},
        {OPTION_GROUP, .help = "other"},
        {OPTION_CHOICE, "isolation", .choices = modes, .help = "How apps run.",
                .offset = offsetof(Args, mode)},
        {OPTION_UINT, "max-retries", .metavar = "N", .help = "Tries.", .offset = offsetof(Args, n)},
        {OPTION_DOUBLE, "max-wait-time", .help = "Seconds.", .offset = offsetof(Args, rate)},
        {OPTION_IGNORED, "flwr-dir", .metavar = "DIR", .help = "Has no effect."},
        {OPTION_FLAG, "verbose", 'v', .flags = OPTION_HIDDEN, .offset = offsetof(Args, verbose)},
        {OPTION_END},
};

static const Option required[] = {
        {OPTION_STRING, "token", .metavar = "T", .flags = OPTION_REQUIRED,
                .offset = offsetof(Args, address)},
        {OPTION_END},
};

static const Program program = {
        .name = "flower-test",
        .summary = "tests the parser",
        .description = "First paragraph.\n\n.dangerous second \\one.",
        .positionals = "[APP] [DIR]",
        .max_positionals = 2,
        .options = options,
        .examples = "flower-test --insecure",
};

static void args_done(Args *a)
{
        free(a->address);
        free(a->mode);
        options_free_strings(a->keys);
        *a = (Args){};
}

/* Splits line at "|", runs the parser with stdout and stderr in a file, whose content goes to ret_output. */
static int parse(const Program *p, const char *line, Args *a, char *ret_first, char *ret_output)
{
        _cleanup_free_ char *copy = strdup(line), **positionals = NULL;
        char *argv[32] = {(char *) "prog"}, *rest = copy, *word;
        int argc = 1, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), r;
        FILE *f = tmpfile();

        while (*line && (word = strsep(&rest, "|")))
                argv[argc++] = word;
        fflush(stdout);
        fflush(stderr);
        dup2(fileno(f), STDOUT_FILENO);
        dup2(fileno(f), STDERR_FILENO);
        r = options_parse(p, argc, argv, a, &positionals);
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        close(out);
        close(err);
        rewind(f);
        ret_output[fread(ret_output, 1, 8191, f)] = 0;
        fclose(f);
        if (r == 0)
                strcpy(ret_first, positionals[0] ? positionals[0] : "");
        return r;
}

static void test_values(void **state)
{
        _cleanup_(args_done) Args a = {};
        char first[64], output[8192];

        assert_int_equal(
                parse(&program,
                        "--insecure|--serverappio-api-address|h:1|-k|a|--key=b|-kc|app|--isolation=process|"
                        "--max-retries|7|--max-wait-time|1.5",
                        &a, first, output),
                0);
        assert_true(a.insecure);
        assert_string_equal(a.address, "h:1");
        assert_string_equal(a.keys[0], "a");
        assert_string_equal(a.keys[1], "b");
        assert_string_equal(a.keys[2], "c");
        assert_null(a.keys[3]);
        assert_string_equal(a.mode, "process");
        assert_int_equal(a.n, 7);
        assert_true(a.rate == 1.5);
        assert_string_equal(first, "app");
        assert_string_equal(output, "");
}

static void test_argparse_rules(void **state)
{
        _cleanup_(args_done) Args a = {};
        char first[64], output[8192];

        assert_int_equal(parse(&program, "--serv|x|-iv|--|--insecure", &a, first, output), 0);
        assert_string_equal(a.address, "x");
        assert_true(a.insecure && a.verbose);
        assert_string_equal(first, "--insecure");
        assert_int_equal(parse(&program, "--serverappio-api-address=--x|-5", &a, first, output), 0);
        assert_string_equal(a.address, "--x");
        assert_string_equal(first, "-5");
        assert_int_equal(parse(&program, "--key|-a b", &a, first, output), 0);
        assert_string_equal(a.keys[0], "-a b");
        assert_int_equal(parse(&program, "--flwr-dir|x", &a, first, output), 0);
        assert_string_equal(output, "flower-test: warning: --flwr-dir: Has no effect.\n");
}

static void check_refused(const Program *p, const char *line, const char *want)
{
        _cleanup_(args_done) Args a = {};
        char first[64], output[8192];

        assert_int_equal(parse(p, line, &a, first, output), -EINVAL);
        assert_non_null(startswith(output, "usage: flower-test [OPTION]..."));
        if (!strstr(output, want))
                fail_msg("%s: %s", line, output);
}

static void test_errors(void **state)
{
        Program p = program;

        check_refused(&program, "--unknown", "flower-test: error: unrecognized arguments: --unknown\n");
        check_refused(&program, "-x", "error: unrecognized arguments: -x\n");
        check_refused(&program, "--max|1",
                "error: ambiguous option: --max could match --max-retries, --max-wait-time\n");
        check_refused(&program, "--key", "error: argument --key: expected one argument\n");
        check_refused(&program, "--key|--insecure", "error: argument --key: expected one argument\n");
        check_refused(
                &program, "--insecure=1", "error: argument --insecure: ignored explicit argument '1'\n");
        check_refused(&program, "--isolation|x",
                "error: argument --isolation: invalid choice: 'x' (choose from 'subprocess', 'process')\n");
        check_refused(
                &program, "--max-retries=-1", "error: argument --max-retries: invalid int value: '-1'\n");
        check_refused(&program, "--max-wait-time=-1",
                "error: argument --max-wait-time: invalid float value: '-1'\n");
        check_refused(&program, "a|b|c", "error: unrecognized arguments: c\n");
        p.options = required;
        check_refused(&p, "a", "error: the following arguments are required: --token\n");
        p.options = options;
        p.positionals = "APP";
        p.min_positionals = p.max_positionals = 1;
        check_refused(&p, "--insecure", "error: the following arguments are required: APP\n");
}

static void test_builtin(void **state)
{
        _cleanup_(args_done) Args a = {};
        char first[64], output[8192];
        Program p = program;

        p.options = required;
        assert_int_equal(parse(&p, "-V", &a, first, output), 1);
        assert_string_equal(output, "Flower version: " PACKAGE_VERSION "\n");
        assert_int_equal(parse(&program, "--help", &a, first, output), 1);
        assert_non_null(strstr(output, "\nnetwork:\n  -i, --insecure        No TLS.\n"));
        assert_non_null(strstr(output,
                "  --serverappio-api-address ADDRESS\n                        Where apps connect. (default: "
                "0.0.0.0:9091)\n"));
        assert_non_null(strstr(output, "--isolation {subprocess,process}"));
        assert_null(strstr(output, "verbose"));
        assert_null(strstr(output, "man-page"));
}

static void test_man(void **state)
{
        _cleanup_(args_done) Args a = {};
        char first[64], output[8192];

        assert_int_equal(parse(&program, "--print-man-page", &a, first, output), 1);
        assert_non_null(startswith(output, ".TH FLOWER\\-TEST 1 "));
        assert_non_null(strstr(output, "\n.PP\n\\&.dangerous second \\eone.\n"));
        assert_non_null(strstr(output, "\n.SS network\n.TP\n\\fB\\-i\\fR, \\fB\\-\\-insecure\\fR\n"));
        assert_non_null(strstr(output, "\n.SH EXIT STATUS\n"));
        assert_non_null(strstr(output, "\n.SH EXAMPLES\n"));
        assert_non_null(strstr(output, "\\fBflwr\\fR(1)"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_argparse_rules),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_builtin),
                cmocka_unit_test(test_man),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
