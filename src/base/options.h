/* The command line of every program, its configuration file and its man pages, from one table.
 *
 * Rules are argparse's, since that is what users of genuine Flower know: "--flag value" and "--flag=value",
 * unambiguous prefixes of long flags, "-h/--help" and "-V/--version" everywhere, a usage error prints the
 * usage to stderr and ends with 2.
 *
 * A program with a config_file also has "--config FILE": every key in it is the name of a flag without its
 * dashes (base/config-file.h has the rules). Flags win over files, files over defaults. */
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
#define OPTION_HIDDEN (1u << 1)   /* not in --help, man pages and the commented file */
#define OPTION_NUMBER (1u << 2)   /* OPTION_STRING with the text of a number >= 0; a number in a file */
#define OPTION_TABLE (1u << 3)    /* OPTION_STRING of key=value pairs; in a file a table may stand for it */

typedef struct Option {
        OptionKind kind;
        const char *name;     /* long name without "--" */
        char short_name;      /* or 0 */
        const char *metavar;  /* for the help: "FILE" */
        const char *fallback; /* the default as text, or NULL; a description, no value, if it has a blank in
                                 it or starts with "<" */
        const char *const *choices; /* NULL-terminated, OPTION_CHOICE */
        const char *help;           /* one or two sentences, for people */
        size_t offset;              /* of the variable in the program's arguments struct */
        unsigned flags;
        const char *packaged; /* the value that the configuration file of the package sets, or NULL; not for
                                 lists */
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
        const char *config_file; /* where the package puts it: the program has --config; else NULL */
        /* What the table cannot say about the outcome of files and flags, or NULL. Called when files were
         * read. 0, -ENOMEM, or -EINVAL with *reterr_text, which names the key. */
        int (*check)(const void *args, char **reterr_text);
} Program;

/* Fills args (by the rows' offsets; strings and lists in it are NULL before). Returns
 *   0  go on; *ret_positionals = NULL-terminated list into argv (owned by the caller: free() the list only)
 *   1  help, version or the like was printed: exit 0
 *  <0  what is wrong was printed: exit 2, or 78 for -EBADMSG, a configuration file that is refused */
int options_parse(const Program *p, int argc, char *argv[], void *args, char ***ret_positionals);
/* The process status for what options_parse() returned when that was not 0. */
int options_exit_status(int r);
void options_print_help(const Program *p, FILE *f);
/* A complete roff page: section 5 is the page of the configuration file, others that of the program. */
void options_print_man(const Program *p, FILE *f, int section);
/* The configuration file as packages ship it: a commented line for every key, with its default. */
void options_print_config_file(const Program *p, FILE *f);
char **options_free_strings(char **l);
/* Rows that every program has are added by the parser: --help, --version, and the hidden --print-man-page;
 * with a config_file also --config, --check-config, --print-config, and the hidden --print-config-template
 * and --print-man-page-config. */
