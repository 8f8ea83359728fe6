#include <ctype.h>

#include "base/options-internal.h"

static const char common_exit_status[] =
        "0 after success or a graceful end, 2 after a usage error, otherwise a number of sysexits.h. "
        "Where genuine Flower has an exit code for the error, the message names it as \"Exit Code: NNN\".";

static const char *const see_also[] = {
        "flower-superexec", "flower-superlink", "flower-supernode", "flwr", "flwr-provision"};

/* Text for roff: nothing in it is a request or an escape, and "-" stays what a shell understands. */
static void print_text(FILE *f, const char *s, size_t n)
{
        bool line_start = true;

        for (size_t i = 0; i < n; i++) {
                if (line_start && (s[i] == '.' || s[i] == '\''))
                        fputs("\\&", f);
                if (s[i] == '\\')
                        fputs("\\e", f);
                else if (s[i] == '-')
                        fputs("\\-", f);
                else
                        fputc(s[i], f);
                line_start = s[i] == '\n';
        }
}

static void print_string(FILE *f, const char *s)
{
        print_text(f, s, strlen(s));
}

static void print_paragraphs(FILE *f, const char *text)
{
        while (*(text += strspn(text, "\n"))) {
                const char *end = strstr(text, "\n\n");
                size_t n = end ? (size_t) (end - text) : strlen(text);

                fputs(".PP\n", f);
                print_text(f, text, n);
                if (n > 0 && text[n - 1] != '\n')
                        fputc('\n', f);
                text += n;
        }
}

static void print_row(const Option *o, FILE *f)
{
        _cleanup_free_ char *word = option_takes_value(o) ? option_value_word(o) : NULL;

        fputs(".TP\n", f);
        if (o->short_name)
                fprintf(f, "\\fB\\-%c\\fR, ", o->short_name);
        fputs("\\fB\\-\\-", f);
        print_string(f, o->name);
        fputs("\\fR", f);
        if (word) {
                fputs(" \\fI", f);
                print_string(f, word);
                fputs("\\fR", f);
        }
        fputc('\n', f);
        print_string(f, isempty(o->help) ? "No description." : o->help);
        if (o->fallback) {
                fputs(" Default: ", f);
                print_string(f, o->fallback);
                fputc('.', f);
        }
        if (o->flags & OPTION_REQUIRED)
                fputs(" Required.", f);
        fputc('\n', f);
}

static const Option *print_rows(const Option *o, FILE *f)
{
        for (; option_is_row(o); o++)
                if (!(o->flags & OPTION_HIDDEN))
                        print_row(o, f);
        return o;
}

static void print_options(const Program *p, FILE *f)
{
        const Option *o = p->options;

        fputs(".SH OPTIONS\n", f);
        print_rows(options_builtin, f);
        if (o)
                o = print_rows(o, f);
        while (o && o->kind == OPTION_GROUP) {
                fputs(".SS ", f);
                print_string(f, o->help);
                fputc('\n', f);
                o = print_rows(o + 1, f);
        }
}

/* "flwr run" has the page "flwr-run". */
static void print_heading(const Program *p, FILE *f, int section)
{
        fputs(".TH ", f);
        for (const char *c = p->name; *c; c++)
                if (*c == ' ' || *c == '-')
                        fputs("\\-", f);
                else
                        fputc(toupper((unsigned char) *c), f);
        fprintf(f, " %d \"\" \"%s %s\" \"Flower\"\n", section, PACKAGE_NAME, PACKAGE_VERSION);
        fputs(".SH NAME\n", f);
        for (const char *c = p->name; *c; c++)
                if (*c == ' ' || *c == '-')
                        fputs("\\-", f);
                else
                        fputc(*c, f);
        fputs(" \\- ", f);
        print_string(f, p->summary);
        fputs("\n.SH SYNOPSIS\n\\fB", f);
        print_string(f, p->name);
        fputs("\\fR [\\fIOPTION\\fR]...", f);
        if (p->positionals) {
                fputc(' ', f);
                print_string(f, p->positionals);
        }
        fputc('\n', f);
}

static void print_environment(FILE *f)
{
        fputs(".SH ENVIRONMENT\n"
              ".TP\n\\fBFLWR_HOME\\fR\nFlower's home directory. Default: ~/.flwr.\n"
              ".TP\n\\fBFLWR_LOG_LEVEL\\fR\nThreshold of log messages: debug, info, warning or error. "
              "Default: info.\n"
              ".SH FILES\n"
              ".TP\n\\fI~/.flwr\\fR\nState, installed apps and connections of the user, unless FLWR_HOME is "
              "set.\n",
                f);
}

static void print_see_also(const Program *p, FILE *f)
{
        const char *separator = "";

        fputs(".SH SEE ALSO\n", f);
        for (size_t i = 0; i < ELEMENTSOF(see_also); i++) {
                if (streq(see_also[i], p->name))
                        continue;
                fprintf(f, "%s\\fB", separator);
                print_string(f, see_also[i]);
                fputs("\\fR(1)", f);
                separator = ", ";
        }
        fputc('\n', f);
}

void options_print_man(const Program *p, FILE *f, int section)
{
        print_heading(p, f, section);
        if (p->description) {
                fputs(".SH DESCRIPTION\n", f);
                print_paragraphs(f, p->description);
        }
        print_options(p, f);
        fputs(".SH EXIT STATUS\n", f);
        print_paragraphs(f, p->exit_status ? p->exit_status : common_exit_status);
        print_environment(f);
        if (p->examples) {
                fputs(".SH EXAMPLES\n.nf\n", f);
                print_string(f, p->examples);
                fprintf(f, "%s.fi\n", endswith(p->examples, "\n") ? "" : "\n");
        }
        print_see_also(p, f);
}
