/* What the parser, the loader of configuration files and the printers of the option table share. */
#pragma once

#include "base/buf.h"
#include "base/options.h"

typedef struct TomlNode TomlNode;

/* The rows that programs have beside their own, in a table like theirs. */
enum {
        BUILTIN_HELP,
        BUILTIN_VERSION,
        BUILTIN_CONFIG,
        BUILTIN_CHECK_CONFIG,
        BUILTIN_PRINT_CONFIG,
        BUILTIN_MAN_PAGE,
        BUILTIN_CONFIG_TEMPLATE,
        BUILTIN_CONFIG_MAN_PAGE,
        _BUILTIN_MAX,
};
extern const Option options_builtin[_BUILTIN_MAX + 1];
/* Row flag of those for programs with a config_file only. */
#define OPTION_CONFIG_ONLY (1u << 31)

/* Sections of the two pages. */
#define MAN_SECTION 1
#define MAN_SECTION_CONFIG 5

/* Where the value of a row comes from; neither flag nor file: it is the default. */
typedef struct OptionOrigin {
        bool flag;
        char *file; /* owned */
        unsigned line;
} OptionOrigin;

/* In any language: toupper() in Turkish leaves an i alone. */
static inline char option_upper(char c)
{
        return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

static inline bool option_is_row(const Option *o)
{
        return o->kind != OPTION_GROUP && o->kind != OPTION_END;
}

static inline bool option_takes_value(const Option *o)
{
        return o->kind != OPTION_FLAG && (o->kind != OPTION_IGNORED || o->metavar);
}

static inline bool option_is_shown(const Option *o, const Program *p)
{
        return !(o->flags & OPTION_HIDDEN) && (!(o->flags & OPTION_CONFIG_ONLY) || p->config_file);
}

/* Shown as a key of the configuration file; ignored rows are accepted there, too, but not advertised. */
static inline bool option_is_key(const Option *o)
{
        return option_is_row(o) && o->kind != OPTION_IGNORED && !(o->flags & OPTION_HIDDEN);
}

static inline size_t options_count(const Program *p)
{
        size_t n = 0;

        while (p->options && p->options[n].kind != OPTION_END)
                n++;
        return n;
}

/* options-value.c: what a row takes, as text and as TOML. */

/* -EINVAL with *reterr_text, for people, without the row's name. */
int option_check(const Option *o, const char *value, char **reterr_text);
/* The value was checked; NULL sets a flag. Lists grow by it. 0 or -ENOMEM. */
int option_store(const Option *o, const char *value, void *args);
/* A value of a configuration file as the texts that the flag would take, checked. *ret is NULL-terminated,
 * for options_free_strings(). -EINVAL with *reterr_text, -ENOMEM. */
int option_texts_from_toml(const Option *o, const TomlNode *node, char ***ret, char **reterr_text);
/* Words for "must be ...". */
const char *option_type_words(const Option *o);
/* Is the fallback a value, or only words about it? */
bool option_fallback_is_value(const Option *o);
/* The value as TOML. Where the default is no value, it is written as "" (for a list: []), which stands for
 * the default in files. */
int option_append_default(const Option *o, Buf *b);
int option_append_value(const Option *o, const void *args, Buf *b);
int option_append_text(const Option *o, const char *text, Buf *b);

/* options-help.c */

/* The word for its value: metavar, "{a,b}" of the choices, or one made from the name. NULL when out of
 * memory. */
char *option_value_word(const Option *o);
void options_print_usage(const Program *p, FILE *f);
/* Words of text from column on, the cursor being there already; further lines start with "prefix", padded to
 * column. Ends the line. */
void options_print_wrapped(FILE *f, const char *text, const char *prefix, size_t column);

/* options-config.c: what is in force, a line for each key with where it comes from. */
void options_print_settings(const Program *p, const void *args, const OptionOrigin *origins, FILE *f);
