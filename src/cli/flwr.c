#include <locale.h>

#include "base/log.h"
#include "cli/command.h"

static const Command *const COMMANDS[] = {
        &CMD_RUN, &CMD_LOG, &CMD_LIST, &CMD_STOP, &CMD_SUPERNODE, &CMD_FEDERATION, &CMD_BUILD, &CMD_INSTALL};

static const Program PROGRAM = {
        .name = "flwr",
        .summary = "Flower's command line: build apps and run them on a SuperLink.",
        .description =
                "Commands are run, log, list (ls), stop, supernode, federation, build and install; `flwr "
                "COMMAND --help` explains each.\n\n"
                "The SuperLink of those that talk to one is found in the app's pyproject.toml "
                "([tool.flwr.federations]), else "
                "in $FLWR_HOME/config.toml ([superlink], default directory ~/.flwr), else in " FLWR_CONFDIR
                "/config.toml ([superlink], for all users). An address there is \"host:port\" or "
                "\"unix:/path\". Where none is the default, it is the SuperLink of this machine, if there "
                "is "
                "one (/run/flwr/control.sock, for members of group flwr). No file is ever changed.",
        .positionals = "COMMAND [ARGUMENT]...",
        .min_positionals = 1,
        .max_positionals = 1,
};

int main(int argc, char *argv[])
{
        /* Widths of characters in tables; numbers stay as they are. */
        setlocale(LC_CTYPE, "");
        log_open("flwr");

        return command_dispatch(&PROGRAM, COMMANDS, ELEMENTSOF(COMMANDS), argc, argv);
}
