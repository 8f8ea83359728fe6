/* Runs one app process for flower-superexec, in a unit of its own: systemd starts flwr-app-run for each
 * connection to a launch socket (Accept=yes), with the connection as standard input.
 *
 *      waiting --request--> running --child ends--> answer, end
 *                              |                       ^
 *                              +--closed, SIGTERM--> ending (SIGTERM, after 5 s SIGKILL)
 *
 * The answer is one line of JSON: {"status": N}, {"signal": N}, or {"error": "..."} when nothing was
 * started. The other side ends the app by closing its sending direction, or all of the connection. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "apps/launch-request.h"
#include "apps/line-relay.h"
#include "base/daemon.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "base/spawn.h"
#include "base/time-util.h"

/* From the connection to its request: the other side has it ready. */
#define REQUEST_WAIT_MAX (10 * USEC_PER_SEC)
#define KILL_AFTER (5 * USEC_PER_SEC)
/* As a shell has it. */
#define STATUS_OF_SIGNAL 128

extern char **environ;

typedef struct AppRun {
        sd_event *event;
        int connection;
        sd_event_source *on_connection;
        sd_event_source *timer; /* waiting: for the request; ending: for SIGKILL */
        sd_event_source *child, *output;
        Buf received;
        LaunchRequest request;
        LineRelay relay;
        pid_t pid; /* 0: waiting */
        bool ending;
} AppRun;

static void app_run_done(AppRun *a)
{
        sd_event_source_disable_unref(a->on_connection);
        sd_event_source_disable_unref(a->timer);
        sd_event_source_disable_unref(a->child);
        sd_event_source_disable_unref(a->output);
        line_relay_done(&a->relay);
        safe_close(a->relay.fd);
        safe_close(a->connection);
        buf_done(&a->received);
        launch_request_done(&a->request);
        sd_event_unref(a->event);
}

static void answer(const AppRun *a, const char *fmt, ...) _printf_(2, 3);
static void answer(const AppRun *a, const char *fmt, ...)
{
        _cleanup_free_ char *line = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&line, fmt, ap) < 0)
                line = NULL;
        va_end(ap);
        if (line && send(a->connection, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                log_debug_errno(errno, "Nobody takes the answer, ignoring");
}

/* Logs why nothing is started, tells the other side, ends. */
static int refuse(AppRun *a, int status, const char *text)
{
        _cleanup_buf_ Buf quoted = {};

        log_error("No app is started: %s", text);
        if (json_append_quoted(&quoted, text) >= 0)
                answer(a, "{\"error\": %.*s}\n", (int) quoted.size, (const char *) quoted.data);
        return sd_event_exit(a->event, status);
}

/* ---- the end ---- */

static int on_kill(sd_event_source *source, uint64_t usec, void *userdata)
{
        AppRun *a = userdata;

        log_warning("The app has not ended %u s after SIGTERM, killing it",
                (unsigned) (KILL_AFTER / USEC_PER_SEC));
        (void) kill(-a->pid, SIGKILL);
        return 0;
}

static void end_app(void *userdata)
{
        AppRun *a = userdata;

        if (a->pid == 0) {
                (void) sd_event_exit(a->event, EXIT_SUCCESS);
                return;
        }
        if (a->ending)
                return;
        a->ending = true;
        (void) kill(-a->pid, SIGTERM);
        if (sd_event_add_time_relative(a->event, &a->timer, CLOCK_MONOTONIC, KILL_AFTER, 0, on_kill, a) < 0)
                (void) kill(-a->pid, SIGKILL);
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        AppRun *a = userdata;
        bool exited = si->si_code == CLD_EXITED;

        /* Those it has left behind; its id still belongs to it, since it is not yet reaped. */
        (void) kill(-a->pid, SIGKILL);
        line_relay_finish(&a->relay);
        answer(a, exited ? "{\"status\": %d}\n" : "{\"signal\": %d}\n", si->si_status);
        if (a->ending)
                return sd_event_exit(a->event, EXIT_SUCCESS);
        return sd_event_exit(a->event, exited ? si->si_status : STATUS_OF_SIGNAL + si->si_status);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        AppRun *a = userdata;

        if (line_relay_some(&a->relay) < 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

/* ---- the beginning ---- */

/* The request's variables come on top of the unit's. */
static int prepare_environment(char *const *env)
{
        for (; *env; env++) {
                const char *value = strchr(*env, '=') + 1;
                _cleanup_free_ char *name = strndup(*env, (size_t) (value - 1 - *env));

                if (!name)
                        return -ENOMEM;
                if (setenv(name, value, 1) < 0)
                        return -errno;
        }
        /* Its outputs are our pipe. */
        return unsetenv("JOURNAL_STREAM") < 0 ? -errno : 0;
}

static int start_app(AppRun *a)
{
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        a->relay = (LineRelay){.fd = fds[0], .run = a->request.run};
        r = fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : prepare_environment(a->request.env);
        if (r >= 0)
                r = spawn_program(a->request.argv[0], a->request.argv, environ, fds[1], &a->pid);
        safe_close(fds[1]);
        if (r >= 0)
                r = sd_event_add_child(a->event, &a->child, a->pid, WEXITED, on_child, a);
        if (r >= 0)
                r = sd_event_add_io(a->event, &a->output, a->relay.fd, EPOLLIN, on_output, a);
        if (r < 0 && a->pid > 0)
                (void) kill(-a->pid, SIGKILL);
        return r < 0 ? r : 0;
}

static int on_request(AppRun *a, size_t size)
{
        const char *why = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        a->timer = sd_event_source_disable_unref(a->timer);
        r = launch_request_parse(a->received.data, size, &a->request, &why);
        if (r < 0)
                return refuse(a, EX_DATAERR, why ?: strerrordesc_np(-r));
        log_open(streq(a->request.kind, "clientapp") ? "flwr-clientapp" : "flwr-serverapp");
        r = start_app(a);
        if (r >= 0)
                return 0;
        text = xasprintf("%s: %s", a->request.argv[0], strerrordesc_np(-r));
        return refuse(a, EX_UNAVAILABLE, strempty(text));
}

static int receive(AppRun *a)
{
        char chunk[4096];
        ssize_t n = recv(a->connection, chunk, sizeof(chunk), MSG_DONTWAIT);
        const uint8_t *end;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                (void) sd_event_source_set_enabled(a->on_connection, SD_EVENT_OFF);
                end_app(a);
                return 0;
        }
        if (a->pid > 0)
                return 0;
        if (buf_append(&a->received, chunk, (size_t) n) < 0)
                return refuse(a, EX_DATAERR, "the request is larger than 64 KiB");
        end = memchr(a->received.data, '\n', a->received.size);
        return end ? on_request(a, (size_t) (end - a->received.data)) : 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        return receive(userdata);
}

static int on_no_request(sd_event_source *source, uint64_t usec, void *userdata)
{
        return refuse(userdata, EX_DATAERR, "no request has come");
}

/* Moves the connection away from standard input, so that no child has it. */
static int take_connection(int *ret)
{
        PassedFd *passed;
        size_t n_passed;
        struct stat st;
        int nothing, fd;

        /* systemd passes the connection a second time, as a descriptor with a name. */
        if (daemon_passed_fds(&passed, &n_passed) >= 0)
                passed_fds_free(passed, n_passed);
        if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode))
                return -ENOTSOCK;
        nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0)
                return -errno;
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fd >= 0 && dup2(nothing, STDIN_FILENO) < 0)
                fd = safe_close(fd);
        safe_close(nothing);
        if (fd < 0)
                return -EMFILE;
        *ret = fd;
        return 0;
}

static int run(void)
{
        _cleanup_(app_run_done) AppRun a = {
                .connection = -EBADF,
                .relay.fd = -EBADF,
                .received.max = LAUNCH_REQUEST_SIZE_MAX,
        };
        int r;

        r = take_connection(&a.connection);
        if (r == -ENOTSOCK) {
                log_error(
                        "Standard input is no connection: systemd starts this program, see flwr-systemd(7)");
                return EX_USAGE;
        }
        if (r >= 0)
                r = sd_event_new(&a.event);
        if (r >= 0)
                r = daemon_setup_stop(a.event, end_app, &a);
        if (r >= 0)
                r = sd_event_add_io(a.event, &a.on_connection, a.connection, EPOLLIN, on_connection, &a);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        a.event, &a.timer, CLOCK_MONOTONIC, REQUEST_WAIT_MAX, 0, on_no_request, &a);
        if (r >= 0)
                r = sd_event_loop(a.event);
        if (r < 0) {
                log_error_errno(r, "The app cannot be watched");
                return EX_OSERR;
        }
        return r;
}

static const Program program = {
        .name = "flwr-app-run",
        .summary = "runs one app process for flower-superexec",
        .description = "systemd starts it for each connection to a launch socket.",
};

int main(int argc, char *argv[])
{
        _cleanup_free_ char **positionals = NULL;
        int r;

        log_open("flwr-app-run");
        r = options_parse(&program, argc, argv, NULL, &positionals);
        if (r != 0)
                return r < 0 ? EX_USAGE : EXIT_SUCCESS;
        return run();
}
