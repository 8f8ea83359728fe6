/* What the parser and the two printers of the option table share. */
#pragma once

#include "base/options.h"

/* The rows that every program has, in a table like the program's own. */
enum {
        BUILTIN_HELP,
        BUILTIN_VERSION,
        BUILTIN_MAN_PAGE,
        _BUILTIN_MAX,
};
extern const Option options_builtin[_BUILTIN_MAX + 1];

static inline bool option_is_row(const Option *o)
{
        return o->kind != OPTION_GROUP && o->kind != OPTION_END;
}

static inline bool option_takes_value(const Option *o)
{
        return o->kind != OPTION_FLAG && (o->kind != OPTION_IGNORED || o->metavar);
}

/* The word for its value: metavar, "{a,b}" of the choices, or one made from the name. NULL when out of
 * memory. */
char *option_value_word(const Option *o);
void options_print_usage(const Program *p, FILE *f);
