#include "harness.h"

#include <stdio.h>

static int encode_blob(const void *reply, BlobVec *ret)
{
        return blobvec_append(ret, blob_ref((Blob *) reply));
}

static void free_blob(void *p)
{
        blob_unref(p);
}

static void act_echo(Call *c, void *request)
{
        Harness *h = call_userdata(c);

        h->n_acts++;
        call_reply(c, request, encode_blob, free_blob);
}

static void act_fail(Call *c, void *request)
{
        _cleanup_blob_ Blob *b = request;
        char text[64];

        snprintf(text, sizeof(text), "%.*s", (int) MIN(b->size, sizeof(text) - 1), (const char *) b->data);
        call_fail(c, RPCERR_BAD_REQUEST, text);
}

static void act_hold(Call *c, void *request)
{
        Harness *h = call_userdata(c);

        blob_unref(request);
        assert_true(h->n_held < HELD_MAX);
        call_set_data(c, h);
        h->held[h->n_held++] = c;
}

static void cancelled_hold(Call *c)
{
        Harness *h = call_data(c);

        for (size_t i = 0; i < h->n_held; i++)
                if (h->held[i] == c) {
                        h->held[i] = h->held[--h->n_held];
                        h->n_cancelled++;
                        return;
                }
        fail();
}

static void act_stream(Call *c, void *request)
{
        Harness *h = call_userdata(c);
        _cleanup_blob_ Blob *b = request;
        char digits[16];
        int n;

        snprintf(digits, sizeof(digits), "%.*s", (int) MIN(b->size, sizeof(digits) - 1),
                (const char *) b->data);
        n = atoi(digits);
        for (int i = 0; i < n; i++) {
                char text[32];

                snprintf(text, sizeof(text), "message %d", i);
                call_send(c, blob_new_string(text), encode_blob, free_blob);
        }
        if (n > 0)
                call_finish(c);
        else
                h->streaming = c;
}

static void cancelled_stream(Call *c)
{
        Harness *h = call_userdata(c);

        assert_ptr_equal(h->streaming, c);
        h->streaming = NULL;
        h->n_cancelled++;
}

static int prepare_who(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        const char *value;
        size_t size;

        value = call_metadata(c, "x-test-bin", &size);
        if (!value) {
                *ret_error = RPCERR_AUTH_METADATA_MISSING;
                return -ENOENT;
        }
        *ret_request = blob_new(value, size);
        return *ret_request ? 0 : -ENOMEM;
}

const Method harness_methods[] = {
        {.path = "/t/Echo", .max_request = 64 * 1024 * 1024, .act = act_echo},
        {.path = "/t/Fail", .max_request = 1024, .act = act_fail},
        {.path = "/t/Hold", .max_request = 1024, .act = act_hold, .cancelled = cancelled_hold},
        {.path = "/t/Stream",
                .flags = METHOD_STREAM,
                .max_request = 1024,
                .act = act_stream,
                .cancelled = cancelled_stream},
        {.path = "/t/Small", .max_request = 100, .act = act_echo},
        {.path = "/t/Who",
                .max_request = 100,
                .prepare = prepare_who,
                .act = act_echo,
                .free_request = free_blob},
        {},
};

static const Method *const services[] = {harness_methods, NULL};

static void *worker_new(void)
{
        return malloc(1);
}

static void start_server(Harness *h, const HarnessConfig *config)
{
        const ServerConfig sc = {
                .event = h->event,
                .n_workers = config->n_workers,
                .max_connections = config->max_connections,
                .worker_new = worker_new,
                .worker_free = free,
        };
        const char *host = config->host ? config->host : "127.0.0.1";
        char *text = NULL, address[64];

        snprintf(address, sizeof(address), "%s:0", host);
        const ListenerConfig lc = {
                .name = "test",
                .address = address,
                .fd = -EBADF,
                .tls = config->server_tls,
                .services = services,
                .userdata = h,
                .local_only = config->local_only,
        };
        assert_int_equal(server_new(&sc, &h->server), 0);
        assert_int_equal(server_listen(h->server, &lc, &h->listener, &text), 0);
        assert_null(text);
        assert_int_equal(server_start(h->server), 0);
        snprintf(h->address, sizeof(h->address), "%s:%u", config->client_host ? config->client_host : host,
                listener_port(h->listener));
}

Harness *harness_new(const HarnessConfig *config)
{
        Harness *h = new0(Harness, 1);

        assert_non_null(h);
        assert_int_equal(sd_event_new(&h->event), 0);
        start_server(h, config);
        assert_int_equal(channel_new(h->event, h->address, config->client_tls, &h->channel), 0);
        return h;
}

Harness *harness_free(Harness *h)
{
        channel_free(h->channel);
        server_free(h->server);
        assert_int_equal(h->n_held, 0);
        sd_event_unref(h->event);
        free(h);
        return NULL;
}

void harness_release_held(Harness *h, const char *text)
{
        while (h->n_held > 0)
                call_reply(h->held[--h->n_held], blob_new_string(text), encode_blob, free_blob);
}

void harness_run_for(Harness *h, usec_t time)
{
        usec_t end = now_monotonic() + time;

        while (now_monotonic() < end)
                assert_true(sd_event_run(h->event, 10 * USEC_PER_MSEC) >= 0);
}

static void on_message(ClientCall *c, Blob *message, void *userdata)
{
        Outcome *o = userdata;

        o->n_messages++;
        o->n_bytes += message->size;
}

static void on_done(ClientCall *c, RpcClass status, const char *detail, Blob *reply, void *userdata)
{
        Outcome *o = userdata;

        assert_false(o->done);
        o->done = true;
        o->status = status;
        o->detail = detail ? strdup(detail) : NULL;
        o->reply = reply ? blob_ref(reply) : NULL;
}

ClientCall *harness_call(Harness *h, const char *path, Blob *message, usec_t timeout, Outcome *o)
{
        const Header headers[] = {{"x-plain", "value", 5}, {"x-test-bin", "\0\xff\x01", 3}};
        const ClientCallConfig config = {
                .path = path,
                .headers = headers,
                .n_headers = ELEMENTSOF(headers),
                .timeout = timeout,
                .max_reply = 64 * 1024 * 1024,
                .on_message = on_message,
                .on_done = on_done,
                .userdata = o,
        };
        BlobVec v = {};
        ClientCall *c;

        *o = (Outcome){.harness = h};
        assert_int_equal(blobvec_append(&v, message), 0);
        assert_int_equal(channel_call(h->channel, &config, &v, &c), 0);
        return c;
}

void harness_call_sync(Harness *h, const char *path, const char *text, Outcome *o)
{
        harness_call(h, path, blob_new_string(text), 10 * USEC_PER_SEC, o);
        harness_run_until(h, o->done);
}

void outcome_done(Outcome *o)
{
        free(o->detail);
        blob_unref(o->reply);
        *o = (Outcome){};
}

bool outcome_reply_is(const Outcome *o, const char *text)
{
        return o->reply && o->reply->size == strlen(text) &&
               memcmp(o->reply->data, text, o->reply->size) == 0;
}
