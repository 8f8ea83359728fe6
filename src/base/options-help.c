#include "base/buf.h"
#include "base/options-internal.h"

/* As argparse lays its help out. */
#define HELP_WIDTH 79
#define HELP_COLUMN 24

char *option_value_word(const Option *o)
{
        _cleanup_buf_ Buf b = {};
        char *s;

        if (o->metavar)
                return strdup(o->metavar);
        if (o->choices) {
                for (size_t i = 0; o->choices[i]; i++)
                        if (buf_printf(&b, "%s%s", i == 0 ? "{" : ",", o->choices[i]) < 0)
                                return NULL;
                if (buf_append_str(&b, "}") < 0)
                        return NULL;
                return buf_steal_str(&b);
        }
        s = strdup(o->name);
        for (char *c = s; c && *c; c++)
                *c = *c == '-' ? '_' : option_upper(*c);
        return s;
}

void options_print_usage(const Program *p, FILE *f)
{
        fprintf(f, "usage: %s [OPTION]...%s%s\n", p->name, p->positionals ? " " : "",
                strempty(p->positionals));
}

void options_print_wrapped(FILE *f, const char *text, const char *prefix, size_t column)
{
        size_t at = column;

        while (*(text += strspn(text, " \n"))) {
                size_t n = strcspn(text, " \n");

                if (at > column && at + 1 + n > HELP_WIDTH) {
                        fprintf(f, "\n%-*s", (int) column, prefix);
                        at = column;
                }
                if (at > column) {
                        fputc(' ', f);
                        at++;
                }
                fwrite(text, 1, n, f);
                at += n;
                text += n;
        }
        fputc('\n', f);
}

static void print_row(const Option *o, FILE *f)
{
        _cleanup_free_ char *word = NULL, *head = NULL, *text = NULL;
        char short_form[8] = "";

        word = option_takes_value(o) ? option_value_word(o) : NULL;
        if (o->short_name)
                (void) snprintf(short_form, sizeof(short_form), "-%c, ", o->short_name);
        head = xasprintf("  %s--%s%s%s", short_form, o->name, word ? " " : "", strempty(word));
        text = xasprintf("%s%s%s%s", strempty(o->help), o->fallback ? " (default: " : "",
                strempty(o->fallback), o->fallback ? ")" : "");
        if (!head || !text)
                return;
        if (!*text) {
                fprintf(f, "%s\n", head);
                return;
        }
        if (strlen(head) + 2 > HELP_COLUMN)
                fprintf(f, "%s\n%*s", head, HELP_COLUMN, "");
        else
                fprintf(f, "%-*s", HELP_COLUMN, head);
        options_print_wrapped(f, text, "", HELP_COLUMN);
}

/* Prints the rows up to the next group or the end, gives what ended them. */
static const Option *print_rows(const Program *p, const Option *o, FILE *f)
{
        for (; option_is_row(o); o++)
                if (option_is_shown(o, p))
                        print_row(o, f);
        return o;
}

void options_print_help(const Program *p, FILE *f)
{
        const Option *o = p->options;

        options_print_usage(p, f);
        fputc('\n', f);
        options_print_wrapped(f, p->summary, "", 0);
        fputs("\noptions:\n", f);
        print_rows(p, options_builtin, f);
        if (o)
                o = print_rows(p, o, f);
        while (o && o->kind == OPTION_GROUP) {
                fprintf(f, "\n%s:\n", o->help);
                o = print_rows(p, o + 1, f);
        }
        if (p->examples)
                fprintf(f, "\nexamples:\n%s%s", p->examples, endswith(p->examples, "\n") ? "" : "\n");
}
