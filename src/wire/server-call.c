#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "wire/grpc-status.h"
#include "wire/server-internal.h"

static Call *call_free(Call *c)
{
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->deadline_timer);
        header_fields_done(&c->metadata);
        grpc_reader_done(&c->reader);
        blob_unref(c->message);
        call_item_done(&c->final);
        if (c->free_principal)
                c->free_principal(c->principal);
        listener_unref(c->listener);
        free(c->error_detail);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Call *, call_free);

void server_call_detach(Call *c)
{
        if (!c->conn)
                return;
        h2_stream_set_userdata(c->stream, NULL);
        c->conn->request_bytes -= c->admitted;
        LIST_REMOVE(c, list);
        c->conn = NULL;
        c->stream = NULL;
        c->deadline_timer = sd_event_source_disable_unref(c->deadline_timer);
        if (!c->posted) {
                call_free(c);
                return;
        }
        if (!c->answer_seen) {
                atomic_store(&c->cancelled, true);
                c->cancel_posted = true;
                mailbox_post(c->worker->server->mailbox, &c->cancel_letter);
        }
}

/* The stream cannot be served for want of memory: the peer may try again. */
static void call_give_up(Call *c)
{
        (void) h2_stream_reset(c->stream, NGHTTP2_INTERNAL_ERROR);
        server_call_detach(c);
}

static const H2Field response_fields[] = {
        {":status", "200"},
        {"content-type", "application/grpc"},
        {"grpc-accept-encoding", "identity"},
};
#define N_RESPONSE_FIELDS ELEMENTSOF(response_fields)

static int call_send_headers(Call *c)
{
        if (c->headers_sent)
                return 0;
        c->headers_sent = true;
        return h2_stream_respond(c->stream, response_fields, N_RESPONSE_FIELDS, false);
}

/* The end of the answer; status and text go alone when nothing has been sent yet. */
static int call_send_status(Call *c, RpcClass class, const char *text)
{
        _cleanup_free_ char *message = NULL;
        char number[16];
        H2Field f[N_RESPONSE_FIELDS + 2];
        size_t n = 0;

        snprintf(number, sizeof(number), "%d", grpc_status_from_class(class));
        if (!c->headers_sent)
                for (; n < N_RESPONSE_FIELDS - 1; n++)
                        f[n] = response_fields[n];
        f[n++] = (H2Field){"grpc-status", number};
        if (!isempty(text)) {
                message = grpc_message_encode(text);
                if (!message)
                        return -ENOMEM;
                f[n++] = (H2Field){"grpc-message", message};
        }
        if (c->headers_sent)
                return h2_stream_end(c->stream, f, n);
        return h2_stream_respond(c->stream, f, n, true);
}

/* Answers from here; the core, if it has the call, is told that it is over. */
static void call_refuse(Call *c, RpcErrorId id, const char *detail)
{
        _cleanup_free_ char *text = rpc_error_format(id, detail);

        server_conn_want_write(c->conn);
        if (call_send_status(c, rpc_error_row(id)->class, text) < 0)
                call_give_up(c);
        else
                server_call_detach(c);
}

static int call_on_deadline(sd_event_source *es, uint64_t usec, void *userdata)
{
        call_refuse(userdata, RPCERR_DEADLINE, NULL);
        return 0;
}

static int call_set_deadline(Call *c)
{
        const char *s = header_fields_get(&c->metadata, "grpc-timeout", NULL);
        usec_t timeout;

        c->deadline = USEC_INFINITY;
        if (!s || grpc_timeout_parse(s, &timeout) < 0)
                return 0;
        c->deadline = now_monotonic() + timeout;
        return sd_event_add_time(c->worker->event, &c->deadline_timer, CLOCK_MONOTONIC, c->deadline,
                USEC_PER_MSEC, call_on_deadline, c);
}

/* Asked by the reader once it knows how long the message is. */
static int call_admit(size_t size, void *userdata)
{
        Call *c = userdata;
        ServerConn *conn = c->conn;

        if (conn->request_bytes > 0 &&
                size > CONN_REQUEST_BYTES_MAX - MIN(conn->request_bytes, CONN_REQUEST_BYTES_MAX))
                return -EBUSY;
        c->admitted += size;
        conn->request_bytes += size;
        return 0;
}

static Call *call_new(ServerConn *conn, H2Stream *stream)
{
        Call *c = new0(Call, 1);

        if (!c)
                return NULL;
        *c = (Call){
                .worker = conn->worker,
                .listener = listener_ref(conn->listener),
                .conn = conn,
                .stream = stream,
                .reader = {.admit = call_admit, .userdata = c},
                .answer_letter.run = call_on_answer,
                .release_letter.run = call_on_release,
                .abort_letter.run = call_on_abort,
        };
        strcpy(c->peer, conn->peer);
        call_init_core(c);
        LIST_INSERT_HEAD(&conn->calls, c, list);
        h2_stream_set_userdata(stream, c);
        return c;
}

static bool is_grpc(const HeaderFields *m)
{
        const char *type = header_fields_get(m, "content-type", NULL), *rest;

        rest = type ? startswith(type, "application/grpc") : NULL;
        return rest && (*rest == '\0' || *rest == '+' || *rest == ';');
}

static RpcErrorId call_check(Call *c, int headers_error, const char **ret_detail)
{
        const char *path = header_fields_get(&c->metadata, ":path", NULL);

        *ret_detail = NULL;
        if (headers_error < 0) {
                *ret_detail = "The call's metadata is too large.";
                return RPCERR_BAD_REQUEST;
        }
        if (!is_grpc(&c->metadata)) {
                *ret_detail = "The content-type is not application/grpc.";
                return RPCERR_BAD_REQUEST;
        }
        if (c->listener->config.local_only && !c->conn->is_local) {
                *ret_detail = "This address serves programs of its own machine only.";
                return RPCERR_LOCAL_ONLY;
        }
        c->method = path ? listener_find_method(c->listener, path) : NULL;
        return c->method ? RPCERR_OK : RPCERR_METHOD_NOT_FOUND;
}

void server_call_begin(ServerConn *conn, H2Stream *stream)
{
        const char *detail;
        RpcErrorId id;
        HeaderFields *m;
        Call *c;
        int r;

        c = call_new(conn, stream);
        if (!c) {
                (void) h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
                return;
        }
        r = h2_stream_headers(stream, &m);
        c->metadata = *m;
        *m = (HeaderFields){};
        id = call_check(c, r, &detail);
        if (id != RPCERR_OK) {
                call_refuse(c, id, detail);
                return;
        }
        c->reader.max = c->method->max_request;
        if (call_set_deadline(c) < 0)
                call_give_up(c);
}

static void call_refuse_message(Call *c, int error)
{
        char text[160];

        switch (error) {
        case -EMSGSIZE:
                snprintf(text, sizeof(text), "The request is larger than %zu bytes, the limit of %s.",
                        c->method->max_request, c->method->path);
                call_refuse(c, RPCERR_TOO_LARGE, text);
                break;
        case -EBUSY:
                call_refuse(c, RPCERR_BUSY, "Too many bytes of requests are under way on this connection.");
                break;
        case -EBADMSG:
                call_refuse(c, RPCERR_BAD_REQUEST, "The message is compressed, which was not negotiated.");
                break;
        default:
                call_refuse(c, RPCERR_INTERNAL, NULL);
        }
}

void server_call_data(Call *c, const uint8_t *data, size_t size)
{
        while (size > 0) {
                _cleanup_blob_ Blob *b = NULL;
                ssize_t n = grpc_reader_feed(&c->reader, data, size, &b);

                if (n < 0) {
                        call_refuse_message(c, (int) n);
                        return;
                }
                if (b && c->message) {
                        call_refuse(c, RPCERR_BAD_REQUEST, "The call carries more than one message.");
                        return;
                }
                if (b)
                        c->message = TAKE_PTR(b);
                data += n;
                size -= (size_t) n;
        }
}

/* 0: *ret_request is for act(). */
static int call_prepare(Call *c, Blob *message, void **ret_request)
{
        _cleanup_free_ char *detail = NULL;
        RpcErrorId id = RPCERR_INTERNAL;
        int r;

        if (!c->method->prepare) {
                *ret_request = blob_ref(message);
                return 0;
        }
        r = c->method->prepare(c, message, ret_request, &id, &detail);
        if (r < 0)
                call_refuse(c, id == RPCERR_OK ? RPCERR_INTERNAL : id, detail);
        return r;
}

void server_call_end(Call *c)
{
        _cleanup_blob_ Blob *message = TAKE_PTR(c->message);

        if (!message || !grpc_reader_is_idle(&c->reader)) {
                call_refuse(c, RPCERR_BAD_REQUEST, "The call ended without a complete message.");
                return;
        }
        c->request_size = message->size;
        if (call_prepare(c, message, &c->request) < 0)
                return;
        c->posted = true;
        mailbox_post(c->worker->server->mailbox, &c->request_letter);
        if (!(c->method->flags & METHOD_STREAM))
                return;
        server_conn_want_write(c->conn);
        if (call_send_headers(c) < 0)
                call_give_up(c);
}

static int call_send_message(Call *c, CallItem *i, size_t *ret_size)
{
        _cleanup_blobvec_ BlobVec v = {};
        int r;

        if (i->encode) {
                r = i->encode(i->message, &v);
                if (r < 0)
                        return r;
        }
        r = call_send_headers(c);
        if (r < 0)
                return r;
        *ret_size = blobvec_size(&v) + GRPC_PREFIX_SIZE;
        return h2_stream_send(c->stream, &v);
}

static int call_answer(Call *c)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (c->error != RPCERR_OK) {
                text = rpc_error_format(c->error, c->error_detail);
                return call_send_status(c, rpc_error_row(c->error)->class, text);
        }
        if (c->has_final) {
                r = call_send_message(c, &c->final, &size);
                if (r < 0)
                        return r;
        }
        r = call_send_headers(c);
        if (r < 0)
                return r;
        return call_send_status(c, RPC_OK, NULL);
}

/* The core's last letter, unless we have told it meanwhile that the call is over. */
void call_on_answer(Letter *l)
{
        Call *c = CONTAINER_OF(l, Call, answer_letter);

        c->answer_seen = true;
        if (c->conn) {
                server_conn_want_write(c->conn);
                if (call_answer(c) < 0)
                        (void) h2_stream_reset(c->stream, NGHTTP2_INTERNAL_ERROR);
                server_call_detach(c);
        }
        if (!c->cancel_posted)
                call_free(c);
}

void call_on_release(Letter *l)
{
        call_free(CONTAINER_OF(l, Call, release_letter));
}

void call_on_abort(Letter *l)
{
        Call *c = CONTAINER_OF(l, Call, abort_letter);

        if (!c->conn)
                return;
        server_conn_want_write(c->conn);
        call_give_up(c);
}

void call_on_item(Letter *l)
{
        CallItem *i = CONTAINER_OF(l, CallItem, letter);
        Call *c = i->call;
        size_t size = 0;

        if (c->conn) {
                server_conn_want_write(c->conn);
                if (call_send_message(c, i, &size) < 0)
                        call_give_up(c);
        }
        atomic_fetch_add(&c->unsent, size);
        atomic_fetch_sub(&c->unsent, CALL_UNENCODED_SIZE);
        call_item_done(i);
        free(i);
}
