#include "state/store-private.h"

#include <endian.h>

ObjectEntry *object_find(Store *s, const ObjectId *id)
{
        ObjectEntry *o;

        HASH_FIND(hh, s->objects, id, sizeof(*id), o);
        return o;
}

/* ---- contents in memory ---- */

static void forget_content(Store *s, ObjectEntry *o)
{
        if (!o->content)
                return;
        DL_DELETE(s->recent, o);
        s->recent_bytes -= o->content->size;
        o->content = blob_unref(o->content);
}

void object_trim_contents(Store *s)
{
        ObjectEntry *o = s->recent ? s->recent->prev : NULL;

        if (!store_is_durable(s))
                return;
        while (o && s->recent_bytes > STORE_CACHE_MAX) {
                ObjectEntry *newer = o == s->recent ? NULL : o->prev;

                /* The newest one is what somebody is just about to take. */
                if (o->batch <= s->batches_done && newer)
                        forget_content(s, o);
                o = newer;
        }
}

void object_keep_content(Store *s, ObjectEntry *o, Blob *content)
{
        o->content = blob_ref(content);
        s->recent_bytes += content->size;
        DL_PREPEND(s->recent, o);
        object_trim_contents(s);
}

static int read_row(Store *s, const ObjectEntry *o, Blob **ret)
{
        sqlite3_stmt *st;
        Blob *b = NULL;
        int r;

        r = db_query(s->reader, DB_OBJECT_GET, &DB_I(o->seq), 1, &st);
        if (r > 0)
                r = db_column_blob(st, 0, &b);
        else if (r == 0)
                r = -EIO;
        db_end(st);
        if (r < 0)
                return r;
        *ret = b;
        return 0;
}

static int load_content(Store *s, ObjectEntry *o)
{
        _cleanup_blob_ Blob *b = NULL;
        int r;

        if (o->place == OBJECT_IN_FILE)
                r = files_map(s->files, &FILE_KEY(FILE_OBJECT, o->id), &b);
        else
                r = read_row(s, o, &b);
        if (r < 0)
                /* Lost by somebody else's hand: that must not look like an object that never was. */
                return r == -ENOENT ? -EIO : r;
        object_keep_content(s, o, b);
        return 0;
}

int store_object_get(Store *s, const ObjectId *id, Blob **ret)
{
        ObjectEntry *o = object_find(s, id);
        int r;

        if (!o)
                return -ENOENT;
        if (o->place == OBJECT_ABSENT)
                return -EAGAIN;
        if (!o->content) {
                r = load_content(s, o);
                if (r < 0)
                        return r;
        } else if (s->recent != o) {
                DL_DELETE(s->recent, o);
                DL_PREPEND(s->recent, o);
        }
        *ret = blob_ref(o->content);
        return 0;
}

/* ---- holds ---- */

ObjectHold *hold_find(const ObjectEntry *o, const RunEntry *r)
{
        ObjectHold *h = o->holds;

        while (h && h->run != r)
                h = h->next;
        return h;
}

void hold_write(Store *s, const ObjectHold *h)
{
        store_write(s, DB_HOLD_PUT, DB_I(h->object->seq), DB_I(h->run->run.run_id), DB_I(h->proven),
                DB_I(h->root));
}

int hold_insert(Store *s, ObjectEntry *o, RunEntry *r, bool proven, bool root, ObjectHold **ret)
{
        ObjectHold *h = new0(ObjectHold, 1);

        if (!h)
                return -ENOMEM;
        *h = (ObjectHold){.object = o, .run = r, .proven = proven, .root = root, .n_missing = !proven};
        for (size_t i = 0; i < o->n_children; i++) {
                const ObjectHold *child = hold_find(o->children[i].child, r);

                h->n_missing += !child || child->n_missing > 0;
        }
        LL_PREPEND(o->holds, h);
        DL_APPEND2(r->holds, h, run_prev, run_next);
        if (ret)
                *ret = h;
        return 0;
}

/* Depth is bounded by the height of objects. */
static void hold_found_one(Store *s, ObjectHold *h)
{
        ObjectEdge *e;

        if (--h->n_missing > 0)
                return;
        message_became_whole(s, h->run, &h->object->id);
        DL_FOREACH (h->object->parents, e) {
                ObjectHold *parent = hold_find(e->parent, h->run);

                if (parent)
                        hold_found_one(s, parent);
        }
}

void hold_prove(Store *s, ObjectHold *h)
{
        if (h->proven)
                return;
        h->proven = true;
        hold_write(s, h);
        hold_found_one(s, h);
}

static void hold_remove(ObjectHold *h)
{
        LL_DELETE(h->object->holds, h);
        DL_DELETE2(h->run->holds, h, run_prev, run_next);
        free(h);
}

/* ---- objects ---- */

static void object_write(Store *s, const ObjectEntry *o)
{
        _cleanup_blob_ Blob *children = NULL;
        uint64_t le;
        uint8_t *p;

        if (!store_is_durable(s))
                return;
        children = blob_alloc(o->n_children * sizeof(le), &p);
        for (size_t i = 0; children && i < o->n_children; i++) {
                le = htole64(o->children[i].child->seq);
                memcpy(p + i * sizeof(le), &le, sizeof(le));
        }
        /* Without memory for its children the row is refused by the database, and so is the batch. */
        store_write(s, DB_OBJECT_PUT, DB_I(o->seq), DB_H(o->id), DB_B(children));
}

int object_insert(Store *s, const ObjectId *id, uint64_t seq, ObjectEntry *const *children,
        size_t n_children, ObjectEntry **ret)
{
        ObjectEntry *o;

        o = calloc(1, sizeof(ObjectEntry) + n_children * sizeof(ObjectEdge));
        if (!o)
                return -ENOMEM;
        o->id = *id;
        o->seq = seq;
        o->n_children = n_children;
        o->height = 1;
        o->tree_size = 1;
        HASH_ADD(hh, s->objects, id, sizeof(o->id), o);
        if (!o->hh.tbl) {
                free(o);
                return -ENOMEM;
        }
        for (size_t i = 0; i < n_children; i++) {
                ObjectEntry *child = children[i];

                o->children[i] = (ObjectEdge){.parent = o, .child = child};
                DL_APPEND(child->parents, &o->children[i]);
                o->height = MAX(o->height, child->height + 1);
                o->tree_size += child->tree_size;
        }
        object_write(s, o);
        *ret = o;
        return 0;
}

static bool is_needed(const ObjectEntry *o)
{
        if (o->parents)
                return true;
        for (const ObjectHold *h = o->holds; h; h = h->next)
                if (h->root)
                        return true;
        return false;
}

static void object_remove(Store *s, ObjectEntry *o)
{
        if (o->place == OBJECT_IN_FILE)
                store_unlink_file(s, &FILE_KEY(FILE_OBJECT, o->id));
        store_write(s, DB_OBJECT_DELETE, DB_I(o->seq));
        store_write(s, DB_HOLD_DELETE, DB_I(o->seq));
        forget_content(s, o);
        while (o->holds)
                hold_remove(o->holds);
        HASH_DEL(s->objects, o);
        free(o);
}

/* With a list instead of recursion: a root may take a million with it. */
void object_delete_unneeded(Store *s, ObjectEntry *o)
{
        ObjectEntry *dead = o;

        if (is_needed(o))
                return;
        o->next_dead = NULL;
        while (dead) {
                o = dead;
                dead = o->next_dead;
                for (size_t i = 0; i < o->n_children; i++) {
                        ObjectEntry *child = o->children[i].child;

                        DL_DELETE(child->parents, &o->children[i]);
                        if (!is_needed(child)) {
                                child->next_dead = dead;
                                dead = child;
                        }
                }
                object_remove(s, o);
        }
}

void object_drop_root(Store *s, RunEntry *r, const ObjectId *id)
{
        ObjectEntry *o = object_find(s, id);
        ObjectHold *h = o ? hold_find(o, r) : NULL;

        if (!h || !h->root)
                return;
        h->root = false;
        if (is_needed(o))
                hold_write(s, h);
        else
                object_delete_unneeded(s, o);
}

void run_drop_objects(Store *s, RunEntry *r)
{
        while (r->holds) {
                ObjectEntry *o = r->holds->object;

                r->holds->root = false;
                if (is_needed(o)) {
                        store_write(s, DB_HOLD_DROP, DB_I(o->seq), DB_I(r->run.run_id));
                        hold_remove(r->holds);
                } else
                        object_delete_unneeded(s, o);
        }
}

void store_object_delete(Store *s, const ObjectId *root)
{
        const StoreMessage *m = store_message(s, root);
        ObjectEntry *o = object_find(s, root);

        if (!o || (m && !m->confirmed))
                return;
        for (ObjectHold *h = o->holds; h; h = h->next)
                if (h->root) {
                        h->root = false;
                        hold_write(s, h);
                }
        object_delete_unneeded(s, o);
}

static int store_content(Store *s, ObjectEntry *o, Blob *content)
{
        int r;

        r = store_check_space(s);
        if (r < 0)
                return r;
        o->size = content->size;
        o->batch = s->pending->number;
        if (content->size <= STORE_INLINE_MAX) {
                o->place = OBJECT_IN_ROW;
                store_write(
                        s, DB_OBJECT_CONTENT, DB_I(o->seq), DB_I(o->place), DB_I(o->size), DB_B(content));
        } else {
                o->place = OBJECT_IN_FILE;
                store_write_file(s, &FILE_KEY(FILE_OBJECT, o->id), content);
                store_write(s, DB_OBJECT_CONTENT, DB_I(o->seq), DB_I(o->place), DB_I(o->size), DB_B(NULL));
        }
        object_keep_content(s, o, content);
        return 0;
}

int store_object_put(
        Store *s, uint64_t run_id, const ObjectId *id, Blob *content, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        ObjectEntry *o = object_find(s, id);
        RunEntry *run = run_find(s, run_id);
        ObjectHold *h = o && run ? hold_find(o, run) : NULL;
        bool is_new;
        int r;

        if (!h)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        is_new = o->place == OBJECT_ABSENT;
        if (is_new) {
                r = store_content(s, o, content);
                if (r < 0)
                        return r;
        }
        hold_prove(s, h);
        if (is_new && s->events.object_available)
                s->events.object_available(id, s->events.userdata);
        store_wait(s, TAKE_PTR(w));
        return is_new ? 0 : 1;
}

void objects_free(Store *s)
{
        ObjectEntry *o, *next;

        HASH_ITER (hh, s->objects, o, next) {
                HASH_DEL(s->objects, o);
                while (o->holds)
                        hold_remove(o->holds);
                blob_unref(o->content);
                free(o);
        }
        s->recent = NULL;
}
