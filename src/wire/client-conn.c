#include <nghttp2/nghttp2.h>
#include <time.h>

#include "wire/channel-internal.h"

bool client_conn_is_usable(const ClientConn *c)
{
        return c->h2 && !c->draining;
}

void client_conn_check_drained(ClientConn *c)
{
        if (c->draining && TAILQ_EMPTY(&c->calls))
                stream_shutdown(c->stream);
}

static void conn_stop_using(ClientConn *c)
{
        c->draining = true;
        if (c->channel->current == c)
                c->channel->current = NULL;
        channel_wake(c->channel);
}

static void on_h2_headers(H2Stream *st, void *userdata)
{
        ClientCall *call = h2_stream_userdata(st);

        if (call)
                client_call_headers(call);
}

static void on_h2_data(H2Stream *st, const uint8_t *data, size_t size, void *userdata)
{
        ClientCall *call = h2_stream_userdata(st);

        h2_stream_consume(st, size);
        if (call)
                client_call_data(call, data, size);
}

static void on_h2_end(H2Stream *st, void *userdata)
{
        ClientCall *call = h2_stream_userdata(st);

        if (call)
                client_call_end(call);
}

static void on_h2_close(H2Stream *st, H2CloseReason reason, uint32_t error_code, void *userdata)
{
        ClientCall *call = h2_stream_userdata(st);

        if (call)
                client_call_closed(call, reason, error_code);
}

static void on_h2_settings(void *userdata)
{
        ClientConn *c = userdata;

        c->seen_settings = true;
        c->timer = sd_event_source_disable_unref(c->timer);
}

static void on_h2_goaway(uint32_t error_code, const char *debug, void *userdata)
{
        ClientConn *c = userdata;

        c->goaway_code = error_code;
        (void) free_and_strdup(&c->goaway_text, isempty(debug) ? NULL : debug);
        conn_stop_using(c);
        client_conn_check_drained(c);
}

static const H2Events h2_events = {
        .on_headers = on_h2_headers,
        .on_data = on_h2_data,
        .on_end = on_h2_end,
        .on_close = on_h2_close,
        .on_settings = on_h2_settings,
        .on_goaway = on_h2_goaway,
};

static void on_stream_ready(Stream *s, void *userdata)
{
        ClientConn *c = userdata;
        int r;

        if (!stream_speaks_h2(s)) {
                stream_fail(s, -EPROTONOSUPPORT);
                return;
        }
        r = h2_session_new(false, &h2_events, c, &c->h2);
        if (r < 0) {
                stream_fail(s, r);
                return;
        }
        stream_want_write(s);
        channel_wake(c->channel);
}

static int on_stream_data(Stream *s, const uint8_t *data, size_t size, void *userdata)
{
        ClientConn *c = userdata;
        size_t n = MIN(size, sizeof(c->first_bytes) - c->n_first_bytes);

        if (n > 0) {
                memcpy(c->first_bytes + c->n_first_bytes, data, n);
                c->n_first_bytes += n;
        }
        if (!c->h2)
                return 0;
        stream_want_write(s);
        return h2_session_receive(c->h2, data, size);
}

static ssize_t on_stream_produce(Stream *s, uint8_t *buf, size_t size, void *userdata)
{
        ClientConn *c = userdata;
        ssize_t n;

        if (!c->h2)
                return 0;
        n = h2_session_produce(c->h2, buf, size);
        if (n == 0 && h2_session_is_finished(c->h2))
                stream_shutdown(s);
        return n;
}

static const char *explain_plain_trouble(const ClientConn *c, int error)
{
        if (error == -ETIMEDOUT)
                return "the server accepted the connection but did not answer";
        if (c->n_first_bytes == 0)
                return "the server closed the connection without an answer: it probably expects TLS; "
                       "connect with its "
                       "CA certificate instead of --insecure";
        if (c->n_first_bytes >= 2 && (c->first_bytes[0] == 0x15 || c->first_bytes[0] == 0x16) &&
                c->first_bytes[1] == 0x03)
                return "the server answered with something that is not HTTP/2: it expects TLS; connect with "
                       "its CA "
                       "certificate instead of --insecure";
        if (c->n_first_bytes >= 4 && memcmp(c->first_bytes, "HTTP", 4) == 0)
                return "the server speaks HTTP/1.1, not gRPC; is this the right port?";
        return "the server answered with something that is not HTTP/2: it probably expects TLS, or is not a "
               "gRPC "
               "server";
}

static char *explain_handshake(const ClientConn *c, int error, const char *detail)
{
        const char *address = c->channel->address;

        if (!c->channel->tls)
                return xasprintf(
                        "HTTP/2 handshake failed with %s: %s", address, explain_plain_trouble(c, error));
        if (error == -EPROTONOSUPPORT)
                detail = "the server does not speak HTTP/2 over TLS (ALPN h2)";
        else if (error == -ETIMEDOUT)
                detail = "the server accepted the connection but did not answer";
        else if (!detail)
                detail = c->h2 || error < 0
                                 ? "the connection broke off"
                                 : "the server closed the connection; perhaps it does not speak TLS";
        return xasprintf("TLS handshake failed with %s: %s", address, detail);
}

static char *explain_loss(const ClientConn *c, int error)
{
        const char *address = c->channel->address;

        if (c->goaway_code != NGHTTP2_NO_ERROR || c->goaway_text)
                return xasprintf("The server %s ended the connection (%s%s%s).", address,
                        nghttp2_http2_strerror(c->goaway_code), c->goaway_text ? ": " : "",
                        strempty(c->goaway_text));
        return xasprintf("The connection to %s was lost: %s", address,
                error == 0 ? "closed by the server" : strerror(-error));
}

static void on_stream_closed(Stream *s, int error, const char *detail, void *userdata)
{
        ClientConn *c = userdata;
        Channel *ch = c->channel;
        _cleanup_free_ char *text = NULL;
        ClientCall *call;

        text = c->seen_settings ? explain_loss(c, error) : explain_handshake(c, error, detail);
        conn_stop_using(c);
        /* The stream is closed: nothing more can be said on it, so the calls need no reset. */
        while ((call = TAILQ_FIRST(&c->calls))) {
                h2_stream_set_userdata(call->stream, NULL);
                call->stream = NULL;
                client_call_finish(call, RPC_UNAVAILABLE, text);
        }
        if (!c->seen_settings)
                channel_fail_pending(ch, text);
        client_conn_free(c);
}

static const StreamEvents stream_events = {
        .on_ready = on_stream_ready,
        .on_data = on_stream_data,
        .produce = on_stream_produce,
        .on_closed = on_stream_closed,
};

static int on_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        ClientConn *c = userdata;

        stream_fail(c->stream, -ETIMEDOUT);
        return 0;
}

ClientConn *client_conn_free(ClientConn *c)
{
        if (!c)
                return NULL;
        if (c->channel->current == c)
                c->channel->current = NULL;
        LIST_REMOVE(c, list);
        sd_event_source_disable_unref(c->timer);
        h2_session_free(c->h2);
        stream_free(c->stream);
        free(c->goaway_text);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(ClientConn *, client_conn_free);

int client_conn_new(Channel *ch, int fd, ClientConn **ret)
{
        _cleanup_(client_conn_freep) ClientConn *c = NULL;
        int r;

        c = new0(ClientConn, 1);
        if (!c) {
                safe_close(fd);
                return -ENOMEM;
        }
        c->channel = ch;
        TAILQ_INIT(&c->calls);
        LIST_INSERT_HEAD(&ch->conns, c, list);
        r = stream_new(ch->io, fd, ch->tls, ch->host, &stream_events, c, &c->stream);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        r = sd_event_add_time_relative(
                ch->event, &c->timer, CLOCK_MONOTONIC, CONNECT_TIMEOUT_USEC, USEC_PER_MSEC, on_timer, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
