#include "state/store-private.h"

#include "base/buf.h"
#include "state/log-text.h"

/* Without a database the log of a run keeps its newest part: a run that logs for weeks must not fill the
 * memory. */
#define MEMORY_LOG_MAX ((size_t) 67108864)

void context_drop(Store *s, RunEntry *r)
{
        if (r->context_generation != 0) {
                FileKey key = file_key_context(r->run.run_id, r->context_generation);

                store_unlink_file(s, &key);
        }
        if (r->has_context)
                store_write(s, DB_CONTEXT_DELETE, DB_I(r->run.run_id));
        r->context = blob_unref(r->context);
        r->context_generation = 0;
        r->has_context = false;
}

void context_write(Store *s, RunEntry *r, Blob *context)
{
        uint64_t id = r->run.run_id;

        context_drop(s, r);
        r->has_context = true;
        if (!store_is_durable(s))
                r->context = blob_ref(context);
        else if (context->size <= STORE_INLINE_MAX)
                store_write(s, DB_CONTEXT_PUT, DB_I(id), DB_I(0), DB_B(context));
        else {
                FileKey key;

                r->context_generation = s->next_seq++;
                key = file_key_context(id, r->context_generation);
                store_write_file(s, &key, context);
                store_write(s, DB_CONTEXT_PUT, DB_I(id), DB_I(r->context_generation), DB_B(NULL));
        }
}

int store_context_write(Store *s, uint64_t run_id, Blob *context, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *e = run_find(s, run_id);
        int r;

        if (!e)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        context_write(s, e, context);
        store_wait(s, TAKE_PTR(w));
        return 0;
}

int store_context_read(
        Store *s, uint64_t run_id, void (*got)(int outcome, Blob *context, void *userdata), void *userdata)
{
        RunEntry *r = run_find(s, run_id);
        Waiting *w;

        if (!r)
                return -ENOENT;
        w = new0(Waiting, 1);
        if (!w)
                return -ENOMEM;
        *w = (Waiting){
                .kind = WAITING_CONTEXT,
                .got_context = got,
                .userdata = userdata,
                .run_id = run_id,
                .context = r->context ? blob_ref(r->context) : NULL,
        };
        store_wait(s, w);
        return 0;
}

void log_drop(Store *s, RunEntry *r)
{
        LogEntry *l, *next;

        DL_FOREACH_SAFE (r->log, l, next)
                free(l);
        r->log = NULL;
        r->log_bytes = 0;
        store_write(s, DB_LOG_DELETE, DB_I(r->run.run_id));
}

static int keep_in_memory(RunEntry *r, usec_t at, const char *text, size_t size)
{
        LogEntry *l = malloc(sizeof(LogEntry) + size);

        if (!l)
                return -ENOMEM;
        *l = (LogEntry){.at = at, .size = size};
        memcpy(l->text, text, size);
        DL_APPEND(r->log, l);
        r->log_bytes += size;
        while (r->log_bytes > MEMORY_LOG_MAX && r->log != l) {
                LogEntry *oldest = r->log;

                r->log_bytes -= oldest->size;
                DL_DELETE(r->log, oldest);
                free(oldest);
        }
        return 0;
}

/* The end of the piece that starts a text: not more than one reading, and not in the middle of a character.
 */
static size_t piece_size(const char *text, size_t size)
{
        size_t n = STORE_LOG_READ_MAX;

        if (size <= n)
                return size;
        while (n > STORE_LOG_READ_MAX - 4 && ((unsigned char) text[n] & 0xc0) == 0x80)
                n--;
        return n;
}

static int append_piece(Store *s, RunEntry *r, const char *text, size_t size)
{
        usec_t at = MAX(now_realtime(), r->log_latest + 2);
        int k = 0;

        if (store_is_durable(s)) {
                _cleanup_free_ char *copy = strndup(text, size);

                if (!copy)
                        return -ENOMEM;
                store_write(s, DB_LOG_PUT, DB_I(r->run.run_id), DB_I(at), DB_T(copy));
        } else
                k = keep_in_memory(r, at, text, size);
        if (k >= 0)
                r->log_latest = at;
        return k;
}

int store_log_append(Store *s, uint64_t run_id, const char *text, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *e = run_find(s, run_id);
        size_t left = strlen(text);
        int r;

        if (!e)
                return -ENOENT;
        r = store_check_space(s);
        if (r >= 0)
                r = store_wait_new(done, userdata, &w);
        while (r >= 0 && left > 0) {
                size_t n = piece_size(text, left);

                r = append_piece(s, e, text, n);
                text += n;
                left -= n;
        }
        if (r < 0)
                return r;
        store_wait(s, TAKE_PTR(w));
        if (s->events.log_added)
                s->events.log_added(run_id, s->events.userdata);
        return 0;
}

static int read_memory(const RunEntry *r, Waiting *w)
{
        _cleanup_(log_text_done) LogText t = {};
        const LogEntry *l;
        int k;

        DL_FOREACH (r->log, l) {
                if (l->at <= w->after)
                        continue;
                k = log_text_add(&t, l->at, l->text, l->size);
                if (k < 0)
                        return k;
                if (k == 0)
                        break;
        }
        return log_text_finish(&t, w);
}

int store_log_read(Store *s, uint64_t run_id, double after,
        void (*got)(int outcome, const char *text, double latest, bool more, void *userdata), void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *e = run_find(s, run_id);
        int r;

        if (!e)
                return -ENOENT;
        w = new0(Waiting, 1);
        if (!w)
                return -ENOMEM;
        *w = (Waiting){
                .kind = WAITING_LOG,
                .got_log = got,
                .userdata = userdata,
                .run_id = run_id,
                .after = seconds_to_usec(after),
        };
        w->latest = w->after;
        if (!store_is_durable(s)) {
                r = read_memory(e, w);
                if (r < 0)
                        return r;
        }
        store_wait(s, TAKE_PTR(w));
        return 0;
}
