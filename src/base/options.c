#include "base/options.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/options-internal.h"
#include "base/text.h"

/* Section of the pages that --print-man-page gives. */
#define MAN_SECTION 1

const Option options_builtin[_BUILTIN_MAX + 1] = {
        [BUILTIN_HELP] = {OPTION_FLAG, "help", 'h', .help = "Show this help and exit."},
        [BUILTIN_VERSION] = {OPTION_FLAG, "version", 'V', .help = "Show the version and exit."},
        [BUILTIN_MAN_PAGE] = {OPTION_FLAG, "print-man-page", .help = "Print the manual page.",
                .flags = OPTION_HIDDEN},
        [_BUILTIN_MAX] = {OPTION_END},
};

typedef struct Parser {
        const Program *program;
        void *args;
        char **rest; /* arguments not looked at, NULL-terminated */
        bool *seen;  /* a flag for each row of the program's table */
        char **positionals;
        unsigned n_positionals;
        const Option *builtin; /* found on the way: ends the parsing */
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

static const Option *find_short(const Program *p, char c)
{
        const Option *o;

        for (size_t i = 0; (o = row_at(p, i)); i++)
                if (option_is_row(o) && o->short_name && o->short_name == c)
                        return o;
        return NULL;
}

/* Whole name, or a prefix that fits only one row. Writes what fits to "all" when there are several. */
static const Option *find_long(const Program *p, const char *name, size_t len, Buf *all)
{
        const Option *o, *found = NULL;
        unsigned n = 0;

        for (size_t i = 0; (o = row_at(p, i)); i++) {
                if (!option_is_row(o) || strncmp(o->name, name, len) != 0)
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

static int append_string(char ***l, const char *value)
{
        size_t n = 0;
        char **longer;

        while (*l && (*l)[n])
                n++;
        longer = reallocarray(*l, n + 2, sizeof(char *));
        if (!longer)
                return -ENOMEM;
        *l = longer;
        longer[n] = strdup(value);
        if (!longer[n])
                return -ENOMEM;
        longer[n + 1] = NULL;
        return 0;
}

static int check_choice(const Parser *p, const Option *o, const char *value)
{
        _cleanup_buf_ Buf b = {};

        for (const char *const *c = o->choices; *c; c++) {
                if (streq(*c, value))
                        return 0;
                (void) buf_printf(&b, "%s'%s'", c == o->choices ? "" : ", ", *c);
        }
        return usage_error(p, "argument --%s: invalid choice: '%s' (choose from %.*s)", o->name, value,
                (int) b.size, (const char *) b.data);
}

static int store(Parser *p, const Option *o, const char *value)
{
        void *variable = (char *) p->args + o->offset;
        double d;
        int r = 0;

        switch (o->kind) {
        case OPTION_FLAG:
                *(bool *) variable = true;
                break;
        case OPTION_CHOICE:
                r = check_choice(p, o, value);
                if (r < 0)
                        return r;
                r = free_and_strdup(variable, value);
                break;
        case OPTION_STRING:
                r = free_and_strdup(variable, value);
                break;
        case OPTION_STRINGS:
                r = append_string(variable, value);
                break;
        case OPTION_UINT:
                if (parse_u64(value, variable) < 0)
                        return usage_error(p, "argument --%s: invalid int value: '%s'", o->name, value);
                break;
        case OPTION_DOUBLE:
                if (parse_double(value, &d) < 0 || d < 0)
                        return usage_error(p, "argument --%s: invalid float value: '%s'", o->name, value);
                *(double *) variable = d;
                break;
        case OPTION_IGNORED:
                fprintf(stderr, "%s: warning: --%s: %s\n", p->program->name, o->name, strempty(o->help));
                break;
        case OPTION_END:
        case OPTION_GROUP:
                break;
        }
        return r < 0 ? usage_error(p, "argument --%s: %s", o->name, strerrordesc_np(-r)) : 0;
}

static int take_option(Parser *p, const Option *o, const char *value)
{
        if (is_builtin(o)) {
                p->builtin = o;
                return 0;
        }
        if (option_takes_value(o) && !value) {
                if (!*p->rest || looks_like_option(*p->rest))
                        return usage_error(p, "argument --%s: expected one argument", o->name);
                value = *p->rest++;
        }
        p->seen[o - p->program->options] = true;
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
        for (const char *c = arg + 1; *c && !p->builtin; c++) {
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

        while (r >= 0 && *p->rest && !p->builtin) {
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
                if ((p->program->options[i].flags & OPTION_REQUIRED) && !p->seen[i])
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

static int run_builtin(const Program *p, const Option *o)
{
        if (o == &options_builtin[BUILTIN_HELP])
                options_print_help(p, stdout);
        else if (o == &options_builtin[BUILTIN_VERSION])
                printf("Flower version: %s\n", PACKAGE_VERSION);
        else
                options_print_man(p, stdout, MAN_SECTION);
        return 1;
}

int options_parse(const Program *program, int argc, char *argv[], void *args, char ***ret_positionals)
{
        _cleanup_free_ char **positionals = NULL;
        _cleanup_free_ bool *seen = NULL;
        size_t n_rows = 0;
        Parser p;
        int r;

        while (program->options && program->options[n_rows].kind != OPTION_END)
                n_rows++;
        positionals = new0(char *, (size_t) MAX(argc, 1));
        seen = new0(bool, n_rows);
        if (!positionals || !seen)
                return -ENOMEM;
        p = (Parser){
                .program = program,
                .args = args,
                .rest = argc > 0 ? argv + 1 : argv,
                .seen = seen,
                .positionals = positionals,
        };
        r = take_all(&p);
        if (r < 0)
                return r;
        if (p.builtin)
                return run_builtin(program, p.builtin);
        r = check_complete(&p);
        if (r < 0)
                return r;
        *ret_positionals = TAKE_PTR(positionals);
        return 0;
}

char **options_free_strings(char **l)
{
        for (size_t i = 0; l && l[i]; i++)
                free(l[i]);
        return mfree(l);
}
