#include <sysexits.h>

#include "base/daemon.h"
#include "base/log.h"
#include "superexec/superexec.h"

#define FIELD(name) offsetof(SuperexecArgs, name)

static const char *const plugin_types[] = {"clientapp", "serverapp", "simulation", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "Daemon"},
        {OPTION_STRING, "appio-api-address", .metavar = "ADDR",
                .help = "ServerAppIo API of a SuperLink, or ClientAppIo API of a SuperNode.",
                .offset = FIELD(appio_api_address), .flags = OPTION_REQUIRED},
        {OPTION_CHOICE, "plugin-type", .choices = plugin_types, .help = "Which apps to start.",
                .offset = FIELD(plugin_type), .flags = OPTION_REQUIRED},
        {OPTION_FLAG, "insecure", .help = "Required: the AppIo APIs have no TLS.",
                .offset = FIELD(insecure)},
        {OPTION_UINT, "parent-pid", .metavar = "PID", .help = "End when that process has gone.",
                .offset = FIELD(parent_pid)},

        {OPTION_GROUP, .help = "Apps"},
        {OPTION_STRING, "python-apps", .metavar = "DIR",
                .help = "Directory with flwr-clientapp and flwr-serverapp of a Python environment. Default: "
                        "the first on PATH that "
                        "are not ours.",
                .offset = FIELD(python_apps)},
        {OPTION_UINT, "max-apps", .metavar = "N", .fallback = "64", .help = "Processes at the same time.",
                .offset = FIELD(max_apps)},
        {OPTION_STRING, "app-address", .metavar = "ADDR", .fallback = "that of --appio-api-address",
                .help = "Address of the AppIo API for the apps, where it is another one than the "
                        "launcher's.",
                .offset = FIELD(app_address)},
        {OPTION_STRING, "launch-socket", .metavar = "PATH",
                .help = "Let systemd start each app in a unit of its own: the socket of flwr-app-run. "
                        "Default: "
                        "apps are children of the launcher.",
                .offset = FIELD(launch_socket)},
        {OPTION_STRING, "lock-file", .metavar = "FILE",
                .help = "Only one launcher at a time holds it; another one ends with status 75.",
                .offset = FIELD(lock_file)},

        {OPTION_GROUP, .help = "Accepted for compatibility"},
        {OPTION_IGNORED, "flwr-dir", .metavar = "DIR", .help = "has no effect: set FLWR_HOME instead"},
        {},
};

const Program SUPEREXEC_PROGRAM = {
        .name = "flower-superexec",
        .summary = "starts and supervises app processes for a Flower daemon",
        .description =
                "flower-superexec asks a SuperLink or SuperNode which runs wait for a process, and starts "
                "one for each: the native "
                "executor when the app has a native side for this machine, else the flwr-clientapp or "
                "flwr-serverapp of a Python "
                "environment. It tells the daemon when a process ends without having done its work.\n\n"
                "The daemons start it themselves with --isolation subprocess. It outlives its daemon by up "
                "to 60 s while apps "
                "are at work, and serves the next one.\n\n"
                "As a service of its own, with --launch-socket, it leaves the apps' processes to systemd "
                "and "
                "their connections in its descriptor store (FileDescriptorStoreMax= of at least two for "
                "each "
                "app): the apps survive a restart of the launcher and end when the service is stopped.",
        .options = options,
        .examples = "flower-superexec --insecure --plugin-type clientapp --appio-api-address 127.0.0.1:9094",
};

void superexec_args_done(SuperexecArgs *a)
{
        free(a->appio_api_address);
        free(a->plugin_type);
        free(a->lock_file);
        free(a->python_apps);
        free(a->launch_socket);
        free(a->app_address);
}

static int run(const SuperexecArgs *args)
{
        _cleanup_(superexec_done) Superexec s = {.args = args, .lock_fd = -EBADF};
        int r;

        r = sd_event_new(&s.event);
        if (r >= 0)
                r = daemon_setup_stop(s.event, superexec_stop, &s);
        if (r >= 0)
                r = daemon_watchdog(s.event);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the event loop");
                return EX_OSERR;
        }
        r = superexec_start(&s);
        if (r != 0)
                return r;
        daemon_notify_ready(NULL);
        superexec_notify(&s);
        r = sd_event_loop(s.event);
        daemon_notify_stopping();
        if (r < 0) {
                log_error_errno(r, "The event loop failed");
                return EX_SOFTWARE;
        }
        return 0;
}

int main(int argc, char *argv[])
{
        SuperexecArgs args = {};
        char **positionals = NULL;
        int r;

        log_open("flower-superexec");
        r = options_parse(&SUPEREXEC_PROGRAM, argc, argv, &args, &positionals);
        r = r < 0 ? 2 : r > 0 ? 0 : run(&args);
        free(positionals);
        superexec_args_done(&args);
        return r;
}
