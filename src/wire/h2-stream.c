#include "wire/h2-stream.h"

#include <assert.h>

H2Stream *h2_stream_new(H2Session *s, nghttp2_session *ng, int32_t id, void *userdata)
{
        H2Stream *st = new0(H2Stream, 1);

        if (!st)
                return NULL;
        *st = (H2Stream){.session = s, .nghttp2 = ng, .id = id, .userdata = userdata};
        STAILQ_INIT(&st->out);
        return st;
}

static void message_free(H2Message *m)
{
        blobvec_done(&m->body);
        free(m);
}

H2Stream *h2_stream_free(H2Stream *st)
{
        H2Message *m;

        if (!st)
                return NULL;
        while ((m = STAILQ_FIRST(&st->out))) {
                STAILQ_REMOVE_HEAD(&st->out, list);
                message_free(m);
        }
        for (size_t i = 0; i < st->n_end_trailers; i++) {
                free(st->end_trailers[i].name);
                free(st->end_trailers[i].value);
        }
        header_fields_done(&st->headers);
        header_fields_done(&st->trailers);
        free(st);
        return NULL;
}

size_t h2_fields_to_nv(const H2Field *fields, size_t n, nghttp2_nv ret[static H2_FIELDS_MAX])
{
        assert(n <= H2_FIELDS_MAX);
        for (size_t i = 0; i < n; i++)
                ret[i] = (nghttp2_nv){
                        .name = (uint8_t *) fields[i].name,
                        .namelen = strlen(fields[i].name),
                        .value = (uint8_t *) fields[i].value,
                        .valuelen = strlen(fields[i].value),
                        .flags = NGHTTP2_NV_FLAG_NONE,
                };
        return n;
}

static size_t message_left(const H2Message *m)
{
        size_t n = GRPC_PREFIX_SIZE - m->prefix_sent;

        for (unsigned i = m->blob; i < m->body.n; i++)
                n += m->body.v[i]->size;
        return n - m->blob_sent;
}

/* Copies the next bytes of m; 0 when it is all sent. */
static size_t message_read(H2Message *m, uint8_t *buf, size_t size)
{
        size_t n;

        if (m->prefix_sent < GRPC_PREFIX_SIZE) {
                n = MIN(size, GRPC_PREFIX_SIZE - m->prefix_sent);
                memcpy(buf, m->prefix + m->prefix_sent, n);
                m->prefix_sent += n;
                return n;
        }
        while (m->blob < m->body.n) {
                const Blob *b = m->body.v[m->blob];

                n = MIN(size, b->size - m->blob_sent);
                if (n > 0) {
                        memcpy(buf, b->data + m->blob_sent, n);
                        m->blob_sent += n;
                        return n;
                }
                m->blob++;
                m->blob_sent = 0;
        }
        return 0;
}

static ssize_t stream_read_end(H2Stream *st, uint32_t *flags)
{
        nghttp2_nv nv[H2_FIELDS_MAX];
        H2Field f[H2_TRAILERS_MAX];

        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (st->n_end_trailers == 0)
                return 0;
        for (size_t i = 0; i < st->n_end_trailers; i++)
                f[i] = (H2Field){st->end_trailers[i].name, st->end_trailers[i].value};
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        return nghttp2_submit_trailer(st->nghttp2, st->id, nv, h2_fields_to_nv(f, st->n_end_trailers, nv)) <
                               0
                       ? NGHTTP2_ERR_CALLBACK_FAILURE
                       : 0;
}

void h2_stream_take(H2Stream *st, uint8_t *buf, size_t size)
{
        size_t k = 0;
        H2Message *m;

        while (k < size && (m = STAILQ_FIRST(&st->out))) {
                k += message_read(m, buf + k, size - k);
                if (message_left(m) > 0)
                        continue;
                STAILQ_REMOVE_HEAD(&st->out, list);
                message_free(m);
        }
        if (k > 0)
                h2_session_sent(st->session, st, k);
}

static ssize_t on_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t size, uint32_t *flags,
        nghttp2_data_source *source, void *userdata)
{
        H2Stream *st = source->ptr;
        size_t queued = 0;
        H2Message *m;
        ssize_t r;

        STAILQ_FOREACH(m, &st->out, list)
        {
                queued += message_left(m);
                if (queued > size)
                        break;
        }
        if (queued <= size && st->ending) {
                r = stream_read_end(st, flags);
                if (r < 0)
                        return r;
        } else if (queued == 0)
                return NGHTTP2_ERR_DEFERRED;
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        return (ssize_t) MIN(queued, size);
}

nghttp2_data_provider h2_stream_provider(H2Stream *st)
{
        return (nghttp2_data_provider){.source.ptr = st, .read_callback = on_read};
}

int h2_stream_respond(H2Stream *st, const H2Field *fields, size_t n, bool end)
{
        nghttp2_nv nv[H2_FIELDS_MAX];
        nghttp2_data_provider provider = h2_stream_provider(st);
        int r;

        r = nghttp2_submit_response(
                st->nghttp2, st->id, nv, h2_fields_to_nv(fields, n, nv), end ? NULL : &provider);
        if (r < 0)
                return -ENOMEM;
        st->has_provider = !end;
        return 0;
}

/* Tells nghttp2 that there is something to read again; before the provider is known, and while it is not
 * deferred, that is no news. */
static int stream_resume(H2Stream *st)
{
        int r;

        if (!st->has_provider)
                return 0;
        r = nghttp2_session_resume_data(st->nghttp2, st->id);
        return r == NGHTTP2_ERR_NOMEM ? -ENOMEM : 0;
}

int h2_stream_send(H2Stream *st, BlobVec *message)
{
        H2Message *m = new0(H2Message, 1);

        if (!m) {
                blobvec_done(message);
                return -ENOMEM;
        }
        grpc_prefix(m->prefix, blobvec_size(message));
        m->body = *message;
        *message = (BlobVec){};
        STAILQ_INSERT_TAIL(&st->out, m, list);
        return stream_resume(st);
}

int h2_stream_end(H2Stream *st, const H2Field *trailers, size_t n)
{
        assert(n <= H2_TRAILERS_MAX);
        for (size_t i = 0; i < n; i++) {
                char *name = strdup(trailers[i].name), *value = strdup(trailers[i].value);

                if (!name || !value) {
                        free(name);
                        free(value);
                        return -ENOMEM;
                }
                st->end_trailers[st->n_end_trailers].name = name;
                st->end_trailers[st->n_end_trailers++].value = value;
        }
        st->ending = true;
        return stream_resume(st);
}

int h2_stream_reset(H2Stream *st, uint32_t error_code)
{
        return nghttp2_submit_rst_stream(st->nghttp2, NGHTTP2_FLAG_NONE, st->id, error_code) < 0 ? -ENOMEM
                                                                                                 : 0;
}

void h2_stream_consume(H2Stream *st, size_t size)
{
        st->unconsumed -= MIN(size, st->unconsumed);
        /* Fails only when out of memory; then the window stays smaller than it might be. */
        (void) nghttp2_session_consume(st->nghttp2, st->id, size);
}

void *h2_stream_userdata(const H2Stream *st)
{
        return st->userdata;
}

void h2_stream_set_userdata(H2Stream *st, void *userdata)
{
        st->userdata = userdata;
}

int h2_stream_headers(H2Stream *st, HeaderFields **ret)
{
        *ret = &st->headers;
        return st->too_many_headers ? -E2BIG : 0;
}

HeaderFields *h2_stream_trailers(H2Stream *st)
{
        return &st->trailers;
}

bool h2_stream_is_done(const H2Stream *st)
{
        return st->remote_ended && st->local_ended;
}
