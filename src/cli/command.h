/* The subcommands of `flwr`: one row each, in command.c's order in the help. */
#pragma once

#include "base/options.h"

typedef struct Command {
        const char *name;
        const char *alias; /* or NULL; not shown */
        const Program *program;
        /* argv[0] is the subcommand. Returns the process status. */
        int (*run)(int argc, char *argv[]);
} Command;

extern const Command CMD_BUILD, CMD_INSTALL, CMD_LIST, CMD_LOG, CMD_RUN, CMD_STOP;

/* What genuine Flower's option parser gives, and ours. */
#define EXIT_USAGE 2
