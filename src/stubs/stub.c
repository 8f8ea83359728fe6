#include "stubs/stub.h"

#include <utlist.h>

#include "base/text.h"
#include "stubs/retry.h"

/* Life of a call:
 *
 *      start --> ATTEMPT --(on_done: final)--------------------> gone, done() is called
 *                   ^  |
 *                   |  +--(on_done: UNAVAILABLE)--> WAITING --+
 *                   +---------(timer, or another call's luck)-+
 *
 * In ATTEMPT call is set, in WAITING timer is. */
struct StubCall {
        Stub *stub;
        const RpcMethod *method;
        BlobVec request; /* kept for repetitions */
        Header *headers; /* owned, names and values, too */
        size_t n_headers;
        usec_t timeout;
        bool no_retry;
        bool delivered; /* messages went to on_message: a repetition would deliver them twice */
        stub_message_t on_message;
        stub_done_t done;
        void *userdata, *message_userdata;

        ClientCall *call;
        sd_event_source *timer;
        unsigned n_failed;
        usec_t begin; /* monotonic */
        StubCall *next, *prev;
};

struct Stub {
        sd_event *event;
        StubConfig config;
        StubCall *calls;
};

/* Signature headers besides the caller's. */
#define SIGNATURE_HEADERS 3
/* Replies come from the side that we chose to trust, and whole models in one piece are legal; only gRPC
 * itself limits these. */
#define REPLY_BULK_MAX ((size_t) 2147483647)
/* A list of RPC_RUNS_MAX runs has about half of it. */
#define REPLY_MAX ((size_t) 128 * 1024 * 1024)

static int attempt(StubCall *c);

static void headers_free(Header *headers, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free((char *) headers[i].name);
                free((void *) headers[i].value);
        }
        free(headers);
}

static StubCall *call_free(StubCall *c)
{
        if (!c)
                return NULL;
        client_call_cancel(c->call);
        sd_event_source_disable_unref(c->timer);
        if (c->prev)
                DL_DELETE(c->stub->calls, c);
        blobvec_done(&c->request);
        headers_free(c->headers, c->n_headers);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(StubCall *, call_free);

int stub_new(sd_event *event, const StubConfig *config, Stub **ret)
{
        Stub *s = new0(Stub, 1);
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->config = *config;
        *ret = s;
        return 0;
}

Stub *stub_free(Stub *s)
{
        if (!s)
                return NULL;
        while (s->calls)
                call_free(s->calls);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* The call is gone when its owner hears of the end: it may start another one, or free the stub. */
static void finish(StubCall *c, RpcClass status, const char *detail, void **reply)
{
        stub_done_t done = c->done;
        void *userdata = c->userdata, *none = NULL;

        call_free(c);
        done(status, detail, reply ? reply : &none, userdata);
}

static void finish_reply(StubCall *c, Blob *bytes)
{
        RpcKind kind = c->method->reply;
        _cleanup_free_ char *text = NULL;
        void *reply = NULL;

        int r = rpc_decode(kind, bytes, &reply, &text);
        if (r < 0) {
                _cleanup_free_ char *detail = xasprintf("bad reply of %s: %s", c->method->path,
                        r == -ENOMEM ? "out of memory" : strempty(text));
                finish(c, RPC_INTERNAL, strempty(detail), NULL);
                return;
        }
        finish(c, RPC_OK, "", &reply);
        rpc_free(kind, reply);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        StubCall *c = userdata;

        c->timer = sd_event_source_disable_unref(c->timer);
        int r = attempt(c);
        if (r < 0)
                finish(c, RPC_INTERNAL, strerror(-r), NULL);
        return 0;
}

/* The peer is back: one of those that wait need not wait any longer, and wakes the next by its own success.
 */
static void wake_one(Stub *s)
{
        StubCall *c;

        DL_FOREACH (s->calls, c) {
                if (!c->timer)
                        continue;
                (void) sd_event_source_set_time(c->timer, 0);
                return;
        }
}

static bool may_repeat(const StubCall *c, RpcClass status, const char *detail)
{
        if (status != RPC_UNAVAILABLE || c->no_retry || c->delivered)
                return false;
        return !c->stub->config.give_up_on_handshake || !strstr(strempty(detail), "handshake failed");
}

/* Whether the failed call waits for another attempt now. */
static bool schedule(StubCall *c, const char *detail)
{
        const StubConfig *config = &c->stub->config;
        const RetryPolicy policy = {.max_retries = config->max_retries, .max_wait = config->max_wait};
        usec_t delay;

        if (!retry_next(&policy, c->n_failed + 1, now_monotonic() - c->begin, random_unit(), &delay))
                return false;
        if (sd_event_add_time_relative(
                    c->stub->event, &c->timer, CLOCK_MONOTONIC, delay, USEC_PER_MSEC, on_timer, c) < 0)
                return false;

        c->n_failed++;
        if (config->on_retry)
                config->on_retry(c->method->path, strempty(detail), delay, c->n_failed, config->userdata);
        return true;
}

static void on_done(ClientCall *call, RpcClass status, const char *detail, Blob *reply, void *userdata)
{
        StubCall *c = userdata;
        const StubConfig *config = &c->stub->config;

        c->call = NULL;
        if (status != RPC_OK) {
                if (!may_repeat(c, status, detail) || !schedule(c, detail))
                        finish(c, status, strempty(detail), NULL);
                return;
        }

        wake_one(c->stub);
        if (c->n_failed > 0 && config->on_retry)
                config->on_retry(c->method->path, NULL, now_monotonic() - c->begin, c->n_failed + 1,
                        config->userdata);
        if (c->on_message)
                finish(c, RPC_OK, "", NULL);
        else if (!reply && c->method->reply != RPC_EMPTY)
                finish(c, RPC_INTERNAL, "the call ended without a reply", NULL);
        else
                finish_reply(c, reply);
}

static void on_message(ClientCall *call, Blob *bytes, void *userdata)
{
        StubCall *c = userdata;
        RpcKind kind = c->method->reply;
        _cleanup_free_ char *text = NULL;
        void *message;

        int r = rpc_decode(kind, bytes, &message, &text);
        if (r < 0) {
                finish(c, RPC_INTERNAL, r == -ENOMEM ? "out of memory" : strempty(text), NULL);
                return;
        }
        c->delivered = true;
        c->on_message(message, c->message_userdata);
        rpc_free(kind, message);
}

static size_t reply_max(RpcKind kind)
{
        switch (kind) {
        case RPC_PULL_OBJECT_RESPONSE:
        case RPC_PULL_APP_INPUTS_RESPONSE:
        case RPC_PULL_MESSAGES_RESPONSE:
        case RPC_PULL_APP_MESSAGES_RESPONSE:
        case RPC_PUSH_APP_MESSAGES_RESPONSE:
                return REPLY_BULK_MAX;
        default:
                return REPLY_MAX;
        }
}

static int sign(StubCall *c, Header *ret, size_t *ret_n)
{
        AuthHeaders h;

        *ret_n = 0;
        if (!c->stub->config.signer)
                return 0;

        int r = auth_signer_headers(c->stub->config.signer, now_realtime(), &h);
        if (r < 0)
                return r;
        ret[0] = (Header){AUTH_HEADER_KEY, h.pem, h.pem_size};
        ret[1] = (Header){AUTH_HEADER_TIMESTAMP, h.timestamp, h.timestamp_size};
        ret[2] = (Header){AUTH_HEADER_SIGNATURE, h.signature, h.signature_size};
        *ret_n = SIGNATURE_HEADERS;
        return 0;
}

static int copy_request(const BlobVec *from, BlobVec *ret)
{
        for (unsigned i = 0; i < from->n; i++) {
                int r = blobvec_append(ret, blob_ref(from->v[i]));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int attempt(StubCall *c)
{
        _cleanup_free_ Header *headers = new0(Header, c->n_headers + SIGNATURE_HEADERS);
        _cleanup_blobvec_ BlobVec request = {0};
        size_t n;

        if (!headers)
                return -ENOMEM;
        int r = sign(c, headers, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < c->n_headers; i++)
                headers[n++] = c->headers[i];
        r = copy_request(&c->request, &request);
        if (r < 0)
                return r;

        const ClientCallConfig config = {
                .path = c->method->path,
                .headers = headers,
                .n_headers = n,
                .timeout = c->timeout,
                .max_reply = reply_max(c->method->reply),
                .on_message = c->on_message ? on_message : NULL,
                .on_done = on_done,
                .userdata = c,
        };
        return channel_call(c->stub->config.channel, &config, &request, &c->call);
}

static int copy_headers(StubCall *c, const StubOptions *options)
{
        if (options->n_headers == 0)
                return 0;

        c->headers = new0(Header, options->n_headers);
        if (!c->headers)
                return -ENOMEM;
        for (; c->n_headers < options->n_headers; c->n_headers++) {
                const Header *from = &options->headers[c->n_headers];
                _cleanup_free_ char *name = strdup(from->name);
                void *value = malloc(MAX(from->size, (size_t) 1));
                if (!name || !value) {
                        free(value);
                        return -ENOMEM;
                }
                memcpy(value, from->value, from->size);
                c->headers[c->n_headers] = (Header){TAKE_PTR(name), value, from->size};
        }
        return 0;
}

static int start(Stub *s, RpcMethodId method, const void *request, const StubOptions *options,
        stub_done_t done, void *userdata, void *message_userdata, StubCall **ret)
{
        static const StubOptions defaults = {0};
        _cleanup_(call_freep) StubCall *c = new0(StubCall, 1);

        if (!c)
                return -ENOMEM;
        if (!options)
                options = &defaults;
        *c = (StubCall){
                .stub = s,
                .method = &RPC_METHODS[method],
                .timeout = options->timeout > 0 ? options->timeout : USEC_INFINITY,
                .no_retry = options->flags & STUB_NO_RETRY,
                .on_message = options->on_message,
                .done = done,
                .userdata = userdata,
                .message_userdata = message_userdata,
                .begin = now_monotonic(),
        };
        int r = copy_headers(c, options);
        if (r < 0)
                return r;
        r = rpc_encode(c->method->request, request, &c->request);
        if (r < 0)
                return r;
        r = attempt(c);
        if (r < 0)
                return r;

        DL_APPEND(s->calls, c);
        if (ret)
                *ret = c;
        c = NULL;
        return 0;
}

int stub_call(Stub *s, RpcMethodId method, const void *request, const StubOptions *options, stub_done_t done,
        void *userdata, StubCall **ret)
{
        return start(s, method, request, options, done, userdata, userdata, ret);
}

StubCall *stub_call_cancel(StubCall *c)
{
        return call_free(c);
}

typedef struct Wait {
        bool over;
        RpcClass status;
        char *detail;
        void *reply;
} Wait;

static void on_wait_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Wait *w = userdata;

        w->over = true;
        w->status = status;
        w->detail = strdup(strempty(detail));
        w->reply = TAKE_PTR(*reply);
}

int stub_call_wait(Stub *s, sd_event *event, RpcMethodId method, const void *request,
        const StubOptions *options, void *userdata_of_on_message, RpcClass *ret_status, char **ret_detail,
        void **ret_reply)
{
        StubCall *c = NULL;
        Wait w = {0};

        int r = start(s, method, request, options, on_wait_done, &w, userdata_of_on_message, &c);
        if (r < 0)
                return r;
        while (!w.over) {
                r = sd_event_run(event, UINT64_MAX);
                if (r < 0) {
                        if (!w.over)
                                stub_call_cancel(c);
                        break;
                }
        }
        if (!w.over)
                return r;
        if (!w.detail) {
                rpc_free(RPC_METHODS[method].reply, w.reply);
                return -ENOMEM;
        }
        *ret_status = w.status;
        *ret_detail = w.detail;
        *ret_reply = w.reply;
        return 0;
}
