#include <nghttp2/nghttp2.h>
#include <time.h>

#include "wire/server-internal.h"

/* For people who point curl or a browser at the port. */
#define REFUSAL                                                                                             \
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 32\r\nConnection: "        \
        "close\r\n"                                                                                         \
        "\r\nThis port speaks gRPC (HTTP/2).\n"

static bool conn_is_idle(const ServerConn *c)
{
        return !c->h2 || h2_session_n_streams(c->h2) == 0;
}

void server_conn_want_write(ServerConn *c)
{
        stream_want_write(c->stream);
}

/* Once nothing is left to do the stream ends; the rest follows from on_closed. */
static void conn_check_finished(ServerConn *c)
{
        if (!c->h2 || (c->goaway_sent && conn_is_idle(c)) || h2_session_is_finished(c->h2))
                stream_shutdown(c->stream);
}

/* Also from inside nghttp2: what follows from it is looked at when it has been produced. */
static void conn_send_goaway(ServerConn *c)
{
        if (c->goaway_sent)
                return;
        c->goaway_sent = true;
        if (c->h2)
                (void) h2_session_goaway(c->h2);
        stream_want_write(c->stream);
}

static void conn_goaway(ServerConn *c)
{
        conn_send_goaway(c);
        conn_check_finished(c);
}

static void conn_arm(ServerConn *c, usec_t pause)
{
        (void) sd_event_source_set_time_relative(c->timer, pause);
        (void) sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* A restart waits for this timer, so it may not be late, as one for idleness may. */
static void conn_arm_drain(ServerConn *c)
{
        (void) sd_event_source_set_time_accuracy(c->timer, USEC_PER_MSEC);
        conn_arm(c, CONN_DRAIN_USEC);
}

/* Who has just come has a call on the way, and nowhere else to go with it yet. */
void server_conn_drain(ServerConn *c)
{
        if (c->h2 &&
                (c->had_call || (c->seen_settings && c->idle_since + CONN_DRAIN_USEC <= now_monotonic())))
                conn_goaway(c);
        else
                conn_arm_drain(c);
}

static void on_h2_headers(H2Stream *st, void *userdata)
{
        ServerConn *c = userdata;

        c->had_call = true;
        server_call_begin(c, st);
}

static void on_h2_data(H2Stream *st, const uint8_t *data, size_t size, void *userdata)
{
        Call *call = h2_stream_userdata(st);

        h2_stream_consume(st, size);
        if (call)
                server_call_data(call, data, size);
}

static void on_h2_end(H2Stream *st, void *userdata)
{
        Call *call = h2_stream_userdata(st);

        if (call)
                server_call_end(call);
}

static void on_h2_sent(H2Stream *st, size_t size, void *userdata)
{
        Call *call = h2_stream_userdata(st);

        if (call)
                atomic_fetch_sub(&call->unsent, size);
}

static void on_h2_close(H2Stream *st, H2CloseReason reason, uint32_t error_code, void *userdata)
{
        ServerConn *c = userdata;
        Call *call = h2_stream_userdata(st);

        c->idle_since = now_monotonic();
        if (call)
                server_call_detach(call);
        if (c->worker->draining)
                conn_send_goaway(c);
        if (c->goaway_sent)
                stream_want_write(c->stream);
}

static void on_h2_settings(void *userdata)
{
        ServerConn *c = userdata;

        c->seen_settings = true;
        c->idle_since = now_monotonic();
        if (c->worker->draining)
                conn_arm_drain(c);
        else
                conn_arm(c, CONN_IDLE_USEC);
}

static const H2Events h2_events = {
        .on_headers = on_h2_headers,
        .on_data = on_h2_data,
        .on_end = on_h2_end,
        .on_sent = on_h2_sent,
        .on_close = on_h2_close,
        .on_settings = on_h2_settings,
};

static void conn_refuse_dialect(ServerConn *c)
{
        c->h2 = h2_session_free(c->h2);
        c->refusal = REFUSAL;
        stream_want_write(c->stream);
        stream_shutdown(c->stream);
}

static void on_stream_ready(Stream *s, void *userdata)
{
        ServerConn *c = userdata;
        int r;

        if (!stream_speaks_h2(s)) {
                conn_refuse_dialect(c);
                return;
        }
        r = h2_session_new(true, &h2_events, c, &c->h2);
        if (r < 0) {
                stream_fail(s, r);
                return;
        }
        if (c->worker->draining)
                server_conn_drain(c);
}

static int on_stream_data(Stream *s, const uint8_t *data, size_t size, void *userdata)
{
        ServerConn *c = userdata;
        int r;

        if (!c->h2)
                return 0;
        stream_want_write(s);
        r = h2_session_receive(c->h2, data, size);
        if (r == -EPROTONOSUPPORT) {
                conn_refuse_dialect(c);
                return 0;
        }
        c->seen_preface = true;
        return r;
}

static ssize_t on_stream_produce(Stream *s, uint8_t *buf, size_t size, void *userdata)
{
        ServerConn *c = userdata;
        ssize_t n;

        if (c->refusal) {
                n = (ssize_t) strlen(c->refusal);
                memcpy(buf, c->refusal, (size_t) n);
                c->refusal = NULL;
                return n;
        }
        /* Our SETTINGS would be the first thing that a browser shows. */
        if (!c->h2 || !c->seen_preface)
                return 0;
        n = h2_session_produce(c->h2, buf, size);
        if (n == 0)
                conn_check_finished(c);
        return n;
}

static void on_stream_closed(Stream *s, int error, const char *detail, void *userdata)
{
        ServerConn *c = userdata;
        Worker *w = c->worker;

        server_conn_free(c);
        worker_check_drained(w);
}

static const StreamEvents stream_events = {
        .on_ready = on_stream_ready,
        .on_data = on_stream_data,
        .produce = on_stream_produce,
        .on_closed = on_stream_closed,
};

/* First the limit for the handshake, then the one for idleness; it looks only when it fires, so calls need
 * not touch it. */
static int on_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        ServerConn *c = userdata;
        usec_t now = now_monotonic(), due;

        if (c->worker->draining) {
                conn_goaway(c);
                return 0;
        }
        if (!c->seen_settings) {
                stream_fail(c->stream, -ETIMEDOUT);
                return 0;
        }
        due = (conn_is_idle(c) ? c->idle_since : now) + CONN_IDLE_USEC;
        if (due <= now) {
                conn_goaway(c);
                return 0;
        }
        (void) sd_event_source_set_time(es, due);
        (void) sd_event_source_set_enabled(es, SD_EVENT_ONESHOT);
        return 0;
}

ServerConn *server_conn_free(ServerConn *c)
{
        Call *call;

        if (!c)
                return NULL;
        while ((call = LIST_FIRST(&c->calls)))
                server_call_detach(call);
        LIST_REMOVE(c, list);
        atomic_fetch_sub(&c->worker->n_conns, 1);
        sd_event_source_disable_unref(c->timer);
        h2_session_free(c->h2);
        stream_free(c->stream);
        listener_unref(c->listener);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(ServerConn *, server_conn_free);

static int conn_new(NewConn *n)
{
        _cleanup_(server_conn_freep) ServerConn *c = NULL;
        int r;

        c = new0(ServerConn, 1);
        if (!c) {
                atomic_fetch_sub(&n->worker->n_conns, 1);
                return -ENOMEM;
        }
        *c = (ServerConn){
                .worker = n->worker, .listener = listener_ref(n->listener), .is_local = n->is_local};
        strcpy(c->peer, n->peer);
        LIST_INSERT_HEAD(&n->worker->conns, c, list);
        r = sd_event_add_time_relative(n->worker->event, &c->timer, CLOCK_MONOTONIC, CONN_HANDSHAKE_USEC,
                USEC_PER_SEC, on_timer, c);
        if (r < 0)
                return r;
        r = stream_new(n->worker->io, n->fd, n->tls, NULL, &stream_events, c, &c->stream);
        if (r < 0)
                return r;
        n->fd = -EBADF;
        TAKE_PTR(c);
        return 0;
}

void server_conn_accept(Letter *l)
{
        NewConn *n = CONTAINER_OF(l, NewConn, letter);

        if (n->worker->stopping)
                atomic_fetch_sub(&n->worker->n_conns, 1);
        else
                (void) conn_new(n);
        safe_close(n->fd);
        tls_context_unref(n->tls);
        listener_unref(n->listener);
        free(n);
}
