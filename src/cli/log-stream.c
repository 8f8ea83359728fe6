#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/log-stream.h"

typedef struct LogStream {
        Remote *remote;
        uint64_t run_id;
        double after_timestamp;
        bool once; /* ends with the first message */

        StubCall *call;
        bool message_seen;
        bool pause_over;
        bool interrupted;
        RpcClass status;
        char *detail;
} LogStream;

static void log_stream_done(LogStream *s)
{
        s->call = stub_call_cancel(s->call);
        s->detail = mfree(s->detail);
}

static void on_message(void *message, void *userdata)
{
        const LogsReply *reply = message;
        LogStream *s = userdata;

        if (s->once && s->message_seen)
                return;
        fputs(strempty(reply->log_output), stdout);
        if (s->once)
                putchar('\n');
        fflush(stdout);
        s->message_seen = true;
        s->after_timestamp = MAX(s->after_timestamp, reply->latest_timestamp);
}

static void on_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        LogStream *s = userdata;

        (void) reply;
        s->call = NULL;
        s->status = status;
        free(s->detail);
        s->detail = strdup(strempty(detail));
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        LogStream *s = userdata;

        (void) source;
        (void) si;
        s->interrupted = true;
        return 0;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        LogStream *s = userdata;

        (void) source;
        (void) usec;
        s->pause_over = true;
        return 0;
}

/* One call, to its end or until there is a reason to leave it. */
static int run_call(LogStream *s, usec_t timeout)
{
        RunRequest request = {
                .run_id = s->run_id, .has_run_id = true, .after_timestamp = s->after_timestamp};
        StubOptions options = {.timeout = timeout, .flags = STUB_NO_RETRY, .on_message = on_message};
        int r;

        do {
                s->message_seen = false;
                r = stub_call(s->remote->stub, remote_method(s->remote, RPC_CONTROL_STREAM_LOGS), &request,
                        &options, on_done, s, &s->call);
                if (r < 0)
                        return r;
                while (s->call && !s->interrupted && !(s->once && s->message_seen)) {
                        r = sd_event_run(s->remote->event, UINT64_MAX);
                        if (r < 0)
                                return r;
                }
                if (s->call) {
                        s->call = stub_call_cancel(s->call);
                        s->status = RPC_OK;
                        return 0;
                }
        } while (remote_should_switch(s->remote, RPC_CONTROL_STREAM_LOGS, s->status, s->detail));
        return 0;
}

static int pause_between(LogStream *s)
{
        _cleanup_(sd_event_source_unrefp) sd_event_source *timer = NULL;
        int r;

        s->pause_over = false;
        r = sd_event_add_time_relative(s->remote->event, &timer, CLOCK_MONOTONIC, LOG_STREAM_PAUSE,
                USEC_PER_MSEC, on_pause_over, s);
        while (r >= 0 && !s->pause_over && !s->interrupted)
                r = sd_event_run(s->remote->event, UINT64_MAX);
        return MIN(r, 0);
}

/* Streams until the server ends it, the user does, or an error stays. The end is in s->status and
 * s->interrupted. */
static int follow(LogStream *s)
{
        usec_t give_up = 0; /* nothing to be patient with before the first connection */
        int r;

        for (;;) {
                bool lost;

                r = run_call(s, LOG_STREAM_DEADLINE);
                if (r < 0 || s->interrupted)
                        return r;
                lost = s->status == RPC_UNAVAILABLE;
                if (s->status == RPC_DEADLINE_EXCEEDED || s->message_seen)
                        give_up = now_monotonic() + LOG_STREAM_PATIENCE;
                if (s->status != RPC_DEADLINE_EXCEEDED && !(lost && now_monotonic() < give_up))
                        return 0;
                if (lost)
                        log_debug("Log stream lost, connecting again: %s", strempty(s->detail));
                r = pause_between(s);
                if (r < 0 || s->interrupted)
                        return r;
        }
}

static int watch_interrupt(LogStream *s, sd_event_source **ret)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return sd_event_add_signal(s->remote->event, ret, SIGINT, on_interrupt, s);
}

static int report_end(Remote *r, uint64_t run_id)
{
        RunRequest request = {.run_id = run_id, .has_run_id = true};
        RunsReply *runs = NULL;
        const Run *run;
        int status;

        status = remote_call(r, RPC_CONTROL_LIST_RUNS, &request, (void **) &runs);
        if (status != 0)
                return status;
        run = runs->n > 0 ? runs->runs[0] : NULL;
        if (!run || run->status != RUN_FINISHED || run->sub_status != RUN_COMPLETED) {
                /* Not a JSON document of its own: `run` has printed one already. */
                fprintf(stderr, "Run %llu did not complete: %s%s%s%s%s\n", (unsigned long long) run_id,
                        run ? run_status_to_string(run->status) : "unknown to the SuperLink",
                        run && run->sub_status != RUN_SUB_NONE ? ":" : "",
                        run ? run_sub_status_to_string(run->sub_status) : "",
                        run && !isempty(run->details) ? ", " : "", run ? strempty(run->details) : "");
                status = 1;
        }
        rpc_free(RPC_LIST_RUNS_RESPONSE, runs);
        return status;
}

int log_stream(Remote *r, uint64_t run_id)
{
        _cleanup_(sd_event_source_unrefp) sd_event_source *interrupt = NULL;
        _cleanup_(log_stream_done) LogStream s = {.remote = r, .run_id = run_id};
        int k;

        k = watch_interrupt(&s, &interrupt);
        if (k < 0)
                return report_errno(r->format, k, NULL);
        log_info("Starting logstream for run_id `%llu`", (unsigned long long) run_id);
        k = follow(&s);
        if (k < 0)
                return report_errno(r->format, k, NULL);

        if (s.interrupted) {
                log_info("Exiting logstream");
                return 0;
        }
        if (s.status != RPC_OK)
                return remote_report(r, s.status, s.detail);
        return report_end(r, run_id);
}

int log_show(Remote *r, uint64_t run_id)
{
        _cleanup_(log_stream_done) LogStream s = {.remote = r, .run_id = run_id, .once = true};
        int k;

        k = run_call(&s, LOG_SHOW_DEADLINE);
        if (k < 0)
                return report_errno(r->format, k, NULL);
        /* A run that has said nothing yet. */
        if (s.status == RPC_DEADLINE_EXCEEDED)
                return 0;
        return s.status == RPC_OK ? 0 : remote_report(r, s.status, s.detail);
}
