#include <sysexits.h>

#include "base/daemon.h"
#include "base/log.h"
#include "superlink/superlink.h"

static int run(const SuperlinkArgs *args, int argc, char *argv[])
{
        _cleanup_(superlink_done) Superlink s = {.argc = argc, .argv = argv};
        int r;

        r = sd_event_new(&s.event);
        if (r >= 0)
                r = daemon_setup_stop(s.event, superlink_stop, &s);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the event loop");
                return EX_OSERR;
        }
        daemon_raise_nofile();
        daemon_protect_memory();
        r = superlink_start(&s, args);
        if (r != 0)
                return r;
        r = sd_event_loop(s.event);
        if (r < 0) {
                log_error_errno(r, "The event loop failed");
                return EX_SOFTWARE;
        }
        if (s.exit_status == 0)
                log_info("SuperLink terminated gracefully.");
        return s.exit_status;
}

int main(int argc, char *argv[])
{
        SuperlinkArgs args = {};
        char **positionals = NULL;
        int r;

        log_open("flower-superlink");
        r = options_parse(&SUPERLINK_PROGRAM, argc, argv, &args, &positionals);
        r = r != 0 ? options_exit_status(r) : run(&args, argc, argv);
        free(positionals);
        superlink_args_done(&args);
        return daemon_end(r, FLWR_CONFDIR);
}
