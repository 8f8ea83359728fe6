#include "state/writer.h"

#include <pthread.h>
#include <signal.h>

#include "base/log.h"
#include "state/log-text.h"

/* The thread has a loop of its own; it shares nothing with the core but the two mailboxes. */
struct Writer {
        pthread_t thread;
        bool has_thread;
        sd_event *event;
        Mailbox *inbox, *outbox;
        Letter stop;
        Db *db;
        const Files *files;
        bool unsynced; /* the last commit was none that syncs */
        void (*returned)(Letter *l);
};

/* ---- one batch ---- */

static int write_rows(Writer *w, const Batch *b, bool sync)
{
        int r;

        r = db_begin(w->db, sync);
        for (const BatchWrite *c = b->writes; r >= 0 && c; c = c->next)
                r = db_run(w->db, c->statement, c->v, c->n);
        /* A commit without a change would not reach the disk. */
        if (r >= 0 && !b->writes)
                r = db_run(w->db, DB_TOUCH, NULL, 0);
        if (r >= 0)
                r = db_commit(w->db);
        if (r < 0) {
                db_rollback(w->db);
                return r;
        }
        w->unsynced = !sync;
        return 0;
}

static int read_context(Writer *w, Waiting *q)
{
        sqlite3_stmt *st;
        uint64_t generation = 0;
        FileKey key;
        int r;

        r = db_query(w->db, DB_CONTEXT_GET, &DB_I(q->run_id), 1, &st);
        if (r > 0) {
                generation = (uint64_t) sqlite3_column_int64(st, 0);
                r = db_column_blob(st, 1, &q->context);
        }
        db_end(st);
        if (r < 0 || generation == 0)
                return r;
        key = file_key_context(q->run_id, generation);
        return files_map(w->files, &key, &q->context);
}

static int read_log(Writer *w, Waiting *q)
{
        _cleanup_(log_text_done) LogText t = {};
        const DbValue v[] = {DB_I(q->run_id), DB_I(q->after)};
        sqlite3_stmt *st;
        int r;

        r = db_query(w->db, DB_LOG_GET, v, ELEMENTSOF(v), &st);
        while (r > 0) {
                const char *text = (const char *) sqlite3_column_text(st, 1);

                r = text ? log_text_add(&t, (usec_t) sqlite3_column_int64(st, 0), text,
                                   (size_t) sqlite3_column_bytes(st, 1))
                         : -ENOMEM;
                if (r > 0)
                        r = db_step(st);
        }
        db_end(st);
        return r < 0 ? r : log_text_finish(&t, q);
}

static void answer_readers(Writer *w, Batch *b)
{
        for (Waiting *q = b->waiting; q; q = q->next)
                switch (q->kind) {
                case WAITING_DONE:
                        break;
                case WAITING_CONTEXT:
                        q->outcome = read_context(w, q);
                        break;
                case WAITING_LOG:
                        q->outcome = read_log(w, q);
                        break;
                }
}

void writer_execute(Writer *w, Batch *b)
{
        /* A file must not be gone while its row may come back. */
        bool sync = b->sync || b->unlinks;
        BatchUnlink *u, *next;
        int r;

        r = files_write(w->files, b->files);
        if (r >= 0 && (b->writes || (sync && w->unsynced)))
                r = write_rows(w, b, sync);
        b->outcome = r;
        if (r < 0)
                return;
        answer_readers(w, b);
        HASH_ITER (hh, b->unlinks, u, next)
                files_unlink(w->files, &u->key);
}

/* ---- the thread ---- */

static void on_batch(Letter *l)
{
        Batch *b = CONTAINER_OF(l, Batch, letter);
        Writer *w = b->writer;

        writer_execute(w, b);
        b->letter.run = w->returned;
        mailbox_post(w->outbox, &b->letter);
}

static void on_stop(Letter *l)
{
        Writer *w = CONTAINER_OF(l, Writer, stop);

        (void) sd_event_exit(w->event, 0);
}

static void *run_thread(void *userdata)
{
        Writer *w = userdata;
        int r;

        (void) pthread_setname_np(pthread_self(), "store-writer");
        r = sd_event_loop(w->event);
        if (r < 0)
                log_debug_errno(r, "The writer's loop failed");
        return NULL;
}

/* Signals are for the core thread. */
static int start_thread(Writer *w)
{
        sigset_t all, old;
        int r;

        sigfillset(&all);
        r = pthread_sigmask(SIG_SETMASK, &all, &old);
        if (r != 0)
                return -r;
        r = pthread_create(&w->thread, NULL, run_thread, w);
        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r != 0)
                return -r;
        w->has_thread = true;
        return 0;
}

int writer_new(sd_event *event, Db *db, const Files *files, Writer **ret)
{
        _cleanup_(writer_freep) Writer *w = NULL;
        int r;

        w = new0(Writer, 1);
        if (!w) {
                db_free(db);
                return -ENOMEM;
        }
        *w = (Writer){.db = db, .files = files, .stop.run = on_stop};
        r = mailbox_new(event, SD_EVENT_PRIORITY_NORMAL, &w->outbox);
        if (r < 0)
                return r;
        r = sd_event_new(&w->event);
        if (r < 0)
                return r;
        r = mailbox_new(w->event, SD_EVENT_PRIORITY_NORMAL, &w->inbox);
        if (r < 0)
                return r;
        r = start_thread(w);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

void writer_submit(Writer *w, Batch *b, void (*returned)(Letter *l))
{
        b->writer = w;
        b->letter.run = on_batch;
        w->returned = returned;
        mailbox_post(w->inbox, &b->letter);
}

void writer_stop(Writer *w)
{
        if (!w->has_thread)
                return;
        mailbox_post(w->inbox, &w->stop);
        (void) pthread_join(w->thread, NULL);
        w->has_thread = false;
        mailbox_drain(w->outbox);
}

Writer *writer_free(Writer *w)
{
        if (!w)
                return NULL;
        writer_stop(w);
        mailbox_free(w->inbox);
        mailbox_free(w->outbox);
        sd_event_unref(w->event);
        db_free(w->db);
        return mfree(w);
}
