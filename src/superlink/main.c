#include <sysexits.h>

#include "base/daemon.h"
#include "base/log.h"
#include "superlink/superlink.h"

static int run(const SuperlinkArgs *args)
{
        _cleanup_(superlink_done) Superlink s = {};
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
        log_info("SuperLink terminated gracefully.");
        return 0;
}

int main(int argc, char *argv[])
{
        SuperlinkArgs args = {};
        char **positionals = NULL;
        int r;

        log_open("flower-superlink");
        r = options_parse(&SUPERLINK_PROGRAM, argc, argv, &args, &positionals);
        r = r < 0 ? 2 : r > 0 ? 0 : run(&args);
        free(positionals);
        superlink_args_done(&args);
        return r;
}
