/* One app process: started, watched, its end told to the daemon. */
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "superexec/superexec.h"

#define ENV_PYTHON_MISSING "FLWR_PYTHON_MISSING"
#define ARGS_MAX 12

extern char **environ;

struct App {
        Superexec *superexec;
        uint64_t run_id;
        char *token;
        pid_t pid;
        sd_event_source *child;
        bool tell; /* the daemon understands how an app has ended */
        StubCall *note;
        App *prev, *next;
};

static void app_free(App *a)
{
        DL_DELETE(a->superexec->apps, a);
        sd_event_source_disable_unref(a->child);
        stub_call_cancel(a->note);
        free(a->token);
        free(a);
}

static void on_noted(RpcClass status, const char *detail, void **reply, void *userdata)
{
        App *a = userdata;

        a->note = NULL;
        app_free(a);
}

/* The daemon knows already, unless the app broke off: a good one has given its token back. */
static void tell_daemon(App *a, const char *how)
{
        Superexec *s = a->superexec;
        AppOutputs request = {.token = a->token, .run_id = a->run_id};
        const Header header = {RPC_HEADER_APP_EXIT, how, strlen(how)};
        const StubOptions options = {.headers = &header, .n_headers = 1};

        if (!a->tell ||
                stub_call(s->stub, s->plugin->push_outputs, &request, &options, on_noted, a, &a->note) < 0)
                app_free(a);
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        App *a = userdata;
        Superexec *s = a->superexec;
        _cleanup_free_ char *how = NULL;
        char run[24];

        a->child = sd_event_source_unref(a->child);
        a->pid = 0;
        snprintf(run, sizeof(run), "%" PRIu64, a->run_id);
        if (si->si_code == CLD_EXITED)
                how = xasprintf("The %s process ended with status %d before it had answered",
                        s->plugin->name, si->si_status);
        else
                how = xasprintf("The %s process was killed by signal %d (%s)", s->plugin->name,
                        si->si_status, strsignal(si->si_status));
        if (si->si_code != CLD_EXITED || si->si_status != 0)
                log_with(LOG_WARNING, (&(LogFields){.run = run}), "Run %s: %s", run, strempty(how));
        s->n_apps--;
        tell_daemon(a, strempty(how));
        superexec_app_ended(s);
        return 0;
}

/* ---- starting ---- */

static int spawn(App *a, char *const argv[], char *const env[])
{
        posix_spawnattr_t attr;
        sigset_t none, all;
        int r;

        if (posix_spawnattr_init(&attr) != 0)
                return -ENOMEM;
        sigemptyset(&none);
        sigfillset(&all);
        (void) posix_spawnattr_setsigmask(&attr, &none);
        (void) posix_spawnattr_setsigdefault(&attr, &all);
        (void) posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = posix_spawn(&a->pid, argv[0], NULL, &attr, argv, env);
        (void) posix_spawnattr_destroy(&attr);
        return -r;
}

/* Keys and settings of the daemon are not the app's business; of the environment it gets all but Flower's
 * own secrets. */
static int start_process(App *a, const char *program, const char *python_missing, bool with_token)
{
        Superexec *s = a->superexec;
        char pid[16];
        char *argv[ARGS_MAX] = {};
        size_t n = 0;

        snprintf(pid, sizeof(pid), "%d", (int) getpid());
        argv[n++] = (char *) program;
        argv[n++] = (char *) "--insecure";
        argv[n++] = (char *) s->plugin->address_flag;
        argv[n++] = s->args->appio_api_address;
        if (with_token) {
                argv[n++] = (char *) "--token";
                argv[n++] = a->token;
                argv[n++] = (char *) "--parent-pid";
                argv[n++] = pid;
        } else
                argv[n++] = (char *) "--run-once";
        if (python_missing)
                (void) setenv(ENV_PYTHON_MISSING, python_missing, 1);
        else
                (void) unsetenv(ENV_PYTHON_MISSING);
        return spawn(a, argv, environ);
}

static int choose_and_start(App *a, bool native)
{
        Superexec *s = a->superexec;
        _cleanup_free_ char *program = NULL, *why = NULL;
        bool python = !native &&
                      executor_find_python(s->plugin->program, s->args->python_apps, &program, &why) >= 0;
        bool with_token;
        int r;

        if (!python) {
                /* Without any side for this machine our own executor tells the ServerApp or user so. */
                r = executor_find_native(s->plugin->program, &program);
                if (r < 0)
                        return log_error_errno(r,
                                "%s is neither beside this program nor in " FLWR_LIBEXECDIR,
                                s->plugin->program);
        }
        with_token = !(python && streq(s->plugin->name, "serverapp") && executor_is_flower_1_20(program));
        log_debug("Run %" PRIu64 ": starting %s", a->run_id, program);
        r = start_process(a, program, why, with_token);
        return r < 0 ? log_error_errno(r, "Cannot start %s", program) : 0;
}

int app_start(Superexec *s, uint64_t run_id, const char *token, RpcLaunch launch)
{
        App *a = new0(App, 1);
        int r;

        if (!a)
                return log_oom();
        a->superexec = s;
        a->run_id = run_id;
        a->tell = launch != RPC_LAUNCH_UNSAID;
        DL_APPEND(s->apps, a);
        a->token = strdup(token);
        if (!a->token) {
                app_free(a);
                return log_oom();
        }
        r = choose_and_start(a, launch == RPC_LAUNCH_NATIVE);
        if (r >= 0)
                r = sd_event_add_child(s->event, &a->child, a->pid, WEXITED, on_child, a);
        if (r < 0) {
                tell_daemon(a, "The launcher could not start a process for it");
                return r;
        }
        s->n_apps++;
        return 0;
}

void apps_kill(Superexec *s, int signo)
{
        App *a;

        DL_FOREACH (s->apps, a)
                if (a->pid > 0)
                        (void) kill(a->pid, signo);
}

void apps_free(Superexec *s)
{
        App *a, *tmp;

        DL_FOREACH_SAFE (s->apps, a, tmp)
                app_free(a);
}
