#include "state/store-private.h"

#include "base/text.h"

RunEntry *run_entry_free(RunEntry *r)
{
        LogEntry *l, *next;

        if (!r)
                return NULL;
        run_done(&r->run);
        free(r->token);
        blob_unref(r->context);
        DL_FOREACH_SAFE (r->log, l, next)
                free(l);
        return mfree(r);
}

RunEntry *run_find(Store *s, uint64_t run_id)
{
        RunEntry *r;

        HASH_FIND(hh, s->runs, &run_id, sizeof(run_id), r);
        return r;
}

const Run *store_run(Store *s, uint64_t run_id)
{
        RunEntry *r = run_find(s, run_id);

        return r ? &r->run : NULL;
}

const Run *store_run_next(Store *s, size_t *pos)
{
        RunEntry *r = seq_list_next(&s->run_list, pos);

        return r ? &r->run : NULL;
}

static void mark_clean(Store *s, RunEntry *r)
{
        if (!r->dirty)
                return;
        r->dirty = false;
        DL_DELETE(s->dirty_runs, r);
}

void run_mark_dirty(Store *s, RunEntry *r)
{
        if (r->dirty || !store_is_durable(s))
                return;
        r->dirty = true;
        DL_APPEND(s->dirty_runs, r);
        store_lazy(s);
}

void run_write(Store *s, RunEntry *e)
{
        const Run *r = &e->run;

        mark_clean(s, e);
        store_write(s, DB_RUN_PUT, DB_I(r->run_id), DB_I(e->seq), DB_T(r->fab_id), DB_T(r->fab_version),
                DB_H(r->fab_hash), DB_I(r->pending_at), DB_I(r->starting_at), DB_I(r->running_at),
                DB_I(r->finished_at), DB_I(r->status), DB_I(r->sub_status), DB_T(r->details),
                DB_T(r->flwr_aid), DB_T(r->federation), DB_I(r->bytes_sent), DB_I(r->bytes_recv),
                DB_D(r->clientapp_runtime), DB_T(r->run_type), DB_T(e->token), DB_I(e->token_until));
}

static void config_write(Store *s, const Run *r)
{
        for (size_t i = 0; i < r->override_config.n; i++) {
                const ConfigEntry *e = &r->override_config.entries[i];
                DbValue v = {};

                switch (e->value.type) {
                case SCALAR_DOUBLE:
                        v = DB_D(e->value.d);
                        break;
                case SCALAR_UINT64:
                        v = DB_I(e->value.u);
                        break;
                case SCALAR_SINT64:
                        v = DB_I(e->value.i);
                        break;
                case SCALAR_BOOL:
                        v = DB_I(e->value.b);
                        break;
                case SCALAR_STRING:
                        v = DB_T(e->value.s);
                        break;
                case SCALAR_BYTES:
                        v = DB_B(e->value.bytes);
                        break;
                case _SCALAR_TYPE_MAX:
                        break;
                }
                store_write(
                        s, DB_CONFIG_PUT, DB_I(r->run_id), DB_I(i), DB_T(e->key), DB_I(e->value.type), v);
        }
}

static void tell_changed(Store *s, uint64_t run_id)
{
        if (s->events.run_changed)
                s->events.run_changed(run_id, s->events.userdata);
}

int run_set_fab(Store *s, RunEntry *r, Blob *content)
{
        FabEntry *f;

        HASH_FIND(hh, s->fabs, &r->run.fab_hash, sizeof(r->run.fab_hash), f);
        if (!f) {
                f = new0(FabEntry, 1);
                if (!f)
                        return -ENOMEM;
                f->id = r->run.fab_hash;
                HASH_ADD(hh, s->fabs, id, sizeof(f->id), f);
                if (!f->hh.tbl) {
                        free(f);
                        return -ENOMEM;
                }
        }
        f->n_runs++;
        r->fab = f;
        /* Also when another run has brought it: its file may have been lost. */
        if (content && !f->content) {
                f->content = blob_ref(content);
                store_write_file(s, &FILE_KEY(FILE_FAB, f->id), content);
        }
        return 0;
}

static void fab_release(Store *s, RunEntry *r)
{
        FabEntry *f = TAKE_PTR(r->fab);

        if (!f || --f->n_runs > 0)
                return;
        store_unlink_file(s, &FILE_KEY(FILE_FAB, f->id));
        HASH_DEL(s->fabs, f);
        blob_unref(f->content);
        free(f);
}

int store_fab_get(Store *s, const ObjectId *hash, Blob **ret)
{
        FabEntry *f;
        int r;

        HASH_FIND(hh, s->fabs, hash, sizeof(*hash), f);
        if (!f)
                return -ENOENT;
        if (!f->content) {
                if (!s->files)
                        return -ENOENT;
                r = files_map(s->files, &FILE_KEY(FILE_FAB, f->id), &f->content);
                if (r < 0)
                        return r;
        }
        *ret = blob_ref(f->content);
        return 0;
}

static void run_unlink(Store *s, RunEntry *r)
{
        mark_clean(s, r);
        token_detach(s, r);
        fab_release(s, r);
        if (r->hh.tbl)
                HASH_DEL(s->runs, r);
        seq_list_remove(&s->run_list, r->seq);
}

int run_insert(Store *s, RunEntry *r)
{
        int k;

        HASH_ADD(hh, s->runs, run.run_id, sizeof(r->run.run_id), r);
        k = r->hh.tbl ? seq_list_append(&s->run_list, r->seq, r) : -ENOMEM;
        if (k < 0) {
                run_unlink(s, r);
                run_entry_free(r);
        }
        return k;
}

void runs_free(Store *s)
{
        RunEntry *r, *next;
        FabEntry *f, *next_fab;

        HASH_CLEAR(by_token, s->runs_by_token);
        HASH_ITER (hh, s->runs, r, next) {
                HASH_DEL(s->runs, r);
                run_entry_free(r);
        }
        HASH_ITER (hh, s->fabs, f, next_fab) {
                HASH_DEL(s->fabs, f);
                blob_unref(f->content);
                free(f);
        }
        seq_list_done(&s->run_list);
}

static int run_add(Store *s, const Run *run, Blob *context, Blob *fab, StoreDone done, void *userdata)
{
        _cleanup_(run_entry_freep) RunEntry *e = NULL;
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *added;
        int r;

        r = store_check_space(s);
        if (r < 0)
                return r;
        e = new0(RunEntry, 1);
        if (!e)
                return -ENOMEM;
        r = run_copy(run, &e->run);
        if (r < 0)
                return r;
        e->seq = s->next_seq;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        added = e;
        r = run_insert(s, TAKE_PTR(e));
        if (r < 0)
                return r;
        s->next_seq++;
        r = run_set_fab(s, added, fab);
        if (r < 0) {
                run_unlink(s, added);
                run_entry_free(added);
                return r;
        }
        run_write(s, added);
        config_write(s, &added->run);
        if (context)
                context_write(s, added, context);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, run->run_id);
        return 0;
}

int store_run_create(Store *s, Run *run, Blob *context, Blob *fab, StoreDone done, void *userdata)
{
        do
                run->run_id = random_u64();
        while (run->run_id == 0 || run_find(s, run->run_id));
        run->status = RUN_PENDING;
        run->sub_status = RUN_SUB_NONE;
        run->pending_at = now_realtime();
        run->starting_at = run->running_at = run->finished_at = 0;
        return run_add(s, run, context, fab, done, userdata);
}

int store_run_adopt(Store *s, const Run *run, Blob *context, Blob *fab, StoreDone done, void *userdata)
{
        if (run_find(s, run->run_id))
                return -EEXIST;
        return run_add(s, run, context, fab, done, userdata);
}

static void stamp(Run *r, RunStatus status, usec_t now)
{
        switch (status) {
        case RUN_PENDING:
                r->pending_at = now;
                break;
        case RUN_STARTING:
                r->starting_at = now;
                break;
        case RUN_RUNNING:
                r->running_at = now;
                break;
        case RUN_FINISHED:
                r->finished_at = now;
                break;
        case _RUN_STATUS_MAX:
        case _RUN_STATUS_INVALID:
                break;
        }
}

int store_run_transition(Store *s, uint64_t run_id, RunStatus status, RunSubStatus sub, const char *details,
        StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *e = run_find(s, run_id);
        int r;

        if (!e)
                return -ENOENT;
        if (!run_transition_is_legal(e->run.status, status, sub))
                return -EPERM;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        r = free_and_strdup(&e->run.details, strempty(details));
        if (r < 0)
                return r;
        e->run.status = status;
        e->run.sub_status = sub;
        stamp(&e->run, status, now_realtime());
        if (status == RUN_FINISHED) {
                token_detach(s, e);
                run_drop_messages(s, e);
                run_drop_objects(s, e);
        }
        run_write(s, e);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, run_id);
        return 0;
}

void store_run_add_traffic(Store *s, uint64_t run_id, uint64_t sent, uint64_t recv, double clientapp_runtime)
{
        RunEntry *r = run_find(s, run_id);

        if (!r || (sent == 0 && recv == 0 && clientapp_runtime == 0))
                return;
        r->run.bytes_sent += sent;
        r->run.bytes_recv += recv;
        r->run.clientapp_runtime += clientapp_runtime;
        run_mark_dirty(s, r);
}

int store_run_delete(Store *s, uint64_t run_id, StoreDone done, void *userdata)
{
        _cleanup_(run_entry_freep) RunEntry *e = NULL;
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *found = run_find(s, run_id);
        int r;

        if (!found)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        e = found;
        run_drop_messages(s, e);
        run_drop_objects(s, e);
        context_drop(s, e);
        log_drop(s, e);
        run_unlink(s, e);
        store_write(s, DB_CONFIG_DELETE, DB_I(run_id));
        store_write(s, DB_RUN_DELETE, DB_I(run_id));
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, run_id);
        return 0;
}
