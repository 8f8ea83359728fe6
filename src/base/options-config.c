/* The configuration file as shipped, and the settings in force. */
#include <stdio.h>

#include "base/config-file.h"

#define COMMENT "# "

static void print_key(const Option *o, const char *value, FILE *f)
{
        fprintf(f, "%s = %s\n", o->name, value);
}

/* Help, and what the line below it does not say about the default. */
static void print_comment(const Option *o, FILE *f)
{
        bool untold = o->fallback && (o->packaged || !option_fallback_is_value(o));
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ Buf choices = {};

        for (size_t i = 0; o->kind == OPTION_CHOICE && o->choices[i]; i++)
                (void) buf_printf(&choices, "%s%s", i > 0 ? ", " : " One of: ", o->choices[i]);
        text = xasprintf("%s%.*s%s%s%s%s", strempty(o->help), (int) choices.size, (char *) choices.data,
                choices.size > 0 ? "." : "", untold ? " Default: " : "", untold ? o->fallback : "",
                untold ? "." : "");
        if (!text)
                return;
        fputs(COMMENT, f);
        options_print_wrapped(f, text, COMMENT, strlen(COMMENT));
}

static void print_template_row(const Option *o, FILE *f)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *value = NULL;
        int r;

        r = o->packaged ? option_append_text(o, o->packaged, &b) : option_append_default(o, &b);
        value = r < 0 ? NULL : buf_steal_str(&b);
        if (!value)
                return;
        fputc('\n', f);
        print_comment(o, f);
        if (!o->packaged)
                fputs(COMMENT, f);
        print_key(o, value, f);
}

static bool group_has_keys(const Option *group)
{
        for (const Option *o = group + 1; option_is_row(o); o++)
                if (option_is_key(o))
                        return true;
        return false;
}

void options_print_config_file(const Program *p, FILE *f)
{
        _cleanup_free_ char *directory = NULL, *text = NULL;
        const char *name = strrchr(p->config_file, '/');

        directory = config_dropin_directory(p->config_file);
        text = xasprintf("Configuration of %s, in TOML; see %s(5). Every key is the name of a flag without "
                         "its dashes. Lines that are commented out show the defaults; an empty string "
                         "stands for the default.",
                p->name, name ? name + 1 : p->config_file);
        if (!directory || !text)
                return;
        fputs(COMMENT, f);
        options_print_wrapped(f, text, COMMENT, strlen(COMMENT));
        fprintf(f,
                "#\n# Changes belong into files of their own, %s/*.toml: they are\n"
                "# read after this one, in the order of their names.\n",
                directory);
        for (const Option *o = p->options; o->kind != OPTION_END; o++)
                if (o->kind == OPTION_GROUP && group_has_keys(o))
                        fprintf(f, "\n\n## %s\n", o->help);
                else if (option_is_key(o))
                        print_template_row(o, f);
}

static int append_setting(const Option *o, const void *args, const OptionOrigin *origin, Buf *b)
{
        int r;

        r = origin->flag || origin->file ? option_append_value(o, args, b) : option_append_default(o, b);
        if (r < 0)
                return r;
        if (origin->flag)
                return buf_append_str(b, "  # flag");
        if (origin->file)
                return buf_printf(b, "  # %s:%u", origin->file, origin->line);
        return buf_printf(b, "  # default%s%s", o->fallback && !option_fallback_is_value(o) ? ": " : "",
                option_fallback_is_value(o) ? "" : strempty(o->fallback));
}

void options_print_settings(const Program *p, const void *args, const OptionOrigin *origins, FILE *f)
{
        for (size_t i = 0; i < options_count(p); i++) {
                const Option *o = &p->options[i];
                _cleanup_free_ char *value = NULL;
                _cleanup_buf_ Buf b = {};

                if (!option_is_key(o) || append_setting(o, args, &origins[i], &b) < 0)
                        continue;
                value = buf_steal_str(&b);
                if (value)
                        print_key(o, value, f);
        }
}
