#include "libflwr/heartbeat.h"

#include "base/log.h"
#include "base/text.h"

/* The hub allows 60 s between two; a shaken interval keeps many apps from knocking at once. */
#define INTERVAL_USEC (25 * USEC_PER_SEC)
#define INTERVAL_MIN_SHARE 0.7
#define INTERVAL_MAX_SHARE 0.9
#define INTERVAL_ANNOUNCED 30.0 /* seconds; the older layout tells it */
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
#define FAILED_USEC (5 * USEC_PER_SEC)

struct Heartbeat {
        AppIo *io;
        RpcMethodId method;
        char *token;
        uint64_t run_id;
        bool by_run; /* the older layout */
        bool proven; /* one was answered "yes" */
        StubCall *call;
        sd_event_source *timer;
};

static int beat(Heartbeat *h);

static int on_timer(sd_event_source *s, uint64_t t, void *userdata)
{
        Heartbeat *h = userdata;
        int r;

        h->timer = sd_event_source_disable_unref(h->timer);
        r = beat(h);
        if (r < 0)
                log_debug_errno(r, "No heartbeat possible");
        return 0;
}

static void schedule(Heartbeat *h, usec_t delay)
{
        int r = sd_event_add_time_relative(
                app_io_event(h->io), &h->timer, CLOCK_MONOTONIC, delay, 0, on_timer, h);

        if (r < 0)
                log_debug_errno(r, "No heartbeat possible");
}

static usec_t interval(void)
{
        double share = INTERVAL_MIN_SHARE + random_unit() * (INTERVAL_MAX_SHARE - INTERVAL_MIN_SHARE);

        return (usec_t) (share * (double) INTERVAL_USEC);
}

static void on_beat(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Heartbeat *h = userdata;
        const BoolReply *answer = *reply;

        h->call = NULL;
        if (status == RPC_UNIMPLEMENTED)
                return; /* an old SuperNode does not know that apps have a heart */
        if (status == RPC_PERMISSION_DENIED || (status == RPC_OK && !answer->success && h->proven)) {
                app_io_stop(h->io, APP_STOP_RUN);
                return;
        }
        if (status == RPC_OK && !answer->success) {
                if (h->by_run || h->run_id == 0) {
                        app_io_stop(h->io, APP_STOP_RUN);
                        return;
                }
                h->by_run = true;
                schedule(h, 0);
                return;
        }
        if (status == RPC_OK)
                h->proven = true;
        schedule(h, status == RPC_OK ? interval() : FAILED_USEC);
}

static int beat(Heartbeat *h)
{
        const StubOptions options = {.timeout = TIMEOUT_USEC};
        const RunRequest request = {
                .token = h->by_run ? NULL : h->token,
                .run_id = h->run_id,
                .has_run_id = true,
                .heartbeat_interval = INTERVAL_ANNOUNCED,
        };

        return stub_call(app_io_stub(h->io), h->method, &request, &options, on_beat, h, &h->call);
}

static int start(void *userdata)
{
        return beat(userdata);
}

static int stop(void *userdata)
{
        Heartbeat *h = userdata;

        h->call = stub_call_cancel(h->call);
        h->timer = sd_event_source_disable_unref(h->timer);
        return 0;
}

int heartbeat_new(AppIo *io, RpcMethodId method, const char *token, uint64_t run_id, Heartbeat **ret)
{
        _cleanup_(heartbeat_freep) Heartbeat *h = new0(Heartbeat, 1);
        int r;

        if (!h)
                return -ENOMEM;
        *h = (Heartbeat){.io = io, .method = method, .run_id = run_id, .by_run = isempty(token)};
        h->token = strdup(strempty(token));
        if (!h->token)
                return -ENOMEM;
        r = app_io_run(io, start, h);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

Heartbeat *heartbeat_free(Heartbeat *h)
{
        if (!h)
                return NULL;
        (void) app_io_run(h->io, stop, h);
        free(h->token);
        return mfree(h);
}
