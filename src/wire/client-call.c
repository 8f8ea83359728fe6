#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "wire/channel-internal.h"
#include "wire/grpc-status.h"

#define USER_AGENT "grpc-c/" PACKAGE_VERSION " (nghttp2)"

static void call_set_ready(ClientCall *c)
{
        if (!c->is_ready) {
                c->is_ready = true;
                TAILQ_INSERT_TAIL(&c->channel->ready, c, ready);
        }
        channel_wake(c->channel);
}

/* Takes it out of its list, and off its stream if it has one. */
static void call_detach(ClientCall *c)
{
        if (c->state == CLIENT_CALL_PENDING)
                TAILQ_REMOVE(&c->channel->pending, c, list);
        else if (c->state == CLIENT_CALL_ACTIVE) {
                if (c->stream)
                        h2_stream_set_userdata(c->stream, NULL);
                TAILQ_REMOVE(&c->conn->calls, c, list);
        }
        c->state = CLIENT_CALL_DONE;
        c->stream = NULL;
        c->conn = NULL;
}

void client_call_finish(ClientCall *c, RpcClass status, const char *detail)
{
        ClientConn *conn = c->conn;

        if (c->state == CLIENT_CALL_DONE)
                return;
        if (c->stream && !h2_stream_is_done(c->stream)) {
                (void) h2_stream_reset(c->stream, NGHTTP2_CANCEL);
                stream_want_write(conn->stream);
        }
        call_detach(c);
        c->timer = sd_event_source_disable_unref(c->timer);
        c->status = status;
        /* Without memory the status has to do. */
        (void) free_and_strdup(&c->detail, detail);
        if (conn)
                client_conn_check_drained(conn);
        call_set_ready(c);
}

ClientCall *client_call_free(ClientCall *c)
{
        ReplyMessage *m;

        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->timer);
        for (size_t i = 0; i < c->n_headers; i++) {
                free(c->header_names[i]);
                free(c->header_values[i]);
        }
        free(c->header_names);
        free(c->header_values);
        while ((m = STAILQ_FIRST(&c->messages))) {
                STAILQ_REMOVE_HEAD(&c->messages, list);
                blob_unref(m->message);
                free(m);
        }
        grpc_reader_done(&c->reader);
        blobvec_done(&c->message);
        blob_unref(c->reply);
        free(c->path);
        free(c->detail);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(ClientCall *, client_call_free);

ClientCall *client_call_cancel(ClientCall *c)
{
        Channel *ch = c ? c->channel : NULL;

        if (!c || c->in_done)
                return NULL;
        client_call_finish(c, RPC_CANCELLED, NULL);
        TAILQ_REMOVE(&ch->ready, c, ready);
        if (ch->in_callback == c)
                ch->in_callback = NULL;
        return client_call_free(c);
}

static int call_on_deadline(sd_event_source *es, uint64_t usec, void *userdata)
{
        client_call_finish(userdata, RPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
        return 0;
}

static char *header_value(const Header *h)
{
        const char *dot = endswith(h->name, "-bin");

        return dot ? base64_encode(h->value, h->size, false) : strndup(h->value, h->size);
}

static int call_copy_headers(ClientCall *c, const ClientCallConfig *config)
{
        if (config->n_headers > CALL_HEADERS_MAX)
                return -E2BIG;
        c->header_names = new0(char *, config->n_headers);
        c->header_values = new0(char *, config->n_headers);
        if (!c->header_names || !c->header_values)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_headers; i++) {
                c->n_headers = i + 1;
                c->header_names[i] = strdup(config->headers[i].name);
                c->header_values[i] = header_value(&config->headers[i]);
                if (!c->header_names[i] || !c->header_values[i])
                        return -ENOMEM;
        }
        return 0;
}

static int call_set_deadline(ClientCall *c, usec_t timeout)
{
        c->deadline = USEC_INFINITY;
        if (timeout == USEC_INFINITY)
                return 0;
        c->deadline = now_monotonic() + timeout;
        return sd_event_add_time(c->channel->event, &c->timer, CLOCK_MONOTONIC, c->deadline, USEC_PER_MSEC,
                call_on_deadline, c);
}

int client_call_new(Channel *ch, const ClientCallConfig *config, BlobVec *message, ClientCall **ret)
{
        _cleanup_(client_call_freep) ClientCall *c = NULL;
        _cleanup_blobvec_ BlobVec m = *message;
        int r;

        *message = (BlobVec){};
        c = new0(ClientCall, 1);
        if (!c)
                return -ENOMEM;
        *c = (ClientCall){
                .channel = ch,
                .state = CLIENT_CALL_PENDING,
                .message = m,
                .max_reply = config->max_reply,
                .on_message = config->on_message,
                .on_done = config->on_done,
                .userdata = config->userdata,
        };
        m = (BlobVec){};
        STAILQ_INIT(&c->messages);
        r = free_and_strdup(&c->path, config->path);
        if (r < 0)
                return r;
        r = call_copy_headers(c, config);
        if (r < 0)
                return r;
        r = call_set_deadline(c, config->timeout);
        if (r < 0)
                return r;
        TAILQ_INSERT_TAIL(&ch->pending, c, list);
        *ret = TAKE_PTR(c);
        return 0;
}

static size_t call_fields(const ClientCall *c, const ClientConn *conn, char *timeout, H2Field *f)
{
        const Channel *ch = conn->channel;
        usec_t now = now_monotonic();
        size_t n = 0;

        f[n++] = (H2Field){":method", "POST"};
        f[n++] = (H2Field){":scheme", ch->tls ? "https" : "http"};
        f[n++] = (H2Field){":path", c->path};
        f[n++] = (H2Field){":authority", ch->unix_path ? "localhost" : ch->address};
        f[n++] = (H2Field){"te", "trailers"};
        f[n++] = (H2Field){"content-type", "application/grpc"};
        f[n++] = (H2Field){"user-agent", USER_AGENT};
        f[n++] = (H2Field){"grpc-accept-encoding", "identity"};
        if (c->deadline != USEC_INFINITY)
                f[n++] = (H2Field){"grpc-timeout",
                        grpc_timeout_format(c->deadline > now ? c->deadline - now : 0, timeout)};
        for (size_t i = 0; i < c->n_headers; i++)
                f[n++] = (H2Field){c->header_names[i], c->header_values[i]};
        return n;
}

static void call_reset_reply(ClientCall *c)
{
        grpc_reader_done(&c->reader);
        c->reader = (GrpcReader){.max = c->max_reply};
}

int client_call_submit(ClientCall *c, ClientConn *conn)
{
        char timeout[GRPC_TIMEOUT_TEXT_MAX];
        H2Field f[H2_FIELDS_MAX];
        BlobVec copy = {};
        H2Stream *st;
        int r;

        r = h2_session_request(conn->h2, f, call_fields(c, conn, timeout, f), c, &st);
        if (r < 0)
                return r;
        TAILQ_REMOVE(&c->channel->pending, c, list);
        TAILQ_INSERT_TAIL(&conn->calls, c, list);
        c->state = CLIENT_CALL_ACTIVE;
        c->conn = conn;
        c->stream = st;
        call_reset_reply(c);
        for (unsigned i = 0; i < c->message.n; i++)
                (void) blobvec_append(&copy, blob_ref(c->message.v[i]));
        stream_want_write(conn->stream);
        r = h2_stream_send(st, &copy);
        if (r < 0)
                return r;
        return h2_stream_end(st, NULL, 0);
}

void client_call_move(ClientCall *c)
{
        call_detach(c);
        c->state = CLIENT_CALL_PENDING;
        c->n_moves++;
        TAILQ_INSERT_TAIL(&c->channel->pending, c, list);
        channel_wake(c->channel);
}

static void call_finish_by_status(ClientCall *c, const HeaderFields *m, const char *status)
{
        _cleanup_free_ char *text = NULL;
        const char *message;
        RpcClass class;
        size_t size;

        if (grpc_status_parse(status, &class) < 0)
                class = RPC_UNKNOWN;
        message = header_fields_get(m, "grpc-message", &size);
        if (message)
                text = grpc_message_decode(message, size);
        if (class == RPC_OK && !grpc_reader_is_idle(&c->reader)) {
                client_call_finish(c, RPC_INTERNAL, "The server's answer ends inside a message.");
                return;
        }
        client_call_finish(c, class, text);
}

void client_call_headers(ClientCall *c)
{
        const char *status, *type;
        char text[96];
        HeaderFields *m;

        if (h2_stream_headers(c->stream, &m) < 0) {
                client_call_finish(c, RPC_RESOURCE_EXHAUSTED, "The server's answer has too much metadata.");
                return;
        }
        status = header_fields_get(m, ":status", NULL);
        type = header_fields_get(m, "content-type", NULL);
        if (header_fields_get(m, "grpc-status", NULL))
                return;
        if (!streq_ptr(status, "200")) {
                snprintf(
                        text, sizeof(text), "The server answered with HTTP status %.16s.", strempty(status));
                client_call_finish(c,
                        grpc_class_from_http_status((unsigned) strtoul(strempty(status), NULL, 10)), text);
        } else if (!type || !startswith(type, "application/grpc"))
                client_call_finish(c, RPC_UNKNOWN, "The server's answer is not gRPC (by its content-type).");
}

static int call_take_reply(ClientCall *c, Blob *b)
{
        ReplyMessage *m;

        blob_unref(c->reply);
        c->reply = b;
        if (!c->on_message)
                return 0;
        m = new0(ReplyMessage, 1);
        if (!m)
                return -ENOMEM;
        m->message = blob_ref(b);
        STAILQ_INSERT_TAIL(&c->messages, m, list);
        call_set_ready(c);
        return 0;
}

static void call_refuse_reply(ClientCall *c, int error)
{
        char text[96];

        switch (error) {
        case -EMSGSIZE:
                snprintf(text, sizeof(text), "The server's answer is larger than the limit of %zu bytes.",
                        c->max_reply);
                client_call_finish(c, RPC_RESOURCE_EXHAUSTED, text);
                break;
        case -EBADMSG:
                client_call_finish(
                        c, RPC_INTERNAL, "The server's answer is compressed, which was not negotiated.");
                break;
        default:
                client_call_finish(c, RPC_RESOURCE_EXHAUSTED, "Out of memory");
        }
}

void client_call_data(ClientCall *c, const uint8_t *data, size_t size)
{
        while (size > 0) {
                ssize_t n;
                Blob *b;

                n = grpc_reader_feed(&c->reader, data, size, &b);
                if (n >= 0 && b && call_take_reply(c, b) < 0)
                        n = -ENOMEM;
                if (n < 0) {
                        call_refuse_reply(c, (int) n);
                        return;
                }
                data += n;
                size -= (size_t) n;
        }
}

void client_call_end(ClientCall *c)
{
        HeaderFields *headers, *trailers = h2_stream_trailers(c->stream);
        const char *status;

        status = header_fields_get(trailers, "grpc-status", NULL);
        if (status) {
                call_finish_by_status(c, trailers, status);
                return;
        }
        (void) h2_stream_headers(c->stream, &headers);
        status = header_fields_get(headers, "grpc-status", NULL);
        if (status)
                call_finish_by_status(c, headers, status);
        else
                client_call_finish(c, RPC_UNKNOWN, "The server's answer ended without a status.");
}

void client_call_closed(ClientCall *c, H2CloseReason reason, uint32_t error_code)
{
        char text[96];

        c->stream = NULL;
        if (reason == H2_CLOSED_REFUSED && c->n_moves < CALL_MOVES_MAX) {
                ClientConn *conn = c->conn;

                client_call_move(c);
                client_conn_check_drained(conn);
                return;
        }
        if (reason == H2_CLOSED_NORMALLY)
                snprintf(text, sizeof(text), "The server ended the call without a status.");
        else
                snprintf(text, sizeof(text), "The server reset the call (%s).",
                        nghttp2_http2_strerror(error_code));
        client_call_finish(c, grpc_class_from_h2_error(error_code), text);
}

void client_call_complete(ClientCall *c)
{
        if (c->is_ready)
                TAILQ_REMOVE(&c->channel->ready, c, ready);
        c->is_ready = false;
        c->in_done = true;
        if (c->on_done)
                c->on_done(c, c->status, c->detail, c->reply, c->userdata);
        client_call_free(c);
}

void client_call_deliver(ClientCall *c)
{
        Channel *ch = c->channel;
        ReplyMessage *m;

        ch->in_callback = c;
        while ((m = STAILQ_FIRST(&c->messages))) {
                _cleanup_blob_ Blob *b = m->message;

                STAILQ_REMOVE_HEAD(&c->messages, list);
                free(m);
                c->on_message(c, b, c->userdata);
                if (ch->in_callback != c)
                        return;
        }
        ch->in_callback = NULL;
        if (c->state == CLIENT_CALL_DONE) {
                client_call_complete(c);
                return;
        }
        TAILQ_REMOVE(&ch->ready, c, ready);
        c->is_ready = false;
}
