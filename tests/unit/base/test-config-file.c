#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/config-file.h"
#include "base/fs-util.h"

#define RETRIES_UNSET 42

typedef struct Args {
        bool insecure;
        char *address, *mode, *limit, *pairs;
        char **keys;
        uint64_t n;
        double rate;
} Args;

#define FIELD(name) offsetof(Args, name)

static const char *const modes[] = {"subprocess", "process", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "Network"},
        {OPTION_FLAG, "insecure", .help = "No TLS.", .offset = FIELD(insecure)},
        {OPTION_STRING, "fleet-api-address", .metavar = "ADDR", .fallback = "0.0.0.0:9092", .help = "Where.",
                .offset = FIELD(address), .packaged = "h:1"},
        {OPTION_STRINGS, "key", .metavar = "FILE", .help = "A key.", .offset = FIELD(keys)},
        {OPTION_STRING, "limit", .fallback = "no limit", .help = "Seconds.", .offset = FIELD(limit),
                .flags = OPTION_NUMBER},
        {OPTION_GROUP, .help = "Apps"},
        {OPTION_CHOICE, "isolation", .choices = modes, .fallback = "subprocess", .help = "How apps run.",
                .offset = FIELD(mode)},
        {OPTION_UINT, "max-retries", .fallback = "42", .help = "Tries.", .offset = FIELD(n)},
        {OPTION_DOUBLE, "rate", .help = "A rate.", .offset = FIELD(rate)},
        {OPTION_STRING, "node-config", .metavar = "PAIRS", .help = "Pairs.", .offset = FIELD(pairs),
                .flags = OPTION_TABLE},
        {OPTION_GROUP, .help = "Old"},
        {OPTION_IGNORED, "flwr-dir", .metavar = "DIR", .help = "has no effect"},
        {},
};

static int check_args(const void *args, char **reterr_text)
{
        const Args *a = args;

        if (!streq_ptr(a->pairs, "refused=1"))
                return 0;
        *reterr_text = strdup("node-config: refused");
        return -EINVAL;
}

static const Program program = {
        .name = "flower-test",
        .summary = "tests",
        .options = options,
        .config_file = "/etc/flwr/test.toml",
        .check = check_args,
};

typedef struct Fixture {
        char directory[32];
        char *file, *dropins;
        const Program *program;
        Args args;
        char output[16384]; /* of the last parse(), both streams */
        int result;
} Fixture;

static void args_done(Args *a)
{
        free(a->address);
        free(a->mode);
        free(a->limit);
        free(a->pairs);
        options_free_strings(a->keys);
        *a = (Args){.n = RETRIES_UNSET};
}

static int setup(void **state)
{
        Fixture *f = new0(Fixture, 1);

        assert_non_null(f);
        strcpy(f->directory, "config-file-XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        f->file = path_join(f->directory, "test.toml");
        f->dropins = path_join(f->directory, "test.d");
        assert_int_equal(mkdir_parents(f->dropins, 0700), 0);
        f->program = &program;
        args_done(&f->args);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        args_done(&f->args);
        assert_int_equal(rm_rf(f->directory), 0);
        free(f->file);
        free(f->dropins);
        free(f);
        return 0;
}

static void write_config(const Fixture *f, const char *text)
{
        assert_int_equal(write_file_atomic(f->file, text, strlen(text), 0600, false), 0);
}

static void write_dropin(const Fixture *f, const char *name, const char *text)
{
        _cleanup_free_ char *path = path_join(f->dropins, name);

        assert_int_equal(write_file_atomic(path, text, strlen(text), 0600, false), 0);
}

/* Runs the parser on "--config FILE" and the words of line. */
static int parse(Fixture *f, const char *line)
{
        _cleanup_free_ char *copy = strdup(line), **positionals = NULL;
        char *argv[16] = {(char *) "prog", (char *) "--config", f->file}, *rest = copy, *word;
        int argc = 3, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
        FILE *file = tmpfile();

        while (*line && (word = strsep(&rest, " ")))
                argv[argc++] = word;
        args_done(&f->args);
        fflush(stdout);
        dup2(fileno(file), STDOUT_FILENO);
        dup2(fileno(file), STDERR_FILENO);
        f->result = options_parse(f->program, argc, argv, &f->args, &positionals);
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        close(out);
        close(err);
        rewind(file);
        f->output[fread(f->output, 1, sizeof(f->output) - 1, file)] = 0;
        fclose(file);
        return f->result;
}

/* "@" in a line stands for the file, "%" for its directory. */
static void check_line(const Fixture *f, const char *want)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *line = NULL;

        assert_int_equal(buf_append_str(&b, "\n"), 0);
        for (; *want; want++)
                assert_int_equal(*want == '@'   ? buf_append_str(&b, f->file)
                                 : *want == '%' ? buf_append_str(&b, f->dropins)
                                                : buf_append(&b, want, 1),
                        0);
        assert_int_equal(buf_append_str(&b, "\n"), 0);
        line = buf_steal_str(&b);
        if (!startswith(f->output, line + 1) && !strstr(f->output, line))
                fail_msg("no line \"%s\" in:\n%s", line, f->output);
}

/* The file alone is refused, with that line. */
static void check_refused(Fixture *f, const char *text, const char *want)
{
        write_config(f, text);
        assert_int_equal(parse(f, "--check-config"), -EBADMSG);
        check_line(f, want);
}

static void test_values(void **state)
{
        Fixture *f = *state;

        write_config(f, "insecure = true\nfleet-api-address = 'a:1'\nkey = ['x', 'y']\nlimit = 1.50\n"
                        "isolation = 'process'\nmax-retries = 0\nrate = 3\nnode-config = 'a=1'\n");
        assert_int_equal(parse(f, ""), 0);
        assert_string_equal(f->output, "");
        assert_true(f->args.insecure);
        assert_string_equal(f->args.address, "a:1");
        assert_string_equal(f->args.keys[0], "x");
        assert_string_equal(f->args.keys[1], "y");
        assert_null(f->args.keys[2]);
        assert_string_equal(f->args.limit, "1.5");
        assert_string_equal(f->args.mode, "process");
        assert_int_equal(f->args.n, 0);
        assert_true(f->args.rate == 3);
        assert_string_equal(f->args.pairs, "a=1");
}

static void test_precedence(void **state)
{
        Fixture *f = *state;

        write_config(f, "fleet-api-address = 'a'\nisolation = 'process'\nkey = ['x', 'y']\nlimit = 1\n"
                        "insecure = true\nmax-retries = 3\n");
        write_dropin(f, "9.toml", "fleet-api-address = 'later'\ninsecure = false\n");
        write_dropin(f, "10.toml", "fleet-api-address = 'earlier'\nkey = ['z']\nlimit = 2\n");
        write_dropin(f, "99.conf", "no toml");
        write_dropin(f, ".9.toml", "no toml");
        assert_int_equal(parse(f, "--limit 7 --key f"), 0);
        assert_string_equal(f->args.address, "later");
        assert_string_equal(f->args.mode, "process");
        assert_false(f->args.insecure);
        assert_string_equal(f->args.limit, "7");
        assert_string_equal(f->args.keys[0], "f");
        assert_null(f->args.keys[1]);
        assert_int_equal(parse(f, ""), 0);
        assert_string_equal(f->args.keys[0], "z");
        assert_null(f->args.keys[1]);
        write_dropin(f, "a.toml", "max-retries = ''\nkey = []\nfleet-api-address = ''\n");
        assert_int_equal(parse(f, ""), 0);
        assert_int_equal(f->args.n, RETRIES_UNSET);
        assert_null(f->args.address);
        assert_null(f->args.keys);
}

static void test_unknown_keys(void **state)
{
        Fixture *f = *state;

        check_refused(f, "\nfleet_api_adress = 'a'\n",
                "@:2: unknown key 'fleet_api_adress': did you mean 'fleet-api-address'?");
        check_refused(f, "isolaton = 'a'\n", "@:1: unknown key 'isolaton': did you mean 'isolation'?");
        check_refused(f, "qqqqqqqq = 1\n",
                "@:1: unknown key 'qqqqqqqq': the flags in flower-test --help are the keys");
        check_refused(f, "config = 'a'\n",
                "@:1: unknown key 'config': the flags in flower-test --help are the keys");
        check_refused(f, "[superlink]\n", "@:1: unknown table 'superlink': keys stand outside of tables");
        check_refused(f, "[node_config]\n", "@:1: unknown table 'node_config': did you mean 'node-config'?");
}

static void test_wrong_values(void **state)
{
        Fixture *f = *state;

        check_refused(f, "insecure = 'true'\n", "@:1: insecure: must be true or false, not a string");
        check_refused(f, "fleet-api-address = 1\n",
                "@:1: fleet-api-address: must be a string, not a whole number");
        check_refused(f, "key = 'a'\n", "@:1: key: must be an array of strings, not a string");
        check_refused(f, "key = ['a', 1]\n",
                "@:1: key: must be an array of strings, but item 2 is a whole number");
        check_refused(f, "limit = '1'\n", "@:1: limit: must be a number from 0, not a string");
        check_refused(f, "limit = -1\n", "@:1: limit: invalid float value: '-1'");
        check_refused(f, "max-retries = 1.0\n",
                "@:1: max-retries: must be a whole number from 0, not a number with a fraction");
        check_refused(f, "max-retries = -1\n", "@:1: max-retries: invalid int value: '-1'");
        check_refused(f, "rate = nan\n", "@:1: rate: invalid float value: 'nan'");
        check_refused(f, "isolation = 'x'\n",
                "@:1: isolation: invalid choice: 'x' (choose from 'subprocess', 'process')");
        check_refused(f, "[isolation]\n", "@:1: isolation: must be a string, not a table");
        check_refused(f, "[node-config]\na.b = [1]\n",
                "@:1: node-config: the value of a.b in line 2 must be an integer, a float, a boolean, a "
                "string, or a table of those");
        check_refused(f, "node-config = 'refused=1'\n", "node-config: refused");
}

static void test_all_problems(void **state)
{
        Fixture *f = *state;

        write_config(f, "insecure = 1\nlimit = 'x'\n");
        write_dropin(f, "1.toml", "rate =\n");
        write_dropin(f, "2.toml", "key = 1\n");
        assert_int_equal(parse(f, "--check-config --insecure"), -EBADMSG);
        check_line(f, "@:1: insecure: must be true or false, not a whole number");
        check_line(f, "@:2: limit: must be a number from 0, not a string");
        check_line(f, "%/2.toml:1: key: must be an array of strings, not a whole number");
        assert_non_null(strstr(f->output, "/test.d/1.toml:1:"));
        assert_int_equal(options_exit_status(f->result), 78);
        assert_null(f->args.limit);
}

static void test_bounds(void **state)
{
        Fixture *f = *state;
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *text = NULL;

        for (unsigned i = 0; i <= CONFIG_PROBLEMS_MAX; i++)
                assert_int_equal(buf_printf(&b, "unknown%u = 1\n", i), 0);
        text = buf_steal_str(&b);
        check_refused(f, text, "There are more problems than these.");
        assert_null(strstr(f->output, "unknown100"));

        text = mfree(text);
        assert_int_equal(buf_append_str(&b, "key = ["), 0);
        for (unsigned i = 0; i <= CONFIG_LIST_MAX; i++)
                assert_int_equal(buf_append_str(&b, "'x',"), 0);
        assert_int_equal(buf_append_str(&b, "]\n"), 0);
        text = buf_steal_str(&b);
        check_refused(f, text, "@:1: key: has more than 1024 items");

        text = mfree(text);
        text = malloc(CONFIG_FILE_SIZE_MAX + 2);
        memset(text, '\n', CONFIG_FILE_SIZE_MAX + 1);
        text[CONFIG_FILE_SIZE_MAX + 1] = 0;
        check_refused(f, text, "@: is larger than 1048576 bytes");
        text[CONFIG_FILE_SIZE_MAX] = 0;
        write_config(f, text);
        assert_int_equal(parse(f, "--check-config"), 1);
}

static void test_files(void **state)
{
        Fixture *f = *state;

        assert_int_equal(parse(f, "--check-config"), -EBADMSG);
        check_line(f, "@: cannot be read: No such file or directory");
        write_dropin(f, "50-only.toml", "");
        assert_int_equal(parse(f, "--check-config"), 1);
        write_config(f, "");
        assert_int_equal(rm_rf(f->dropins), 0);
        assert_int_equal(parse(f, "--check-config"), 1);
        assert_string_equal(f->output, "");
        assert_int_equal(options_exit_status(f->result), 0);
        write_config(f, "flwr-dir = 'x'\n");
        assert_int_equal(parse(f, ""), 0);
        check_line(f, "flower-test: warning: --flwr-dir: has no effect");
}

static void test_table(void **state)
{
        Fixture *f = *state;

        write_config(f, "node-config = 'gone=1'\n");
        write_dropin(f, "1.toml",
                "[node-config]\npath = 'a \"b\" = \\c'\nn = -5\nf = 2.0\nb = true\nbig = 1e30\n"
                "'odd key=' = 'ä'\n[node-config.sub]\n'ö' = 1\n");
        assert_int_equal(parse(f, ""), 0);
        assert_string_equal(f->args.pairs, "path=\"a \\u0022b\\u0022 = \\\\c\" n=-5 f=2.0 b=true big=1e+30 "
                                           "\"odd\\u0020key\\u003d\"=\"ä\" sub.\"\\u00f6\"=1");
        write_dropin(f, "2.toml", "node-config = {}\n");
        assert_int_equal(parse(f, ""), 0);
        assert_string_equal(f->args.pairs, "");
}

static void test_print_config(void **state)
{
        Fixture *f = *state;

        write_config(f, "insecure = true\nmax-retries = 7\n");
        write_dropin(f, "1.toml", "\nkey = ['a\"', 'b']\n[node-config]\nx = '1'\n");
        assert_int_equal(parse(f, "--print-config --limit 5 --rate 1"), 1);
        assert_null(f->args.address);
        check_line(f, "insecure = true  # @:1");
        check_line(f, "fleet-api-address = \"0.0.0.0:9092\"  # default");
        check_line(f, "key = [\"a\\\"\", \"b\"]  # %/1.toml:2");
        check_line(f, "limit = 5  # flag");
        check_line(f, "isolation = \"subprocess\"  # default");
        check_line(f, "max-retries = 7  # @:2");
        check_line(f, "rate = 1.0  # flag");
        check_line(f, "node-config = \"x=\\\"1\\\"\"  # %/1.toml:3");
        assert_int_equal(parse(f, "--print-config"), 1);
        check_line(f, "limit = \"\"  # default: no limit");

        /* What is printed is a configuration itself. */
        assert_int_equal(rm_rf(f->dropins), 0);
        write_config(f, f->output);
        assert_int_equal(parse(f, ""), 0);
        assert_true(f->args.insecure);
        assert_null(f->args.limit);
        assert_int_equal(f->args.n, 7);
        assert_string_equal(f->args.keys[0], "a\"");
        assert_string_equal(f->args.pairs, "x=\"1\"");
}

/* Takes the mark of a comment from lines "# key = value". */
static void uncomment(char *text)
{
        static const char key_letters[] = "abcdefghijklmnopqrstuvwxyz-";

        for (char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (startswith(line, "# ") && startswith(line + 2 + strspn(line + 2, key_letters), " = "))
                        line[0] = ' ';
        }
}

static void test_template(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        write_config(f, "");
        assert_int_equal(parse(f, "--print-config-template"), 1);
        check_line(f, "## Network");
        check_line(f, "# No TLS.\n# insecure = false");
        check_line(f, "# Where. Default: 0.0.0.0:9092.\nfleet-api-address = \"h:1\"");
        check_line(f, "# Seconds. Default: no limit.\n# limit = \"\"");
        check_line(f, "# How apps run. One of: subprocess, process.\n# isolation = \"subprocess\"");
        assert_null(strstr(f->output, "flwr-dir"));
        assert_null(strstr(f->output, "## Old"));
        text = strdup(f->output);
        write_config(f, text);
        assert_int_equal(parse(f, ""), 0);
        assert_string_equal(f->args.address, "h:1");
        assert_null(f->args.mode);

        uncomment(text);
        assert_non_null(strstr(text, "\n  limit = \"\"\n"));
        write_config(f, text);
        assert_int_equal(parse(f, "--print-config"), 1);
        check_line(f, "isolation = \"subprocess\"  # @:27");
        assert_false(f->args.insecure);
        assert_null(f->args.keys);
        assert_null(f->args.limit);
        assert_string_equal(f->args.mode, "subprocess");
        assert_int_equal(f->args.n, RETRIES_UNSET);
        assert_true(f->args.rate == 0);
        assert_null(f->args.pairs);
}

static void test_pages(void **state)
{
        Fixture *f = *state;

        assert_int_equal(parse(f, "--help"), 1);
        assert_non_null(strstr(f->output, "\n  --config FILE "));
        assert_non_null(strstr(f->output, "\n  --check-config "));
        assert_non_null(strstr(f->output, "\n  --print-config "));
        assert_null(strstr(f->output, "template"));
        assert_int_equal(parse(f, "--print-man-page"), 1);
        assert_non_null(startswith(f->output, ".TH FLOWER\\-TEST 1 "));
        check_line(f, "\\fB\\-\\-check\\-config\\fR");
        assert_non_null(strstr(f->output, "\\fBtest.toml\\fR(5)"));
        assert_int_equal(parse(f, "--print-man-page-config"), 1);
        assert_non_null(startswith(f->output, ".TH TEST.TOML 5 "));
        check_line(f, "test.toml \\- configuration of flower\\-test");
        check_line(f, ".SS Apps\n.TP\n\\fBisolation\\fR = \\fIa string\\fR");
        check_line(f, "How apps run. One of: subprocess, process. Default: subprocess.");
        assert_null(strstr(f->output, ".SS Old"));
}

static void test_only_when_asked_for(void **state)
{
        Fixture *f = *state;
        Program plain = program;

        plain.config_file = NULL;
        f->program = &plain;
        assert_int_equal(parse(f, ""), -EINVAL);
        check_line(f, "flower-test: error: unrecognized arguments: --config");
        assert_int_equal(options_exit_status(f->result), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_values, setup, teardown),
                cmocka_unit_test_setup_teardown(test_precedence, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unknown_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(test_wrong_values, setup, teardown),
                cmocka_unit_test_setup_teardown(test_all_problems, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
                cmocka_unit_test_setup_teardown(test_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_table, setup, teardown),
                cmocka_unit_test_setup_teardown(test_print_config, setup, teardown),
                cmocka_unit_test_setup_teardown(test_template, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_only_when_asked_for, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
