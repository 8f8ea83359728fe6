/* The subcommands of `flwr`: one row each, in the order of the help. Some have subcommands of their own. */
#pragma once

#include "base/options.h"

typedef struct Command {
        const char *name;
        const char *alias; /* or NULL; not shown */
        const Program *program;
        /* argv[0] is the subcommand. Returns the process status. */
        int (*run)(int argc, char *argv[]);
} Command;

extern const Command CMD_BUILD, CMD_FEDERATION, CMD_INSTALL, CMD_LIST, CMD_LOG, CMD_RUN, CMD_STOP,
        CMD_SUPERNODE;

/* Options of most commands; args is the struct of the command's. */
#define OPTION_FORMAT(args)                                                                                 \
        {                                                                                                   \
                OPTION_CHOICE, "format", .choices = FORMAT_CHOICES, .fallback = "default",                  \
                                         .offset = offsetof(args, format),                                  \
                                         .help = "Output for people or for scripts."                        \
        }
#define OPTION_CONNECTION(args)                                                                             \
        {                                                                                                   \
                OPTION_STRINGS, "federation-config", .metavar = "KEY=VALUE",                                \
                                                     .offset = offsetof(args, federation_config),           \
                                                     .help = "Replace connection settings."                 \
        }

/* What genuine Flower's option parser gives, and ours. */
#define EXIT_USAGE 2

/* For a program that is nothing but its n commands: runs the one that argv[1] names, or shows what there is.
 * Returns the process status. */
int command_dispatch(
        const Program *program, const Command *const *commands, size_t n, int argc, char *argv[]);
