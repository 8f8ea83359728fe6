#include "superexec/superexec.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "services/launcher.h"

/* Without a daemon: apps get this long to find the next one; without apps there is nothing to wait for. */
#define DAEMON_GONE_MAX (60 * USEC_PER_SEC)
#define DAEMON_GONE_IDLE (3 * USEC_PER_SEC)
#define RETRY_PAUSE (250 * USEC_PER_MSEC)
/* A genuine daemon answers at once with nothing: its own launcher asks once a second. */
#define POLL_PAUSE USEC_PER_SEC
#define REFUSED_PAUSE (5 * USEC_PER_SEC)
#define HELD_AT_LEAST (2 * USEC_PER_SEC)
#define KILL_AFTER (5 * USEC_PER_SEC)
#define MAX_APPS_DEFAULT 64 /* processes at once: each has an interpreter or a model in memory */

static const Plugin plugins[] = {
        {"clientapp", "flwr-clientapp", "--clientappio-api-address", RPC_CLIENTAPPIO_LIST_APPS_TO_LAUNCH,
                RPC_CLIENTAPPIO_REQUEST_TOKEN, RPC_CLIENTAPPIO_PUSH_APP_OUTPUTS},
        {"serverapp", "flwr-serverapp", "--serverappio-api-address", RPC_SERVERAPPIO_LIST_APPS_TO_LAUNCH,
                RPC_SERVERAPPIO_REQUEST_TOKEN, RPC_SERVERAPPIO_PUSH_APP_OUTPUTS},
};

static void ask(Superexec *s);
static void launch_next(Superexec *s);

static bool is_full(const Superexec *s)
{
        return s->n_apps >= (s->args->max_apps ?: MAX_APPS_DEFAULT);
}

static void ask_later(Superexec *s, usec_t pause)
{
        (void) sd_event_source_set_time(s->timer, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        ask(userdata);
        return 0;
}

static void daemon_is_gone(Superexec *s)
{
        usec_t now = now_monotonic(), limit = s->n_apps > 0 ? DAEMON_GONE_MAX : DAEMON_GONE_IDLE;

        if (s->unavailable_since == 0)
                s->unavailable_since = now;
        if (now - s->unavailable_since < limit) {
                ask_later(s, RETRY_PAUSE);
                return;
        }
        /* Only a launcher that a daemon has started goes with it. */
        if (!s->args->lock_file && s->args->parent_pid == 0) {
                daemon_notify_status("No daemon at %s", channel_address(s->channel));
                ask_later(s, POLL_PAUSE);
                return;
        }
        if (s->n_apps > 0)
                log_warning("No daemon at %s for %u s; ending %u app%s", channel_address(s->channel),
                        (unsigned) (limit / USEC_PER_SEC), s->n_apps, s->n_apps == 1 ? "" : "s");
        superexec_stop(s);
}

static void on_token(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Superexec *s = userdata;
        TokenReply *t = *reply;
        uint64_t run_id = s->runs[--s->n_runs];

        s->token_call = NULL;
        if (status == RPC_OK && !isempty(t->token))
                (void) app_start(s, run_id, t);
        else if (status != RPC_OK)
                log_debug("No token for run: %s", detail);
        launch_next(s);
}

static void launch_next(Superexec *s)
{
        RunRequest request = {};

        if (s->stopping || s->token_call || is_full(s))
                return;
        if (s->n_runs == 0) {
                ask(s);
                return;
        }
        request.run_id = s->runs[s->n_runs - 1];
        request.has_run_id = true;
        if (stub_call(s->stub, s->plugin->request_token, &request, NULL, on_token, s, &s->token_call) < 0)
                ask_later(s, RETRY_PAUSE);
}

static void on_listed(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Superexec *s = userdata;
        NumbersReply *list = *reply;

        s->list_call = NULL;
        if (status != RPC_OK) {
                if (status != RPC_UNAVAILABLE) {
                        log_warning("The daemon at %s did not say which apps to start: %s; trying again",
                                channel_address(s->channel), detail);
                        ask_later(s, REFUSED_PAUSE);
                        return;
                }
                daemon_is_gone(s);
                return;
        }
        if (s->unavailable_since > 0)
                superexec_notify(s);
        s->unavailable_since = 0;
        if (list->n == 0) {
                ask_later(s, now_monotonic() - s->listed_at >= HELD_AT_LEAST ? 0 : POLL_PAUSE);
                return;
        }
        free(s->runs);
        s->runs = TAKE_PTR(list->numbers);
        s->n_runs = list->n;
        launch_next(s);
}

static void ask(Superexec *s)
{
        const StubOptions options = {.flags = STUB_NO_RETRY};

        if (s->stopping || s->list_call || s->token_call || is_full(s))
                return;
        s->listed_at = now_monotonic();
        if (stub_call(s->stub, s->plugin->list, NULL, &options, on_listed, s, &s->list_call) < 0)
                ask_later(s, RETRY_PAUSE);
}

void superexec_app_ended(Superexec *s)
{
        superexec_notify(s);
        if (!s->stopping)
                launch_next(s);
        else
                superexec_note_sent(s);
}

/* The daemon hears how the apps have ended before this program does. */
void superexec_note_sent(Superexec *s)
{
        if (s->stopping && apps_to_end(s) == 0 && !apps_have_notes(s))
                (void) sd_event_exit(s->event, 0);
}

void superexec_notify(const Superexec *s)
{
        daemon_notify_status("%u %s%s", s->n_apps, s->plugin->name, s->n_apps == 1 ? "" : "s");
}

static int on_kill(sd_event_source *source, uint64_t usec, void *userdata)
{
        Superexec *s = userdata;

        apps_kill(s, SIGKILL);
        return sd_event_exit(s->event, 0);
}

void superexec_stop(void *superexec)
{
        Superexec *s = superexec;

        if (s->stopping || apps_to_end(s) == 0) {
                (void) sd_event_exit(s->event, 0);
                return;
        }
        s->stopping = true;
        s->list_call = stub_call_cancel(s->list_call);
        s->token_call = stub_call_cancel(s->token_call);
        apps_kill(s, SIGTERM);
        (void) sd_event_add_time_relative(
                s->event, &s->kill_timer, CLOCK_MONOTONIC, KILL_AFTER, 0, on_kill, s);
}

/* One launcher a daemon's state: a second one leaves the work to the first. */
static int take_lock(Superexec *s)
{
        const char *path = s->args->lock_file;

        if (!path)
                return 0;
        s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (s->lock_fd < 0) {
                log_error_errno(errno, "Cannot open the lock file %s", path);
                return EX_CANTCREAT;
        }
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return LAUNCHER_STATUS_SERVED;
        return 0;
}

static int connect_daemon(Superexec *s)
{
        StubConfig config = {.max_retries = -1, .max_wait = DAEMON_GONE_MAX};
        int r;

        r = channel_new(s->event, s->args->appio_api_address, NULL, &s->channel);
        if (r == -EINVAL)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "'%s' (--appio-api-address) is not an address: write HOST:PORT or [IPv6]:PORT.",
                        s->args->appio_api_address);
        config.channel = s->channel;
        if (r >= 0)
                r = stub_new(s->event, &config, &s->stub);
        if (r >= 0)
                r = sd_event_add_time(s->event, &s->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, s);
        if (r >= 0 && s->args->parent_pid > 0)
                r = daemon_watch_parent(s->event, (pid_t) s->args->parent_pid);
        if (r < 0)
                log_error_errno(r, "Cannot set up the launcher");
        return r < 0 ? EX_OSERR : 0;
}

int superexec_start(Superexec *s)
{
        int r;

        if (!s->args->insecure)
                return exit_with(FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED,
                        "AppIo speaks plain text between processes of one machine: say --insecure.");
        for (size_t i = 0; i < ELEMENTSOF(plugins); i++)
                if (streq(plugins[i].name, s->args->plugin_type))
                        s->plugin = &plugins[i];
        if (!s->plugin)
                return exit_with(FLWR_EXIT_SUPEREXEC_INVALID_PLUGIN_CONFIG,
                        "This launcher runs no simulations: --plugin-type clientapp or serverapp.");
        r = take_lock(s);
        if (r == 0)
                r = connect_daemon(s);
        if (r == 0 && apps_adopt(s) < 0)
                r = EX_OSERR;
        return r;
}

void superexec_done(Superexec *s)
{
        stub_call_cancel(s->list_call);
        stub_call_cancel(s->token_call);
        apps_free(s);
        sd_event_source_disable_unref(s->timer);
        sd_event_source_disable_unref(s->kill_timer);
        stub_free(s->stub);
        channel_free(s->channel);
        free(s->runs);
        safe_close(s->lock_fd);
        sd_event_unref(s->event);
}
