#include "wire/h2-session.h"

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "wire/h2-stream.h"

#define FRAME_HEAD_SIZE ((size_t) 9)
/* nghttp2 wants none of our errors but one: whatever goes wrong in a callback is out of memory. */
#define CALLBACK_FAILED NGHTTP2_ERR_CALLBACK_FAILURE

struct H2Session {
        nghttp2_session *nghttp2;
        const H2Events *events;
        void *userdata;
        bool server;
        bool seen_settings, seen_goaway;
        H2StreamList streams;
        size_t n_streams;
        const uint8_t *pending; /* of nghttp2_session_mem_send(), valid until the next one */
        size_t n_pending;
        uint8_t *out, *out_end; /* during h2_session_produce(): where the next byte goes */
};

static int error_from_nghttp2(ssize_t r)
{
        switch (r) {
        case NGHTTP2_ERR_NOMEM:
        case NGHTTP2_ERR_CALLBACK_FAILURE:
                return -ENOMEM;
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
                return -EPROTONOSUPPORT;
        default:
                return -EPROTO;
        }
}

static H2Stream *session_find(H2Session *s, int32_t id)
{
        return id > 0 ? nghttp2_session_get_stream_user_data(s->nghttp2, id) : NULL;
}

static void session_link(H2Session *s, H2Stream *st)
{
        LIST_INSERT_HEAD(&s->streams, st, list);
        s->n_streams++;
}

static void session_unlink(H2Session *s, H2Stream *st)
{
        LIST_REMOVE(st, list);
        s->n_streams--;
        h2_stream_free(st);
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *userdata)
{
        H2Session *s = userdata;
        H2Stream *st;

        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
                return 0;
        st = h2_stream_new(s, ng, frame->hd.stream_id, NULL);
        if (!st)
                return CALLBACK_FAILED;
        session_link(s, st);
        return nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, st) < 0 ? CALLBACK_FAILED : 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
        const uint8_t *value, size_t value_size, uint8_t flags, void *userdata)
{
        H2Stream *st = session_find(userdata, frame->hd.stream_id);
        int r;

        if (!st)
                return 0;
        r = header_fields_add(st->got_headers ? &st->trailers : &st->headers, (const char *) name, name_size,
                (const char *) value, value_size);
        if (r == -E2BIG)
                st->too_many_headers = true;
        return r == -ENOMEM ? CALLBACK_FAILED : 0;
}

/* "100 Continue" and its like come before the response and mean nothing to us. */
static bool is_informational(const H2Session *s, const H2Stream *st)
{
        const char *status = s->server ? NULL : header_fields_get(&st->headers, ":status", NULL);

        return status && status[0] == '1';
}

static void session_got_headers(H2Session *s, H2Stream *st)
{
        if (st->got_headers)
                return;
        if (is_informational(s, st)) {
                header_fields_done(&st->headers);
                return;
        }
        st->got_headers = true;
        s->events->on_headers(st, s->userdata);
}

static void session_got_goaway(H2Session *s, const nghttp2_goaway *g)
{
        char debug[256];
        size_t n = MIN(g->opaque_data_len, sizeof(debug) - 1);

        if (n > 0)
                memcpy(debug, g->opaque_data, n);
        debug[n] = '\0';
        for (size_t i = 0; i < n; i++)
                if (debug[i] < ' ' || debug[i] > '~')
                        debug[i] = '?';
        s->seen_goaway = true;
        if (s->events->on_goaway)
                s->events->on_goaway(g->error_code, debug, s->userdata);
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *userdata)
{
        H2Session *s = userdata;
        H2Stream *st = session_find(s, frame->hd.stream_id);

        switch (frame->hd.type) {
        case NGHTTP2_SETTINGS:
                if (!s->seen_settings && s->events->on_settings)
                        s->events->on_settings(s->userdata);
                s->seen_settings = true;
                return 0;
        case NGHTTP2_GOAWAY:
                session_got_goaway(s, &frame->goaway);
                return 0;
        case NGHTTP2_HEADERS:
                if (st)
                        session_got_headers(s, st);
                break;
        case NGHTTP2_DATA:
                break;
        default:
                return 0;
        }
        if (st && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
                st->remote_ended = true;
                s->events->on_end(st, s->userdata);
        }
        return 0;
}

static int on_data_chunk(
        nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *userdata)
{
        H2Session *s = userdata;
        H2Stream *st = session_find(s, id);

        if (!st)
                return nghttp2_session_consume_connection(ng, size) < 0 ? CALLBACK_FAILED : 0;
        st->unconsumed += size;
        s->events->on_data(st, data, size, s->userdata);
        return 0;
}

/* DATA frames do not go through pending: their bytes are copied once, from the message to where it is
 * encrypted or sent. */
static int on_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t size,
        nghttp2_data_source *source, void *userdata)
{
        H2Session *s = userdata;

        if ((size_t) (s->out_end - s->out) < FRAME_HEAD_SIZE + size)
                return NGHTTP2_ERR_WOULDBLOCK;
        memcpy(s->out, head, FRAME_HEAD_SIZE);
        h2_stream_take(source->ptr, s->out + FRAME_HEAD_SIZE, size);
        s->out += FRAME_HEAD_SIZE + size;
        return 0;
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *userdata)
{
        H2Session *s = userdata;
        H2Stream *st = session_find(s, frame->hd.stream_id);

        if (!st || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
                return 0;
        st->headers_sent = true;
        st->local_ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
        /* The answer is complete but the request is not: it is of no use any more (RFC 9113, 8.1). */
        if (s->server && st->local_ended && !st->remote_ended)
                return nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_NO_ERROR) < 0
                               ? CALLBACK_FAILED
                               : 0;
        return 0;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t error_code, void *userdata)
{
        H2Session *s = userdata;
        H2Stream *st = session_find(s, id);
        H2CloseReason reason = H2_CLOSED_RESET;
        int r = 0;

        if (!st)
                return 0;
        if (st->unconsumed > 0)
                r = nghttp2_session_consume_connection(ng, st->unconsumed);
        if (error_code == NGHTTP2_REFUSED_STREAM || (!s->server && !st->headers_sent))
                reason = H2_CLOSED_REFUSED;
        else if (error_code == NGHTTP2_NO_ERROR)
                reason = H2_CLOSED_NORMALLY;
        s->events->on_close(st, reason, error_code, s->userdata);
        session_unlink(s, st);
        return r < 0 ? CALLBACK_FAILED : 0;
}

static int session_create(H2Session *s, nghttp2_session_callbacks *cb, nghttp2_option *option)
{
        nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
        nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
        nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_stream_reset_rate_limit(option, H2_RESETS_BURST, H2_RESETS_RATE);
        return (s->server ? nghttp2_session_server_new2 : nghttp2_session_client_new2)(
                &s->nghttp2, cb, s, option);
}

static int session_configure(H2Session *s)
{
        const nghttp2_settings_entry settings[] = {
                {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
                {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, METADATA_BYTES_MAX},
                /* Servers say how many calls they take, clients that they take no push. */
                {s->server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
                        s->server ? H2_STREAMS_MAX : 0},
        };
        int r;

        r = nghttp2_submit_settings(s->nghttp2, NGHTTP2_FLAG_NONE, settings, ELEMENTSOF(settings));
        if (r < 0)
                return r;
        return nghttp2_session_set_local_window_size(s->nghttp2, NGHTTP2_FLAG_NONE, 0, H2_SESSION_WINDOW);
}

int h2_session_new(bool server, const H2Events *events, void *userdata, H2Session **ret)
{
        _cleanup_(h2_session_freep) H2Session *s = NULL;
        nghttp2_session_callbacks *cb = NULL;
        nghttp2_option *option = NULL;
        int r = NGHTTP2_ERR_NOMEM;

        s = new0(H2Session, 1);
        if (!s)
                return -ENOMEM;
        *s = (H2Session){.server = server, .events = events, .userdata = userdata};
        LIST_INIT(&s->streams);
        if (nghttp2_session_callbacks_new(&cb) == 0 && nghttp2_option_new(&option) == 0)
                r = session_create(s, cb, option);
        nghttp2_session_callbacks_del(cb);
        nghttp2_option_del(option);
        if (r == 0)
                r = session_configure(s);
        if (r < 0)
                return error_from_nghttp2(r);
        *ret = TAKE_PTR(s);
        return 0;
}

H2Session *h2_session_free(H2Session *s)
{
        H2Stream *st;

        if (!s)
                return NULL;
        nghttp2_session_del(s->nghttp2);
        while ((st = LIST_FIRST(&s->streams)))
                session_unlink(s, st);
        free(s);
        return NULL;
}

int h2_session_receive(H2Session *s, const uint8_t *data, size_t size)
{
        ssize_t n = nghttp2_session_mem_recv(s->nghttp2, data, size);

        if (n < 0)
                return error_from_nghttp2(n);
        return (size_t) n == size ? 0 : -EPROTO;
}

ssize_t h2_session_produce(H2Session *s, uint8_t *buf, size_t size)
{
        s->out = buf;
        s->out_end = buf + size;
        while (s->out < s->out_end) {
                size_t n;

                if (s->n_pending == 0) {
                        ssize_t m = nghttp2_session_mem_send(s->nghttp2, &s->pending);

                        if (m < 0)
                                return error_from_nghttp2(m);
                        if (m == 0)
                                break;
                        s->n_pending = (size_t) m;
                }
                n = MIN(s->n_pending, (size_t) (s->out_end - s->out));
                memcpy(s->out, s->pending, n);
                s->pending += n;
                s->n_pending -= n;
                s->out += n;
        }
        return s->out - buf;
}

bool h2_session_is_finished(H2Session *s)
{
        return s->n_pending == 0 && !nghttp2_session_want_read(s->nghttp2) &&
               !nghttp2_session_want_write(s->nghttp2);
}

size_t h2_session_n_streams(const H2Session *s)
{
        return s->n_streams;
}

int h2_session_goaway(H2Session *s)
{
        int r;

        r = nghttp2_submit_goaway(s->nghttp2, NGHTTP2_FLAG_NONE,
                nghttp2_session_get_last_proc_stream_id(s->nghttp2), NGHTTP2_NO_ERROR, NULL, 0);
        return r < 0 ? error_from_nghttp2(r) : 0;
}

int h2_session_request(H2Session *s, const H2Field *fields, size_t n, void *userdata, H2Stream **ret)
{
        nghttp2_nv nv[H2_FIELDS_MAX];
        nghttp2_data_provider provider;
        H2Stream *st;
        int32_t id;

        if (s->seen_goaway || !nghttp2_session_check_request_allowed(s->nghttp2))
                return -EPIPE;
        st = h2_stream_new(s, s->nghttp2, 0, userdata);
        if (!st)
                return -ENOMEM;
        provider = h2_stream_provider(st);
        id = nghttp2_submit_request(s->nghttp2, NULL, nv, h2_fields_to_nv(fields, n, nv), &provider, st);
        if (id < 0) {
                h2_stream_free(st);
                return id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE ? -EPIPE : error_from_nghttp2(id);
        }
        st->id = id;
        st->has_provider = true;
        session_link(s, st);
        *ret = st;
        return 0;
}

void h2_session_sent(H2Session *s, H2Stream *st, size_t size)
{
        if (s->events->on_sent)
                s->events->on_sent(st, size, s->userdata);
}
