/* The command line of every program, and its man page, from one table.
 *
 * Rules are argparse's, since that is what users of genuine Flower know: "--flag value" and "--flag=value",
 * unambiguous prefixes of long flags, "-h/--help" and "-V/--version" everywhere, a usage error prints the
 * usage to stderr and ends with 2. */
#pragma once

#include <stdio.h>

#include "base/macro.h"

typedef enum OptionKind {
        OPTION_END,     /* ends the table */
        OPTION_GROUP,   /* "help" is the heading of the rows that follow */
        OPTION_FLAG,    /* bool *   : set true */
        OPTION_STRING,  /* char **  : owned copy */
        OPTION_STRINGS, /* char *** : NULL-terminated list, repeatable; freed with options_free_strings() */
        OPTION_UINT,    /* uint64_t * */
        OPTION_DOUBLE,  /* double *, >= 0 */
        OPTION_CHOICE,  /* char **  : one of "choices" */
        OPTION_IGNORED, /* takes a value if "metavar" is set; accepted for compatibility, reported through
                           "help" */
} OptionKind;

#define OPTION_REQUIRED (1u << 0) /* missing: usage error */
#define OPTION_HIDDEN (1u << 1)   /* not in --help and man page */

typedef struct Option {
        OptionKind kind;
        const char *name;           /* long name without "--" */
        char short_name;            /* or 0 */
        const char *metavar;        /* for the help: "FILE" */
        const char *fallback;       /* the default as text for help and man page, or NULL */
        const char *const *choices; /* NULL-terminated, OPTION_CHOICE */
        const char *help;           /* one or two sentences, for people */
        size_t offset;              /* of the variable in the program's arguments struct */
        unsigned flags;
} Option;

typedef struct Program {
        const char *name;        /* "flower-superlink" or "flwr run" */
        const char *summary;     /* one line */
        const char *description; /* paragraphs for the man page, separated by blank lines */
        const char *positionals; /* "[APP] [FEDERATION]", or NULL: none allowed */
        unsigned min_positionals, max_positionals;
        const Option *options;
        const char *exit_status; /* paragraph for the man page, or NULL: the common one */
        const char *examples;    /* literal lines for help and man page, or NULL */
} Program;

/* Fills args (by the rows' offsets). Returns
 *   0  go on; *ret_positionals = NULL-terminated list into argv (owned by the caller: free() the list only)
 *   1  help or version was printed: exit 0
 *  <0  a usage error was printed: exit 2 */
int options_parse(const Program *p, int argc, char *argv[], void *args, char ***ret_positionals);
void options_print_help(const Program *p, FILE *f);
void options_print_man(const Program *p, FILE *f, int section); /* a complete roff page */
char **options_free_strings(char **l);
/* Grouped table rows that every program has are added by the parser: --help, --version, and the hidden
 * --print-man-page. */
