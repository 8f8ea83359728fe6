#include "state/batch.h"

Waiting *waiting_free(Waiting *w)
{
        if (!w)
                return NULL;
        blob_unref(w->context);
        free(w->text);
        return mfree(w);
}

void waiting_tell(Waiting *w)
{
        switch (w->kind) {
        case WAITING_DONE:
                w->done(w->outcome, w->userdata);
                break;
        case WAITING_CONTEXT:
                w->got_context(w->outcome, w->context, w->userdata);
                break;
        case WAITING_LOG:
                w->got_log(w->outcome, strempty(w->text), usec_to_seconds(w->latest), w->more, w->userdata);
                break;
        }
        waiting_free(w);
}

Batch *batch_new(uint64_t number)
{
        Batch *b = new0(Batch, 1);

        if (b)
                b->number = number;
        return b;
}

static void free_write(BatchWrite *w)
{
        for (size_t i = 0; i < w->n; i++)
                if (w->v[i].type == DB_BYTES)
                        blob_unref(w->v[i].b);
        free(w);
}

Batch *batch_free(Batch *b)
{
        BatchUnlink *u, *next_unlink;

        if (!b)
                return NULL;
        for (BatchWrite *w = b->writes, *next; w; w = next) {
                next = w->next;
                free_write(w);
        }
        for (FileWrite *f = b->files, *next; f; f = next) {
                next = f->next;
                blob_unref(f->content);
                free(f);
        }
        for (Waiting *w = b->waiting, *next; w; w = next) {
                next = w->next;
                waiting_free(w);
        }
        HASH_ITER (hh, b->unlinks, u, next_unlink) {
                HASH_DEL(b->unlinks, u);
                free(u);
        }
        return mfree(b);
}

bool batch_is_empty(const Batch *b)
{
        return !b->writes && !b->files && !b->unlinks && !b->waiting;
}

/* A list that is appended to: head and last. */
#define APPEND(head, last, item)                                                                            \
        do {                                                                                                \
                if (head)                                                                                   \
                        (last)->next = (item);                                                              \
                else                                                                                        \
                        (head) = (item);                                                                    \
                (last) = (item);                                                                            \
        } while (0)

int batch_write(Batch *b, DbStatement statement, const DbValue *v, size_t n)
{
        size_t texts = 0;
        BatchWrite *w;
        char *p;

        for (size_t i = 0; i < n; i++)
                if (v[i].type == DB_TEXT && v[i].s)
                        texts += strlen(v[i].s) + 1;
        w = malloc(sizeof(BatchWrite) + n * sizeof(DbValue) + texts);
        if (!w)
                return -ENOMEM;
        *w = (BatchWrite){.statement = statement, .n = n};
        p = (char *) &w->v[n];
        for (size_t i = 0; i < n; i++) {
                w->v[i] = v[i];
                if (v[i].type == DB_TEXT && v[i].s) {
                        w->v[i].s = p;
                        p = stpcpy(p, v[i].s) + 1;
                } else if (v[i].type == DB_BYTES && v[i].b) {
                        blob_ref(v[i].b);
                        b->bytes += v[i].b->size;
                }
        }
        APPEND(b->writes, b->last_write, w);
        b->n_writes++;
        return 0;
}

int batch_file(Batch *b, const FileKey *key, Blob *content)
{
        FileWrite *f = new0(FileWrite, 1);
        BatchUnlink *u;

        if (!f)
                return -ENOMEM;
        *f = (FileWrite){.key = *key, .content = blob_ref(content), .fd = -EBADF};
        b->bytes += content->size;
        APPEND(b->files, b->last_file, f);
        /* Unlinks come last; this one would take the new file. */
        HASH_FIND(hh, b->unlinks, key, sizeof(*key), u);
        if (u) {
                HASH_DEL(b->unlinks, u);
                free(u);
        }
        return 0;
}

int batch_unlink(Batch *b, const FileKey *key)
{
        BatchUnlink *u;

        HASH_FIND(hh, b->unlinks, key, sizeof(*key), u);
        if (u)
                return 0;
        u = new0(BatchUnlink, 1);
        if (!u)
                return -ENOMEM;
        u->key = *key;
        HASH_ADD(hh, b->unlinks, key, sizeof(u->key), u);
        if (!u->hh.tbl) {
                free(u);
                return -ENOMEM;
        }
        return 0;
}

void batch_wait(Batch *b, Waiting *w)
{
        if (w->kind == WAITING_DONE)
                b->sync = true;
        w->next = NULL;
        APPEND(b->waiting, b->last_waiting, w);
}
