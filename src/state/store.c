#include "state/store-private.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "state/store-open.h"
#include "state/writer.h"

/* How long a change that nobody waits for may stay in memory only. */
#define LAZY_USEC (5 * USEC_PER_SEC)
/* Beyond these such changes are written without delay, so that they stay few and cheap to hold. */
#define LAZY_WRITES_MAX 4096
#define LAZY_BYTES_MAX ((size_t) 67108864)
#define EXPIRY_USEC (60 * USEC_PER_SEC)
#define SPACE_CHECK_USEC USEC_PER_SEC

static void arm(sd_event_source *source, usec_t delay)
{
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(source, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void) sd_event_source_set_time_relative(source, delay);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void arm_turn(Store *s)
{
        (void) sd_event_source_set_enabled(s->turn, SD_EVENT_ONESHOT);
}

static void fail(Store *s, int r)
{
        if (s->failure == 0)
                s->failure = log_debug_errno(r, "State can no longer be written");
}

/* Rows that changed without hurry ride along. */
static void write_dirty(Store *s)
{
        NodeEntry *n, *next_node;
        RunEntry *r, *next_run;

        DL_FOREACH_SAFE (s->dirty_nodes, n, next_node)
                node_write(s, n);
        DL_FOREACH_SAFE (s->dirty_runs, r, next_run)
                run_write(s, r);
}

static Batch *take_pending(Store *s)
{
        Batch *b = s->pending, *next = batch_new(b->number + 1);

        if (!next)
                return NULL;
        s->pending = next;
        return b;
}

static void batch_finish(Store *s, Batch *b)
{
        if (b->outcome < 0)
                fail(s, b->outcome);
        s->batches_done = b->number;
        object_trim_contents(s);
        while (b->waiting) {
                Waiting *w = b->waiting;

                b->waiting = w->next;
                if (b->outcome < 0)
                        w->outcome = b->outcome;
                if (s->closing)
                        waiting_free(w);
                else
                        waiting_tell(w);
        }
        batch_free(b);
}

static void on_returned(Letter *l)
{
        Batch *b = CONTAINER_OF(l, Batch, letter);
        Store *s = b->store;

        s->in_flight = false;
        batch_finish(s, b);
        if (s->pending->waiting || s->pending->n_writes > LAZY_WRITES_MAX ||
                s->pending->bytes > LAZY_BYTES_MAX)
                arm_turn(s);
}

static int on_turn(sd_event_source *source, void *userdata)
{
        Store *s = userdata;
        Batch *b;

        if (s->in_flight)
                return 0;
        if (store_is_durable(s))
                write_dirty(s);
        if (batch_is_empty(s->pending))
                return 0;
        b = take_pending(s);
        if (!b) {
                store_lazy(s);
                return 0;
        }
        if (!store_is_durable(s) || s->failure < 0) {
                b->outcome = s->failure;
                batch_finish(s, b);
                return 0;
        }
        b->store = s;
        s->in_flight = true;
        writer_submit(s->writer, b, on_returned);
        return 0;
}

static int on_lazy(sd_event_source *source, uint64_t usec, void *userdata)
{
        arm_turn(userdata);
        return 0;
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *userdata)
{
        messages_drop_expired(userdata, now_realtime());
        arm(source, EXPIRY_USEC);
        return 0;
}

void store_lazy(Store *s)
{
        if (store_is_durable(s))
                arm(s->lazy, LAZY_USEC);
}

int store_wait_new(StoreDone done, void *userdata, Waiting **ret)
{
        Waiting *w = NULL;

        if (done) {
                w = new0(Waiting, 1);
                if (!w)
                        return -ENOMEM;
                *w = (Waiting){.kind = WAITING_DONE, .done = done, .userdata = userdata};
        }
        *ret = w;
        return 0;
}

void store_wait(Store *s, Waiting *w)
{
        if (!w)
                return;
        batch_wait(s->pending, w);
        arm_turn(s);
}

/* After a change without anybody waiting: soon, or now if it has become much. */
static void changed(Store *s)
{
        if (s->pending->n_writes > LAZY_WRITES_MAX || s->pending->bytes > LAZY_BYTES_MAX)
                arm_turn(s);
        else
                store_lazy(s);
}

void store_write_values(Store *s, DbStatement statement, const DbValue *v, size_t n)
{
        int r;

        if (!store_is_durable(s))
                return;
        r = batch_write(s->pending, statement, v, n);
        if (r < 0)
                fail(s, r);
        changed(s);
}

void store_write_file(Store *s, const FileKey *key, Blob *content)
{
        int r;

        if (!store_is_durable(s))
                return;
        r = batch_file(s->pending, key, content);
        if (r < 0)
                fail(s, r);
        changed(s);
}

void store_unlink_file(Store *s, const FileKey *key)
{
        int r;

        if (!store_is_durable(s))
                return;
        r = batch_unlink(s->pending, key);
        if (r < 0)
                fail(s, r);
        changed(s);
}

int store_check_space(Store *s)
{
        usec_t now;

        if (!s->files || s->free_space_floor == 0)
                return 0;
        now = now_monotonic();
        if (s->space_checked_at == 0 || now >= s->space_checked_at + SPACE_CHECK_USEC) {
                s->space_checked_at = now;
                s->space_is_low = files_free_space(s->files) < s->free_space_floor;
        }
        return s->space_is_low ? -ENOSPC : 0;
}

void store_sync(Store *s, StoreDone done, void *userdata)
{
        Waiting *w;
        int r;

        r = store_wait_new(done, userdata, &w);
        if (r < 0) {
                fail(s, r);
                return;
        }
        store_wait(s, w);
        arm_turn(s);
}

bool store_is_healthy(const Store *s)
{
        return s->failure == 0;
}

static int add_sources(Store *s)
{
        int r;

        r = sd_event_add_defer(s->event, &s->turn, on_turn, s);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->turn, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(
                s->event, &s->lazy, CLOCK_MONOTONIC, LAZY_USEC, USEC_PER_SEC, on_lazy, s);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->lazy, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(
                s->event, &s->expiry, CLOCK_MONOTONIC, EXPIRY_USEC, USEC_PER_SEC, on_expiry, s);
}

int store_open(const StoreConfig *config, Store **ret, char **reterr_text)
{
        _cleanup_(store_freep) Store *s = NULL;
        int r;

        s = new0(Store, 1);
        if (!s)
                return -ENOMEM;
        *s = (Store){
                .event = sd_event_ref(config->event),
                .queue_kind = config->queue,
                .free_space_floor = config->free_space_floor,
                .next_seq = 1,
                .lock_fd = -EBADF,
                .database_lock_fd = -EBADF,
        };
        s->pending = batch_new(1);
        if (!s->pending)
                return -ENOMEM;
        r = add_sources(s);
        if (r < 0)
                return r;
        if (config->directory) {
                r = store_open_directory(s, config, reterr_text);
                if (r < 0)
                        return r;
        }
        /* What is loaded is no news. */
        s->events = config->events;
        *ret = TAKE_PTR(s);
        return 0;
}

/* Those who still wait are not told: their owners may be gone. */
static void write_out(Store *s)
{
        s->closing = true;
        writer_stop(s->writer);
        if (s->failure == 0) {
                write_dirty(s);
                s->pending->sync = true;
                writer_execute(s->writer, s->pending);
        }
}

Store *store_free(Store *s)
{
        if (!s)
                return NULL;
        if (s->writer)
                write_out(s);
        /* First, so that the writer's connection is the last one and tidies up. */
        s->reader = db_free(s->reader);
        s->writer = writer_free(s->writer);
        batch_free(s->pending);
        s->pending = NULL;
        messages_free(s);
        objects_free(s);
        runs_free(s);
        nodes_free(s);
        files_free(s->files);
        safe_close(s->database_lock_fd);
        safe_close(s->lock_fd);
        sd_event_source_disable_unref(s->turn);
        sd_event_source_disable_unref(s->lazy);
        sd_event_source_disable_unref(s->expiry);
        sd_event_unref(s->event);
        return mfree(s);
}
