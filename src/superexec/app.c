/* One app process: started, watched, its end told to the daemon. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "base/spawn.h"
#include "superexec/kept-app.h"
#include "superexec/launch.h"
#include "superexec/superexec.h"

#define ENV_PYTHON_MISSING "FLWR_PYTHON_MISSING"
#define ENV_TOKEN "FLWR_APP_TOKEN" /* our own executors read it */
#define ARGS_MAX 12
#define ENV_MAX 4

extern char **environ;

struct App {
        Superexec *superexec;
        uint64_t run_id;
        char *python_apps; /* of the daemon's configuration; NULL: ours */
        char *address;     /* of its own AppIo socket; NULL: everybody's */
        char *token;
        pid_t pid; /* a child, or 0 */
        sd_event_source *child;
        Launch *launch;  /* a process of another unit, or NULL */
        char *kept_name; /* under which systemd keeps it, or NULL */
        bool tell;       /* the daemon understands how an app has ended */
        StubCall *note;
        App *prev, *next;
};

static void app_free(App *a)
{
        DL_DELETE(a->superexec->apps, a);
        sd_event_source_disable_unref(a->child);
        launch_free(a->launch);
        stub_call_cancel(a->note);
        free(a->kept_name);
        free(a->address);
        free(a->python_apps);
        free(a->token);
        free(a);
}

/* Nobody will ask for it any more, not even after a restart. */
static void forget(App *a)
{
        if (a->kept_name)
                daemon_unstore_fds(a->kept_name);
        app_free(a);
}

static void on_noted(RpcClass status, const char *detail, void **reply, void *userdata)
{
        App *a = userdata;

        Superexec *s = a->superexec;

        a->note = NULL;
        forget(a);
        superexec_note_sent(s);
}

bool apps_have_notes(const Superexec *s)
{
        const App *a;

        DL_FOREACH (s->apps, a)
                if (a->note)
                        return true;
        return false;
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
                forget(a);
}

static void ended(App *a, bool good, const char *how)
{
        Superexec *s = a->superexec;
        char run[24];

        snprintf(run, sizeof(run), "%" PRIu64, a->run_id);
        if (!good)
                log_with(LOG_WARNING, (&(LogFields){.run = run, .message_id = FLWR_MESSAGE_APP_ENDED}),
                        "Run %s: %s", run, how);
        s->n_apps--;
        tell_daemon(a, how);
        superexec_app_ended(s);
}

static void ended_with_status(App *a, int status)
{
        _cleanup_free_ char *how = xasprintf("The %s process ended with status %d before it had answered",
                a->superexec->plugin->name, status);

        ended(a, status == 0, strempty(how));
}

static void ended_by_signal(App *a, int signo)
{
        _cleanup_free_ char *how = xasprintf("The %s process was killed by signal %d (%s)",
                a->superexec->plugin->name, signo, strsignal(signo));

        ended(a, false, strempty(how));
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        App *a = userdata;

        a->child = sd_event_source_unref(a->child);
        a->pid = 0;
        if (si->si_code == CLD_EXITED)
                ended_with_status(a, si->si_status);
        else
                ended_by_signal(a, si->si_status);
        return 0;
}

static void on_launch_ended(LaunchEnd end, int value, const char *text, void *userdata)
{
        _cleanup_free_ char *how = NULL;
        App *a = userdata;

        switch (end) {
        case LAUNCH_EXITED:
                ended_with_status(a, value);
                return;
        case LAUNCH_SIGNALLED:
                ended_by_signal(a, value);
                return;
        case LAUNCH_REFUSED:
                how = xasprintf("The %s process was not started: %s", a->superexec->plugin->name, text);
                break;
        case LAUNCH_LOST:
                how = xasprintf("The unit of the %s process ended early", a->superexec->plugin->name);
                break;
        }
        ended(a, false, strempty(how));
}

/* ---- starting ---- */

/* Keys and settings of the daemon are not the app's business; of the environment it gets all but Flower's
 * own secrets. */
static int start_child(App *a, const char *const *argv, const char *python_missing)
{
        int r;

        if (python_missing)
                (void) setenv(ENV_PYTHON_MISSING, python_missing, 1);
        else
                (void) unsetenv(ENV_PYTHON_MISSING);
        r = spawn_program(argv[0], (char *const *) argv, environ, -1, &a->pid);
        if (r >= 0)
                r = sd_event_add_child(a->superexec->event, &a->child, a->pid, WEXITED, on_child, a);
        return r;
}

static void keep(App *a, int fd)
{
        KeptApp k = {.name = kept_app_name(a->run_id),
                .run_id = a->run_id,
                .token = a->token,
                .tell = a->tell,
                .fd = fd};
        int r = k.name ? kept_app_store(&k) : -ENOMEM;

        if (r >= 0)
                a->kept_name = TAKE_PTR(k.name);
        else if (r != -ENOTCONN)
                log_warning_errno(r, "Run %" PRIu64 ": its app ends with this launcher", a->run_id);
        free(k.name);
}

/* It is kept before it is started: a launcher that dies between the two leaves a connection without request,
 * which flwr-app-run gives up. */
static int start_in_unit(App *a, const char *const *argv, const char *const *env)
{
        Superexec *s = a->superexec;
        const LaunchRequest request = {
                .argv = argv, .env = env, .run_id = a->run_id, .kind = s->plugin->name};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = launch_connect(s->args->launch_socket, &fd);
        if (r < 0)
                return r;
        keep(a, fd);
        r = launch_send(fd, &request);
        if (r >= 0)
                r = launch_watch(s->event, fd, on_launch_ended, a, &a->launch);
        if (r >= 0)
                TAKE_FD(fd);
        return r;
}

typedef struct Executor {
        char *program;
        char *python_missing; /* why it is not the Python one */
        bool is_python;
        bool takes_token;
} Executor;

static void executor_done(Executor *e)
{
        free(e->program);
        free(e->python_missing);
}

static int start_process(App *a, const Executor *e)
{
        Superexec *s = a->superexec;
        _cleanup_free_ char *token = NULL, *missing = NULL;
        const char *argv[ARGS_MAX] = {}, *env[ENV_MAX] = {};
        size_t n = 0, n_env = 0;
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", (int) getpid());
        argv[n++] = e->program;
        argv[n++] = "--insecure";
        argv[n++] = s->plugin->address_flag;
        argv[n++] = a->address ?: s->args->app_address ?: s->args->appio_api_address;
        if (!e->takes_token)
                argv[n++] = "--run-once";
        else if (e->is_python || !s->args->launch_socket) {
                argv[n++] = "--token";
                argv[n++] = a->token;
        } else if ((token = xasprintf(ENV_TOKEN "=%s", a->token)))
                env[n_env++] = token;
        if (!s->args->launch_socket) {
                if (e->takes_token) {
                        argv[n++] = "--parent-pid";
                        argv[n++] = pid;
                }
                return start_child(a, argv, e->python_missing);
        }
        /* Into a pipe, lines of Python would come late. */
        if (e->is_python)
                env[n_env++] = "PYTHONUNBUFFERED=1";
        if (e->python_missing && (missing = xasprintf(ENV_PYTHON_MISSING "=%s", e->python_missing)))
                env[n_env++] = missing;
        return start_in_unit(a, argv, env);
}

static int choose_and_start(App *a, bool native)
{
        Superexec *s = a->superexec;
        const char *name = s->plugin->program;
        _cleanup_(executor_done) Executor e = {};
        char run[24];
        LogFields fields = {.run = run};
        int r;

        snprintf(run, sizeof(run), "%" PRIu64, a->run_id);
        e.is_python = !native && executor_find_python(name, a->python_apps ?: s->args->python_apps,
                                         &e.program, &e.python_missing) >= 0;
        if (!e.is_python) {
                /* Without any side for this machine our own executor tells the ServerApp or user so. */
                r = executor_find_native(name, &e.program);
                if (r < 0)
                        return log_error_errno(
                                r, "%s is neither beside this program nor in " FLWR_LIBEXECDIR, name);
        }
        e.takes_token =
                !(e.is_python && streq(s->plugin->name, "serverapp") && executor_is_flower_1_20(e.program));
        log_with(LOG_INFO, (&(LogFields){.run = run, .message_id = FLWR_MESSAGE_APP_STARTED}),
                "Run %" PRIu64 ": starting %s", a->run_id, e.program);
        r = start_process(a, &e);
        return r < 0 ? log_at(LOG_ERR, r, &fields, "Cannot start %s", e.program) : 0;
}

int app_start(Superexec *s, uint64_t run_id, const TokenReply *reply)
{
        App *a = new0(App, 1);
        int r;

        if (!a)
                return log_oom();
        a->superexec = s;
        a->run_id = run_id;
        a->tell = reply->launch != RPC_LAUNCH_UNSAID;
        DL_APPEND(s->apps, a);
        a->token = strdup(reply->token);
        if (!a->token || free_and_strdup(&a->address, reply->app_address) < 0 ||
                free_and_strdup(&a->python_apps, reply->python_apps) < 0) {
                app_free(a);
                return log_oom();
        }
        r = choose_and_start(a, reply->launch == RPC_LAUNCH_NATIVE);
        if (r < 0) {
                tell_daemon(a, "The launcher could not start a process for it");
                return r;
        }
        s->n_apps++;
        superexec_notify(s);
        return 0;
}

static int adopt(Superexec *s, KeptApp *k)
{
        App *a = new0(App, 1);
        int r;

        if (!a)
                return -ENOMEM;
        *a = (App){.superexec = s, .run_id = k->run_id, .tell = k->tell};
        r = launch_watch(s->event, k->fd, on_launch_ended, a, &a->launch);
        if (r < 0) {
                free(a);
                return r;
        }
        TAKE_FD(k->fd);
        a->token = TAKE_PTR(k->token);
        a->kept_name = TAKE_PTR(k->name);
        DL_APPEND(s->apps, a);
        s->n_apps++;
        return 0;
}

int apps_adopt(Superexec *s)
{
        PassedFd *fds;
        size_t n;
        int r;

        r = daemon_passed_fds(&fds, &n);
        if (r < 0)
                return log_error_errno(r, "Cannot take descriptors from systemd");
        for (;;) {
                _cleanup_kept_app_ KeptApp k = {.fd = -EBADF};

                r = kept_app_take(fds, n, &k);
                if (r > 0)
                        r = adopt(s, &k);
                else
                        break;
                if (r < 0)
                        log_warning_errno(r, "Run %" PRIu64 ": its app cannot be watched", k.run_id);
        }
        passed_fds_free(fds, n);
        if (s->n_apps > 0)
                log_info("%u app%s of an earlier launcher go%s on", s->n_apps, s->n_apps == 1 ? "" : "s",
                        s->n_apps == 1 ? "es" : "");
        return r < 0 ? log_oom() : 0;
}

static bool ends_with_us(const App *a)
{
        return a->pid > 0 || (a->launch && !a->kept_name);
}

unsigned apps_to_end(const Superexec *s)
{
        const App *a;
        unsigned n = 0;

        DL_FOREACH (s->apps, a)
                n += ends_with_us(a);
        return n;
}

void apps_kill(Superexec *s, int signo)
{
        App *a;

        DL_FOREACH (s->apps, a)
                if (a->pid > 0)
                        (void) kill(a->pid, signo);
                else if (ends_with_us(a))
                        launch_stop(a->launch);
}

void apps_free(Superexec *s)
{
        App *a, *tmp;

        DL_FOREACH_SAFE (s->apps, a, tmp)
                app_free(a);
}
