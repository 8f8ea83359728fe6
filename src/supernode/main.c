#include <sysexits.h>

#include "base/daemon.h"
#include "base/log.h"
#include "supernode/supernode.h"

static int run(const SupernodeArgs *args)
{
        _cleanup_(supernode_done) Supernode s = {};
        int r;

        r = sd_event_new(&s.event);
        if (r >= 0)
                r = daemon_setup_stop(s.event, supernode_stop, &s);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the event loop");
                return EX_OSERR;
        }
        daemon_protect_memory();
        r = supernode_start(&s, args);
        if (r != 0)
                return r;
        r = sd_event_loop(s.event);
        if (r < 0) {
                log_error_errno(r, "The event loop failed");
                return EX_SOFTWARE;
        }
        if (s.exit_status == 0)
                log_info("SuperNode terminated gracefully.");
        return s.exit_status;
}

int main(int argc, char *argv[])
{
        SupernodeArgs args = {};
        char **positionals = NULL;
        int r;

        log_open("flower-supernode");
        r = options_parse(&SUPERNODE_PROGRAM, argc, argv, &args, &positionals);
        r = r != 0 ? options_exit_status(r) : run(&args);
        free(positionals);
        supernode_args_done(&args);
        return daemon_end(r, FLWR_CONFDIR);
}
