#include "base/config-file.h"

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

static const Option *print_rows(const Program *p, const Option *o, FILE *f)
{
        for (; option_is_row(o); o++)
                if (option_is_shown(o, p))
                        print_row(o, f);
        return o;
}

static void print_options(const Program *p, FILE *f)
{
        const Option *o = p->options;

        fputs(".SH OPTIONS\n", f);
        print_rows(p, options_builtin, f);
        if (o)
                o = print_rows(p, o, f);
        while (o && o->kind == OPTION_GROUP) {
                fputs(".SS ", f);
                print_string(f, o->help);
                fputc('\n', f);
                o = print_rows(p, o + 1, f);
        }
}

/* "flwr run" has the page "flwr-run". */
static void print_page_name(FILE *f, const char *name, bool upper)
{
        for (const char *c = name; *c; c++)
                if (*c == ' ' || *c == '-')
                        fputs("\\-", f);
                else
                        fputc(upper ? option_upper(*c) : *c, f);
}

/* Ends inside of the line of NAME, before what the thing is. */
static void print_heading(FILE *f, const char *name, int section)
{
        fputs(".TH ", f);
        print_page_name(f, name, true);
        fprintf(f, " %d \"\" \"%s %s\" \"Flower\"\n", section, PACKAGE_NAME, PACKAGE_VERSION);
        fputs(".SH NAME\n", f);
        print_page_name(f, name, false);
        fputs(" \\- ", f);
}

static void print_synopsis(const Program *p, FILE *f)
{
        fputs("\n.SH SYNOPSIS\n\\fB", f);
        print_string(f, p->name);
        fputs("\\fR [\\fIOPTION\\fR]...", f);
        if (p->positionals) {
                fputc(' ', f);
                print_string(f, p->positionals);
        }
        fputc('\n', f);
}

/* The page of the configuration file has the file's name. */
static const char *config_page(const Program *p)
{
        const char *slash = strrchr(p->config_file, '/');

        return slash ? slash + 1 : p->config_file;
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

static void print_reference(FILE *f, const char **separator, const char *name, int section)
{
        fprintf(f, "%s\\fB", *separator);
        print_string(f, name);
        fprintf(f, "\\fR(%d)", section);
        *separator = ", ";
}

static void print_see_also(const Program *p, FILE *f, int section)
{
        const char *separator = "";

        fputs(".SH SEE ALSO\n", f);
        if (section == MAN_SECTION_CONFIG)
                print_reference(f, &separator, p->name, MAN_SECTION);
        else if (p->config_file)
                print_reference(f, &separator, config_page(p), MAN_SECTION_CONFIG);
        for (size_t i = 0; i < ELEMENTSOF(see_also); i++)
                if (!streq(see_also[i], p->name))
                        print_reference(f, &separator, see_also[i], MAN_SECTION);
        fputc('\n', f);
}

/* ---- section 5 ---- */

static void print_config_key(const Option *o, FILE *f)
{
        fputs(".TP\n\\fB", f);
        print_string(f, o->name);
        fputs("\\fR = \\fI", f);
        print_string(f, option_type_words(o));
        fputs("\\fR\n", f);
        print_string(f, isempty(o->help) ? "No description." : o->help);
        for (size_t i = 0; o->kind == OPTION_CHOICE && o->choices[i]; i++) {
                fputs(i > 0 ? ", " : " One of: ", f);
                print_string(f, o->choices[i]);
                fputs(o->choices[i + 1] ? "" : ".", f);
        }
        if (o->fallback) {
                fputs(" Default: ", f);
                print_string(f, o->fallback);
                fputc('.', f);
        }
        fputc('\n', f);
}

static void print_config_keys(const Program *p, FILE *f)
{
        const Option *heading = NULL;

        fputs(".SH OPTIONS\n", f);
        for (const Option *o = p->options; o->kind != OPTION_END; o++) {
                if (o->kind == OPTION_GROUP)
                        heading = o;
                if (!option_is_key(o))
                        continue;
                if (heading) {
                        fputs(".SS ", f);
                        print_string(f, heading->help);
                        fputc('\n', f);
                        heading = NULL;
                }
                print_config_key(o, f);
        }
}

static void print_config_rules(const Program *p, FILE *f)
{
        bool tables = false;

        for (const Option *o = p->options; o->kind != OPTION_END; o++)
                tables = tables || (o->flags & OPTION_TABLE);
        fputs(".SH DESCRIPTION\n.PP\nThe file is TOML. Every key is the name of a flag of \\fB", f);
        print_string(f, p->name);
        fputs("\\fR(1) without its dashes. It is read only when \\fB\\-\\-config\\fR names it, as the "
              "systemd units do; then the \\fI*.toml\\fR files of the directory beside it are read, too, in "
              "the order of their names.\n"
              ".PP\nThe later of these wins: the default, the file, the files of the directory, flags. "
              "Lists "
              "and tables replace earlier ones as a whole. An empty string stands for the default.\n",
                f);
        if (tables)
                fputs(".PP\nTOML counts everything behind the heading of a table to it: a table stands last "
                      "in its file.\n",
                        f);
        fputs(".PP\nUnknown keys and values of the wrong type are errors: the program does not start. "
              "\\fB\\-\\-check\\-config\\fR shows them all, \\fB\\-\\-print\\-config\\fR shows each setting "
              "with the line or flag that it comes from.\n",
                f);
}

static void print_config_page(const Program *p, FILE *f)
{
        _cleanup_free_ char *directory = config_dropin_directory(p->config_file);

        print_heading(f, config_page(p), MAN_SECTION_CONFIG);
        fputs("configuration of ", f);
        print_string(f, p->name);
        fputs("\n.SH SYNOPSIS\n\\fI", f);
        print_string(f, p->config_file);
        fputs("\\fR\n.br\n\\fI", f);
        print_string(f, strempty(directory));
        fputs("/*.toml\\fR\n", f);
        print_config_rules(p, f);
        print_config_keys(p, f);
        print_see_also(p, f, MAN_SECTION_CONFIG);
}

static void print_program_page(const Program *p, FILE *f, int section)
{
        print_heading(f, p->name, section);
        print_string(f, p->summary);
        print_synopsis(p, f);
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
        print_see_also(p, f, section);
}

void options_print_man(const Program *p, FILE *f, int section)
{
        if (section == MAN_SECTION_CONFIG)
                print_config_page(p, f);
        else
                print_program_page(p, f, section);
}
