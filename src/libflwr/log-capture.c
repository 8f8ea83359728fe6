#include "libflwr/log-capture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define BATCH_USEC (200 * USEC_PER_MSEC)
/* Of one request, which the hub takes up to 4 MiB; bytes that are no text become three each. */
#define BATCH_SIZE_MAX ((size_t) 1024 * 1024)
/* What is kept; more waits for the SuperLink, which slows the app down to what the network takes ... */
#define PENDING_MAX ((size_t) 8 * 1024 * 1024)
/* ... but if it does not answer for so long, the oldest lines go, and the app goes on. */
#define AWAY_SECONDS 10
#define READ_SIZE ((size_t) 64 * 1024)
#define READS_A_TURN 32

struct LogCapture {
        AppIo *io;
        uint64_t run_id;
        int out, err; /* the originals */
        int pipe;     /* the end to read from */
        int end;      /* eventfd: the relay is to end */
        pthread_t relay;
        bool has_relay;

        pthread_mutex_t mutex; /* of the next four */
        pthread_cond_t taken;  /* something of pending was */
        Buf pending;
        uint64_t dropped;
        bool posted;
        bool is_away; /* pending was full, and nothing was taken for AWAY_SECONDS */
        Letter letter;

        /* I/O thread */
        sd_event_source *timer;
        StubCall *call;
        Task *flush;    /* waits for everything to be sent */
        bool last_will; /* the process ends then */
};

/* ---- relay thread ---- */

/* Called with the mutex. */
static void wait_for_room(LogCapture *l, size_t size)
{
        struct timespec deadline;

        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += AWAY_SECONDS;
        while (l->pending.size + size > PENDING_MAX && !l->is_away)
                if (pthread_cond_timedwait(&l->taken, &l->mutex, &deadline) == ETIMEDOUT)
                        l->is_away = true;
}

static void keep(LogCapture *l, const char *data, size_t size)
{
        bool post;

        pthread_mutex_lock(&l->mutex);
        wait_for_room(l, size);
        if (l->pending.size + size > PENDING_MAX) {
                size_t excess = MIN(l->pending.size, l->pending.size + size - PENDING_MAX);

                buf_consume(&l->pending, excess);
                l->dropped += excess;
        }
        if (buf_append(&l->pending, data, size) < 0)
                l->dropped += size;
        post = !l->posted;
        l->posted = true;
        pthread_mutex_unlock(&l->mutex);
        if (post)
                app_io_post(l->io, &l->letter);
}

static void copy_to_stderr(const LogCapture *l, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(l->err, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return;
                data += n;
                size -= (size_t) n;
        }
}

/* 1: there may be more; 0: nothing now; -EPIPE: nobody can write any more. */
static int relay_some(LogCapture *l, char *chunk)
{
        ssize_t n = read(l->pipe, chunk, READ_SIZE);

        if (n < 0)
                return errno == EINTR;
        if (n == 0)
                return -EPIPE;
        copy_to_stderr(l, chunk, (size_t) n);
        keep(l, chunk, (size_t) n);
        return 1;
}

static void *relay_thread(void *userdata)
{
        LogCapture *l = userdata;
        char chunk[READ_SIZE];
        int r = 0;

        for (;;) {
                struct pollfd fds[] = {
                        {.fd = r == -EPIPE ? -1 : l->pipe, .events = POLLIN},
                        {.fd = l->end, .events = POLLIN},
                };

                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        break;
                /* Bounded: a child that the app left behind may write for ever. */
                for (unsigned i = 0; r != -EPIPE && i < READS_A_TURN; i++) {
                        r = relay_some(l, chunk);
                        if (r <= 0)
                                break;
                }
                if (fds[1].revents)
                        break;
        }
        return NULL;
}

/* ---- I/O thread ---- */

/* All but a last character that has only begun. */
static size_t whole_characters(const uint8_t *data, size_t n)
{
        for (size_t back = 1; back <= 3 && back <= n; back++) {
                uint8_t c = data[n - back];
                size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

                if ((c & 0xc0) != 0x80)
                        return length > back ? n - back : n;
        }
        return n;
}

static size_t batch_size(const Buf *b, bool all)
{
        size_t n = MIN(b->size, BATCH_SIZE_MAX);

        return n < b->size || !all ? whole_characters(b->data, n) : n;
}

/* The SuperLink takes lines. Gives whether enough for another batch waits. */
static bool note_progress(LogCapture *l)
{
        bool full;

        pthread_mutex_lock(&l->mutex);
        l->is_away = false;
        full = l->pending.size >= BATCH_SIZE_MAX;
        pthread_mutex_unlock(&l->mutex);
        return full;
}

/* The next text to send, or NULL. */
static char *take_batch(LogCapture *l)
{
        char *text = NULL;
        size_t n;

        pthread_mutex_lock(&l->mutex);
        l->posted = false;
        n = batch_size(&l->pending, l->flush != NULL);
        if (l->dropped > 0) {
                text = xasprintf("[%" PRIu64 " bytes of log left out]\n", l->dropped);
                l->dropped = 0;
        } else if (n > 0) {
                text = utf8_sanitize((const char *) l->pending.data, n);
                if (text)
                        buf_consume(&l->pending, n);
        }
        pthread_cond_signal(&l->taken);
        pthread_mutex_unlock(&l->mutex);
        return text;
}

static void upload(LogCapture *l);

static int on_timer(sd_event_source *s, uint64_t t, void *userdata)
{
        LogCapture *l = userdata;

        l->timer = sd_event_source_disable_unref(l->timer);
        upload(l);
        return 0;
}

static void upload_later(LogCapture *l)
{
        if (!l->timer && !l->call)
                (void) sd_event_add_time_relative(app_io_event(l->io), &l->timer, CLOCK_MONOTONIC,
                        BATCH_USEC, USEC_PER_MSEC, on_timer, l);
}

static void on_uploaded(RpcClass status, const char *detail, void **reply, void *userdata)
{
        LogCapture *l = userdata;

        /* Refused lines are lost: there is nowhere left to complain but the original stderr, which has them.
         */
        l->call = NULL;
        if (l->flush || l->last_will || note_progress(l))
                upload(l);
        else
                upload_later(l);
}

static void upload(LogCapture *l)
{
        _cleanup_free_ char *text = NULL;
        LogsRequest request = {.run_id = l->run_id};

        if (l->call)
                return;
        text = take_batch(l);
        if (text) {
                request.text = text;
                if (stub_call(app_io_stub(l->io), RPC_SERVERAPPIO_PUSH_LOGS, &request, NULL, on_uploaded, l,
                            &l->call) >= 0)
                        return;
        }
        if (l->last_will)
                app_io_end_process();
        if (l->flush)
                task_done(TAKE_PTR(l->flush), 0);
}

static void on_letter(Letter *letter)
{
        LogCapture *l = CONTAINER_OF(letter, LogCapture, letter);

        upload_later(l);
}

static void last_will(void *userdata)
{
        LogCapture *l = userdata;

        l->last_will = true;
        l->timer = sd_event_source_disable_unref(l->timer);
        upload(l);
}

static int set_last_will(void *userdata)
{
        LogCapture *l = userdata;

        app_io_set_last_will(l->io, last_will, l);
        return 0;
}

static int detach(void *userdata)
{
        LogCapture *l = userdata;

        app_io_set_last_will(l->io, NULL, NULL);
        l->timer = sd_event_source_disable_unref(l->timer);
        l->call = stub_call_cancel(l->call);
        return 0;
}

/* ---- app thread ---- */

typedef struct FlushTask {
        Task task;
        LogCapture *capture;
} FlushTask;

static void flush_start(Task *t)
{
        LogCapture *l = CONTAINER_OF(t, FlushTask, task)->capture;

        l->flush = t;
        l->timer = sd_event_source_disable_unref(l->timer);
        upload(l);
}

static int redirect(LogCapture *l)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        l->pipe = fds[0];
        fflush(stdout);
        fflush(stderr);
        l->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        l->err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (l->out < 0 || l->err < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ||
                dup2(fds[1], STDOUT_FILENO) < 0 || dup2(fds[1], STDERR_FILENO) < 0) {
                int e = -errno;

                safe_close(fds[1]);
                return e;
        }
        safe_close(fds[1]);
        /* A pipe would make stdout fully buffered, and lines late. */
        setvbuf(stdout, NULL, _IOLBF, 0);
        return 0;
}

static void restore(LogCapture *l)
{
        fflush(stdout);
        fflush(stderr);
        if (l->out >= 0)
                (void) dup2(l->out, STDOUT_FILENO);
        if (l->err >= 0)
                (void) dup2(l->err, STDERR_FILENO);
}

int log_capture_new(AppIo *io, uint64_t run_id, LogCapture **ret)
{
        _cleanup_(log_capture_freep) LogCapture *l = new0(LogCapture, 1);
        int r;

        if (!l)
                return -ENOMEM;
        *l = (LogCapture){
                .io = io,
                .run_id = run_id,
                .out = -EBADF,
                .err = -EBADF,
                .pipe = -EBADF,
                .end = eventfd(0, EFD_CLOEXEC),
                .letter.run = on_letter,
        };
        pthread_mutex_init(&l->mutex, NULL);
        pthread_cond_init(&l->taken, NULL);
        if (l->end < 0)
                return -errno;
        r = redirect(l);
        if (r < 0)
                return r;
        r = pthread_create(&l->relay, NULL, relay_thread, l);
        if (r != 0)
                return -r;
        l->has_relay = true;
        r = app_io_run(io, set_last_will, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

LogCapture *log_capture_free(LogCapture *l)
{
        FlushTask flush = {.task.start = flush_start, .capture = l};
        const uint64_t one = 1;

        if (!l)
                return NULL;
        restore(l);
        if (l->has_relay) {
                while (write(l->end, &one, sizeof(one)) < 0 && errno == EINTR)
                        ;
                pthread_join(l->relay, NULL);
                (void) app_io_perform(l->io, &flush.task);
                (void) app_io_run(l->io, detach, l);
        }
        safe_close(l->out);
        safe_close(l->err);
        safe_close(l->pipe);
        safe_close(l->end);
        buf_done(&l->pending);
        pthread_cond_destroy(&l->taken);
        pthread_mutex_destroy(&l->mutex);
        return mfree(l);
}
