#include "base/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/config-file.h"
#include "base/log.h"
#include "base/message-ids.h"

/* As argparse ends after a usage error. */
#define USAGE_STATUS 2

const Option options_builtin[_BUILTIN_MAX + 1] = {
        [BUILTIN_HELP] = {OPTION_FLAG, "help", 'h', .help = "Show this help and exit."},
        [BUILTIN_VERSION] = {OPTION_FLAG, "version", 'V', .help = "Show the version and exit."},
        [BUILTIN_CONFIG] = {OPTION_STRING, "config", .metavar = "FILE",
                .help = "Read settings from this file, and from the *.toml files of the directory beside it "
                        "that ends in .d; flags win.",
                .flags = OPTION_CONFIG_ONLY},
        [BUILTIN_CHECK_CONFIG] = {OPTION_FLAG, "check-config",
                .help = "Show everything that is wrong with the configuration and exit, with 78 if there is "
                        "something.",
                .flags = OPTION_CONFIG_ONLY},
        [BUILTIN_PRINT_CONFIG] = {OPTION_FLAG, "print-config",
                .help = "Show all settings with where each comes from (file and line, flag, default) and "
                        "exit.",
                .flags = OPTION_CONFIG_ONLY},
        [BUILTIN_MAN_PAGE] = {OPTION_FLAG, "print-man-page", .help = "Print the manual page.",
                .flags = OPTION_HIDDEN},
        [BUILTIN_CONFIG_TEMPLATE] = {OPTION_FLAG, "print-config-template",
                .help = "Print the configuration file as shipped.",
                .flags = OPTION_HIDDEN | OPTION_CONFIG_ONLY},
        [BUILTIN_CONFIG_MAN_PAGE] = {OPTION_FLAG, "print-man-page-config",
                .help = "Print the manual page of the configuration file.",
                .flags = OPTION_HIDDEN | OPTION_CONFIG_ONLY},
        [_BUILTIN_MAX] = {OPTION_END},
};

typedef struct Parser {
        const Program *program;
        void *args;
        char **rest;           /* arguments not looked at, NULL-terminated */
        OptionOrigin *origins; /* one a row of the program's table */
        char **positionals;
        unsigned n_positionals;
        const char *config_file;
        bool check_config, print_config;
        const Option *printer; /* a builtin row found on the way that ends the parsing */
} Parser;

static int usage_error(const Parser *p, const char *fmt, ...) _printf_(2, 3);
static int usage_error(const Parser *p, const char *fmt, ...)
{
        va_list ap;

        options_print_usage(p->program, stderr);
        fprintf(stderr, "%s: error: ", p->program->name);
        va_start(ap, fmt);
        vfprintf(stderr, fmt, ap);
        va_end(ap);
        fputc('\n', stderr);
        return -EINVAL;
}

static void warn_ignored(const Program *p, const Option *o)
{
        fprintf(stderr, "%s: warning: --%s: %s\n", p->name, o->name, strempty(o->help));
}

/* The i-th row of both tables together; NULL behind the last. */
static const Option *row_at(const Program *p, size_t i)
{
        for (size_t j = 0; p->options && p->options[j].kind != OPTION_END; j++)
                if (i-- == 0)
                        return &p->options[j];
        return i < _BUILTIN_MAX ? &options_builtin[i] : NULL;
}

static bool is_builtin(const Option *o)
{
        return o >= options_builtin && o < options_builtin + _BUILTIN_MAX;
}

static bool option_is_known(const Option *o, const Program *p)
{
        return option_is_row(o) && (!(o->flags & OPTION_CONFIG_ONLY) || p->config_file);
}

static const Option *find_short(const Program *p, char c)
{
        const Option *o;

        for (size_t i = 0; (o = row_at(p, i)); i++)
                if (option_is_known(o, p) && o->short_name && o->short_name == c)
                        return o;
        return NULL;
}

/* Whole name, or a prefix that fits only one row. Writes what fits to "all" when there are several. */
static const Option *find_long(const Program *p, const char *name, size_t len, Buf *all)
{
        const Option *o, *found = NULL;
        unsigned n = 0;

        for (size_t i = 0; (o = row_at(p, i)); i++) {
                if (!option_is_known(o, p) || strncmp(o->name, name, len) != 0)
                        continue;
                if (!o->name[len]) {
                        buf_done(all);
                        return o;
                }
                if (o->flags & OPTION_HIDDEN)
                        continue;
                (void) buf_printf(all, "%s--%s", n++ > 0 ? ", " : "", o->name);
                found = o;
        }
        if (n > 1)
                return NULL;
        buf_done(all);
        return found;
}

/* argparse takes "-5" and anything with a blank in it for a value. */
static bool looks_like_option(const char *s)
{
        if (s[0] != '-' || !s[1] || strchr(s, ' '))
                return false;
        return !(s[1 + strspn(s + 1, "0123456789.")] == 0);
}

static int store(Parser *p, const Option *o, const char *value)
{
        _cleanup_free_ char *why = NULL;
        int r;

        if (o->kind == OPTION_IGNORED)
                warn_ignored(p->program, o);
        r = value ? option_check(o, value, &why) : 0;
        if (r >= 0)
                r = option_store(o, value, p->args);
        return r < 0 ? usage_error(p, "argument --%s: %s", o->name, why ? why : strerrordesc_np(-r)) : 0;
}

static void take_builtin(Parser *p, const Option *o, const char *value)
{
        if (o == &options_builtin[BUILTIN_CONFIG])
                p->config_file = value;
        else if (o == &options_builtin[BUILTIN_CHECK_CONFIG])
                p->check_config = true;
        else if (o == &options_builtin[BUILTIN_PRINT_CONFIG])
                p->print_config = true;
        else
                p->printer = o;
}

static int take_option(Parser *p, const Option *o, const char *value)
{
        if (option_takes_value(o) && !value) {
                if (!*p->rest || looks_like_option(*p->rest))
                        return usage_error(p, "argument --%s: expected one argument", o->name);
                value = *p->rest++;
        }
        if (is_builtin(o)) {
                take_builtin(p, o, value);
                return 0;
        }
        p->origins[o - p->program->options].flag = true;
        return store(p, o, value);
}

static int take_long(Parser *p, const char *arg)
{
        const char *name = arg + 2, *value = strchr(name, '=');
        size_t len = value ? (size_t) (value - name) : strlen(name);
        _cleanup_buf_ Buf all = {};
        const Option *o = find_long(p->program, name, len, &all);

        if (all.size > 0)
                return usage_error(p, "ambiguous option: --%.*s could match %.*s", (int) len, name,
                        (int) all.size, (const char *) all.data);
        if (!o)
                return usage_error(p, "unrecognized arguments: %s", arg);
        if (value && !option_takes_value(o))
                return usage_error(p, "argument --%s: ignored explicit argument '%s'", o->name, value + 1);
        return take_option(p, o, value ? value + 1 : NULL);
}

/* "-x", "-x value", "-xvalue", "-xyz" for flags. */
static int take_short(Parser *p, const char *arg)
{
        for (const char *c = arg + 1; *c && !p->printer; c++) {
                const Option *o = find_short(p->program, *c);
                int r;

                if (!o)
                        return usage_error(p, "unrecognized arguments: %s", arg);
                if (option_takes_value(o))
                        return take_option(p, o, c[1] ? c + 1 + (c[1] == '=') : NULL);
                r = take_option(p, o, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_positional(Parser *p, char *arg)
{
        if (p->n_positionals >= p->program->max_positionals)
                return usage_error(p, "unrecognized arguments: %s", arg);
        p->positionals[p->n_positionals++] = arg;
        return 0;
}

static int take_all(Parser *p)
{
        bool only_positionals = false;
        int r = 0;

        while (r >= 0 && *p->rest && !p->printer) {
                char *arg = *p->rest++;

                if (!only_positionals && streq(arg, "--"))
                        only_positionals = true;
                else if (only_positionals || !looks_like_option(arg))
                        r = take_positional(p, arg);
                else if (startswith(arg, "--"))
                        r = take_long(p, arg);
                else
                        r = take_short(p, arg);
        }
        return r;
}

static int check_complete(const Parser *p)
{
        _cleanup_buf_ Buf missing = {};

        for (size_t i = 0; p->program->options && p->program->options[i].kind != OPTION_END; i++)
                if ((p->program->options[i].flags & OPTION_REQUIRED) && !p->origins[i].flag &&
                        !p->origins[i].file)
                        (void) buf_printf(&missing, "%s--%s", missing.size > 0 ? ", " : "",
                                p->program->options[i].name);
        if (p->n_positionals < p->program->min_positionals)
                (void) buf_printf(
                        &missing, "%s%s", missing.size > 0 ? ", " : "", strempty(p->program->positionals));
        if (missing.size == 0)
                return 0;
        return usage_error(p, "the following arguments are required: %.*s", (int) missing.size,
                (const char *) missing.data);
}

static void run_printer(const Program *p, const Option *o)
{
        if (o == &options_builtin[BUILTIN_HELP])
                options_print_help(p, stdout);
        else if (o == &options_builtin[BUILTIN_VERSION])
                printf("Flower version: %s\n", PACKAGE_VERSION);
        else if (o == &options_builtin[BUILTIN_CONFIG_TEMPLATE])
                options_print_config_file(p, stdout);
        else
                options_print_man(p, stdout,
                        o == &options_builtin[BUILTIN_CONFIG_MAN_PAGE] ? MAN_SECTION_CONFIG : MAN_SECTION);
}

/* ---- configuration files ---- */

/* A daemon's problems belong into its log; whoever asks for them gets them plain. */
static int report_problems(const Parser *p, char *problems)
{
        for (char *line; (line = strsep(&problems, "\n"));)
                if (isempty(line))
                        continue;
                else if (p->check_config || p->print_config)
                        fprintf(stderr, "%s\n", line);
                else
                        log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CONFIGURATION_REFUSED},
                                "%s", line);
        return -EBADMSG;
}

static int load_config(Parser *p)
{
        _cleanup_free_ char *problems = NULL;
        int r;

        if (!p->config_file)
                return 0;
        r = config_files_load(p->program, p->config_file, p->args, p->origins, &problems);
        if (r >= 0 && p->program->check)
                r = p->program->check(p->args, &problems);
        if (r == -EBADMSG || r == -EINVAL)
                return report_problems(p, problems);
        if (r < 0)
                return log_error_errno(r, "Cannot read the configuration");
        for (size_t i = 0; i < options_count(p->program); i++)
                if (p->program->options[i].kind == OPTION_IGNORED && p->origins[i].file)
                        warn_ignored(p->program, &p->program->options[i]);
        return 0;
}

static int parse(Parser *p)
{
        int r;

        r = take_all(p);
        if (r < 0)
                return r;
        if (p->printer) {
                run_printer(p->program, p->printer);
                return 1;
        }
        r = load_config(p);
        if (r < 0)
                return r;
        r = check_complete(p);
        if (r < 0)
                return r;
        if (p->print_config)
                options_print_settings(p->program, p->args, p->origins, stdout);
        return p->check_config || p->print_config;
}

int options_parse(const Program *program, int argc, char *argv[], void *args, char ***ret_positionals)
{
        _cleanup_free_ char **positionals = NULL;
        _cleanup_free_ OptionOrigin *origins = NULL;
        Parser p;
        int r;

        positionals = new0(char *, (size_t) MAX(argc, 1));
        origins = new0(OptionOrigin, options_count(program));
        if (!positionals || !origins)
                return -ENOMEM;
        p = (Parser){
                .program = program,
                .args = args,
                .rest = argc > 0 ? argv + 1 : argv,
                .origins = origins,
                .positionals = positionals,
        };
        r = parse(&p);
        for (size_t i = 0; i < options_count(program); i++)
                free(origins[i].file);
        if (r == 0)
                *ret_positionals = TAKE_PTR(positionals);
        return r;
}

int options_exit_status(int r)
{
        return r > 0 ? EX_OK : r == -EBADMSG ? EX_CONFIG : USAGE_STATUS;
}

char **options_free_strings(char **l)
{
        for (size_t i = 0; l && l[i]; i++)
                free(l[i]);
        return mfree(l);
}
