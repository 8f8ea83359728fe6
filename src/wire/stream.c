#include "wire/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/time-util.h"
#include "wire/tls-session.h"

/* Batches read or written for one stream before others get their turn. */
#define ROUNDS_MAX 4

/* HANDSHAKE -> OPEN -> LINGER -> CLOSED; each may also go to CLOSED directly. */
typedef enum StreamState {
        STREAM_HANDSHAKE,
        STREAM_OPEN,
        STREAM_LINGER, /* our end is sent; reads and forgets until the peer's end */
        STREAM_CLOSED,
} StreamState;

struct Stream {
        IoLoop *io;
        int fd;
        StreamState state;
        TlsSession *tls;
        const StreamEvents *events;
        void *userdata;
        sd_event_source *io_source;
        sd_event_source *timer; /* stall or linger; NULL while neither */
        bool is_dirty;
        bool shutting_down;
        bool peer_ended;
        int error; /* the first one; ends the stream */
        char *detail;
        uint8_t *unsent; /* malloc'ed; holds unsent_begin .. unsent_end */
        size_t unsent_begin, unsent_end;
        LIST_ENTRY(Stream) dirty;
};

static size_t stream_unsent(const Stream *s)
{
        return s->unsent_end - s->unsent_begin;
}

static void stream_mark_dirty(Stream *s)
{
        if (s->is_dirty || s->state == STREAM_CLOSED)
                return;
        s->is_dirty = true;
        LIST_INSERT_HEAD(&s->io->dirty, s, dirty);
        io_loop_wake(s->io);
}

static void stream_mark_clean(Stream *s)
{
        if (!s->is_dirty)
                return;
        s->is_dirty = false;
        LIST_REMOVE(s, dirty);
}

static void stream_set_error(Stream *s, int error)
{
        if (s->error == 0)
                s->error = error;
}

static int stream_on_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        Stream *s = userdata;

        if (s->state != STREAM_LINGER)
                stream_set_error(s, -ETIMEDOUT);
        s->peer_ended = true;
        stream_mark_dirty(s);
        return 0;
}

/* USEC_INFINITY: no timer. */
static int stream_set_timer(Stream *s, usec_t timeout)
{
        if (timeout == USEC_INFINITY) {
                s->timer = sd_event_source_disable_unref(s->timer);
                return 0;
        }
        if (!s->timer)
                return sd_event_add_time_relative(
                        s->io->event, &s->timer, CLOCK_MONOTONIC, timeout, USEC_PER_SEC, stream_on_timer, s);
        return sd_event_source_set_time_relative(s->timer, timeout);
}

static ssize_t stream_pull(void *data, size_t size, void *userdata)
{
        Stream *s = userdata;
        IoLoop *io = s->io;
        size_t n = MIN(size, io->in_end - io->in_begin);

        if (n == 0)
                return s->peer_ended ? 0 : -EAGAIN;
        memcpy(data, io->in + io->in_begin, n);
        io->in_begin += n;
        return (ssize_t) n;
}

static ssize_t stream_push(const void *data, size_t size, void *userdata)
{
        Stream *s = userdata;
        IoLoop *io = s->io;

        if (size > IO_BATCH_SIZE + IO_SLACK_SIZE - io->out_size)
                return -ENOBUFS;
        memcpy(io->out + io->out_size, data, size);
        io->out_size += size;
        return (ssize_t) size;
}

/* Keeps what the socket did not take; the thread's buffer must be empty for the next stream. */
static int stream_keep(Stream *s, const uint8_t *data, size_t size)
{
        size_t n = stream_unsent(s);
        uint8_t *p;

        if (size == 0)
                return 0;
        p = malloc(n + size);
        if (!p)
                return -ENOMEM;
        if (n > 0)
                memcpy(p, s->unsent + s->unsent_begin, n);
        memcpy(p + n, data, size);
        free(s->unsent);
        s->unsent = p;
        s->unsent_begin = 0;
        s->unsent_end = n + size;
        return stream_set_timer(s, STREAM_STALL_USEC);
}

/* Bytes sent (0 when the socket is full), or -errno. */
static ssize_t stream_send(Stream *s, const uint8_t *data, size_t size)
{
        ssize_t n;

        do
                n = send(s->fd, data, size, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
        return n;
}

/* Sends the thread's buffer, behind what the stream has still unsent. */
static int stream_flush(Stream *s)
{
        IoLoop *io = s->io;
        size_t size = io->out_size;
        ssize_t n = 0;

        io->out_size = 0;
        if (size == 0)
                return 0;
        if (stream_unsent(s) == 0) {
                n = stream_send(s, io->out, size);
                if (n < 0)
                        return (int) n;
        }
        return stream_keep(s, io->out + n, size - (size_t) n);
}

static int stream_half_close(Stream *s)
{
        if (shutdown(s->fd, SHUT_WR) < 0)
                return -errno;
        return stream_set_timer(s, STREAM_LINGER_USEC);
}

static int stream_send_unsent(Stream *s)
{
        ssize_t n;

        if (stream_unsent(s) == 0)
                return 0;
        n = stream_send(s, s->unsent + s->unsent_begin, stream_unsent(s));
        if (n < 0)
                return (int) n;
        s->unsent_begin += (size_t) n;
        if (stream_unsent(s) > 0)
                return n > 0 ? stream_set_timer(s, STREAM_STALL_USEC) : 0;
        s->unsent = mfree(s->unsent);
        s->unsent_begin = s->unsent_end = 0;
        if (s->state == STREAM_LINGER)
                return stream_half_close(s);
        stream_mark_dirty(s);
        return stream_set_timer(s, USEC_INFINITY);
}

static int stream_deliver(Stream *s, const uint8_t *data, size_t size)
{
        if (s->state == STREAM_LINGER || s->shutting_down)
                return 0;
        return s->events->on_data(s, data, size, s->userdata);
}

static void stream_opened(Stream *s)
{
        s->state = STREAM_OPEN;
        s->events->on_ready(s, s->userdata);
}

/* 1: a step was made, 0: the session waits for bytes. */
static int stream_step_tls(Stream *s)
{
        ssize_t n;
        int r;

        if (s->state == STREAM_HANDSHAKE) {
                r = tls_session_handshake(s->tls, &s->detail);
                if (r == -EAGAIN)
                        return 0;
                if (r < 0)
                        return r;
                stream_opened(s);
                return 1;
        }
        n = tls_session_recv(s->tls, s->io->record, IO_RECORD_SIZE);
        if (n == -EAGAIN)
                return 0;
        if (n < 0)
                return (int) n;
        if (n == 0) {
                s->peer_ended = true;
                s->io->in_begin = s->io->in_end;
                return 0;
        }
        r = stream_deliver(s, s->io->record, (size_t) n);
        return r < 0 ? r : 1;
}

/* "Again" from GnuTLS does not mean that our read-ahead is used up (after a session ticket it is not), and
 * epoll knows nothing of what lies there: go on until it is empty. */
static int stream_process_tls(Stream *s)
{
        IoLoop *io = s->io;

        for (;;) {
                size_t before = io->in_begin;
                int r = stream_step_tls(s);

                if (r < 0)
                        return r;
                if (r == 0 && io->in_begin == io->in_end)
                        return 0;
                if (r == 0 && io->in_begin == before)
                        return -EPROTO;
        }
}

static int stream_process(Stream *s)
{
        IoLoop *io = s->io;
        int r = 0;

        if (s->tls)
                r = stream_process_tls(s);
        else {
                if (s->state == STREAM_HANDSHAKE)
                        stream_opened(s);
                if (io->in_end > 0)
                        r = stream_deliver(s, io->in, io->in_end);
        }
        io->in_begin = io->in_end = 0;
        return r;
}

static int stream_read(Stream *s)
{
        IoLoop *io = s->io;
        ssize_t n;
        int r;

        for (unsigned i = 0; i < ROUNDS_MAX && !s->peer_ended && s->error == 0; i++) {
                n = recv(s->fd, io->in, IO_BATCH_SIZE, 0);
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
                        return 0;
                if (n < 0)
                        return -errno;
                io->in_begin = 0;
                io->in_end = (size_t) n;
                s->peer_ended = n == 0;
                r = stream_process(s);
                if (r < 0)
                        return r;
                if ((size_t) n < IO_BATCH_SIZE)
                        return 0;
        }
        return 0;
}

/* 1: something is in the thread's buffer now. */
static int stream_fill(Stream *s)
{
        IoLoop *io = s->io;
        ssize_t n;
        int r;

        if (s->state != STREAM_OPEN)
                return 0;
        n = s->events->produce(s, s->tls ? io->plain : io->out, IO_BATCH_SIZE, s->userdata);
        if (n <= 0)
                return (int) n;
        if (!s->tls) {
                io->out_size = (size_t) n;
                return 1;
        }
        r = tls_session_send(s->tls, io->plain, (size_t) n);
        return r < 0 ? r : 1;
}

/* Our end goes out behind everything else. */
static int stream_end(Stream *s)
{
        int r;

        if (s->tls) {
                tls_session_bye(s->tls);
                r = stream_flush(s);
                if (r < 0)
                        return r;
        }
        s->state = STREAM_LINGER;
        return stream_unsent(s) > 0 ? 0 : stream_half_close(s);
}

static int stream_pump(Stream *s)
{
        int r, filled = 1;

        r = stream_flush(s);
        for (unsigned i = 0; r >= 0 && stream_unsent(s) == 0 && filled; i++) {
                if (i == ROUNDS_MAX) {
                        stream_mark_dirty(s);
                        return 0;
                }
                r = filled = stream_fill(s);
                if (r >= 0)
                        r = stream_flush(s);
        }
        if (r >= 0 && s->shutting_down && s->state < STREAM_LINGER && stream_unsent(s) == 0)
                r = stream_end(s);
        s->io->out_size = 0;
        return r;
}

static int stream_update_events(Stream *s)
{
        return sd_event_source_set_io_events(s->io_source, EPOLLIN | (stream_unsent(s) > 0 ? EPOLLOUT : 0));
}

/* The only exit. */
static void stream_complete(Stream *s)
{
        s->state = STREAM_CLOSED;
        stream_mark_clean(s);
        s->timer = sd_event_source_disable_unref(s->timer);
        s->io_source = sd_event_source_disable_unref(s->io_source);
        s->events->on_closed(s, s->error, s->detail, s->userdata);
}

/* Ends every turn: sends what came up, and completes the stream if it is over. */
static void stream_settle(Stream *s, int r)
{
        stream_mark_clean(s);
        if (r < 0) {
                stream_set_error(s, r);
                /* A last try, so that the peer gets our GOAWAY or alert. */
                stream_pump(s);
                stream_mark_clean(s);
        } else if (s->error == 0 && !s->peer_ended) {
                r = stream_pump(s);
                if (r < 0) {
                        /* The peer may have said why before it went away. */
                        stream_read(s);
                        stream_set_error(s, r);
                }
        }
        s->io->in_begin = s->io->in_end = 0;
        s->io->out_size = 0;
        if (s->error < 0 || s->peer_ended)
                stream_complete(s);
        else
                stream_update_events(s);
}

static int stream_on_io(sd_event_source *es, int fd, uint32_t revents, void *userdata)
{
        Stream *s = userdata;
        int r = 0;

        if (revents & EPOLLOUT)
                r = stream_send_unsent(s);
        if (r >= 0 && (revents & ~(uint32_t) EPOLLOUT))
                r = stream_read(s);
        stream_settle(s, r);
        return 0;
}

static void stream_on_dirty(Stream *s)
{
        int r = 0;

        if (s->error == 0 && s->state == STREAM_HANDSHAKE)
                r = stream_process(s);
        stream_settle(s, r);
}

void stream_flush_dirty(IoLoop *io)
{
        StreamList now = LIST_HEAD_INITIALIZER(now);
        Stream *s;

        now.lh_first = io->dirty.lh_first;
        if (now.lh_first)
                now.lh_first->dirty.le_prev = &now.lh_first;
        LIST_INIT(&io->dirty);
        while ((s = LIST_FIRST(&now)))
                stream_on_dirty(s);
}

int stream_new(IoLoop *io, int fd, TlsContext *tls, const char *host, const StreamEvents *events,
        void *userdata, Stream **ret)
{
        _cleanup_(stream_freep) Stream *s = NULL;
        int r;

        s = new0(Stream, 1);
        if (!s)
                return -ENOMEM;
        *s = (Stream){.io = io, .fd = -EBADF, .events = events, .userdata = userdata};
        if (tls) {
                TlsTransport t = {.pull = stream_pull, .push = stream_push, .userdata = s};

                r = tls_session_new(tls, host, &t, &s->tls);
                if (r < 0)
                        return r;
        }
        r = sd_event_add_io(io->event, &s->io_source, fd, EPOLLIN, stream_on_io, s);
        if (r < 0)
                return r;
        s->fd = fd;
        stream_mark_dirty(s);
        *ret = TAKE_PTR(s);
        return 0;
}

Stream *stream_free(Stream *s)
{
        if (!s)
                return NULL;
        stream_mark_clean(s);
        sd_event_source_disable_unref(s->io_source);
        sd_event_source_disable_unref(s->timer);
        tls_session_free(s->tls);
        safe_close(s->fd);
        free(s->unsent);
        free(s->detail);
        free(s);
        return NULL;
}

void stream_want_write(Stream *s)
{
        stream_mark_dirty(s);
}

void stream_shutdown(Stream *s)
{
        s->shutting_down = true;
        stream_mark_dirty(s);
}

void stream_fail(Stream *s, int error)
{
        stream_set_error(s, error);
        stream_mark_dirty(s);
}

bool stream_is_ready(const Stream *s)
{
        return s->state == STREAM_OPEN;
}

bool stream_speaks_h2(const Stream *s)
{
        return !s->tls || tls_session_alpn_is(s->tls, "h2");
}
