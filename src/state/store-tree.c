#include "state/store-private.h"

/* ---- registering ---- */

typedef struct Register {
        Store *s;
        RunEntry *run;
        uint64_t visit;
        ObjectId *needed;
        size_t n_needed;
} Register;

/* Height and size that the tree will have in the store, where known objects count as they were registered.
 */
static int check_tree(Store *s, const ObjectTree *t, unsigned depth, unsigned *ret_height, size_t *ret_size)
{
        const ObjectEntry *known = object_find(s, &t->id);
        unsigned height = known ? known->height : 1;
        size_t size = known ? known->tree_size : 1;
        int r;

        for (size_t i = 0; !known && i < t->n_children; i++) {
                unsigned h;
                size_t n;

                if (depth >= OBJECT_TREE_DEPTH_MAX)
                        return -E2BIG;
                r = check_tree(s, &t->children[i], depth + 1, &h, &n);
                if (r < 0)
                        return r;
                height = MAX(height, h + 1);
                size += n;
                if (size > OBJECT_TREE_NODES_MAX)
                        return -E2BIG;
        }
        if (height > OBJECT_TREE_DEPTH_MAX)
                return -E2BIG;
        *ret_height = height;
        *ret_size = size;
        return 0;
}

static int need(Register *g, const ObjectEntry *o)
{
        int r = GROW_ARRAY(g->needed, g->n_needed);

        if (r < 0)
                return r;
        g->needed[g->n_needed++] = o->id;
        return 0;
}

/* Depth is bounded by the height of objects. */
static int hold_known(Register *g, ObjectEntry *o, bool root)
{
        ObjectHold *h;
        int r;

        h = hold_find(o, g->run);
        if (root && h && !h->root) {
                h->root = true;
                hold_write(g->s, h);
        }
        if (o->visit == g->visit)
                return 0;
        o->visit = g->visit;
        for (size_t i = 0; i < o->n_children; i++) {
                r = hold_known(g, o->children[i].child, false);
                if (r < 0)
                        return r;
        }
        if (!h) {
                r = hold_insert(g->s, o, g->run, false, root, &h);
                if (r < 0)
                        return r;
                hold_write(g->s, h);
        }
        return h->proven ? 0 : need(g, o);
}

static int register_tree(Register *g, const ObjectTree *t, bool root, ObjectEntry **ret);

static int register_new(Register *g, const ObjectTree *t, bool root, ObjectEntry **ret)
{
        _cleanup_free_ ObjectEntry **children = NULL;
        ObjectEntry *o;
        int r;

        children = new0(ObjectEntry *, t->n_children);
        if (!children)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_children; i++) {
                r = register_tree(g, &t->children[i], false, &children[i]);
                if (r < 0)
                        return r;
        }
        /* A tree that contains its own root is no tree. */
        if (object_find(g->s, &t->id))
                return -EINVAL;
        r = object_insert(g->s, &t->id, g->s->next_seq, children, t->n_children, &o);
        if (r < 0)
                return r;
        g->s->next_seq++;
        *ret = o;
        return hold_known(g, o, root);
}

static int register_tree(Register *g, const ObjectTree *t, bool root, ObjectEntry **ret)
{
        ObjectEntry *o = object_find(g->s, &t->id);

        if (!o)
                return register_new(g, t, root, ret);
        *ret = o;
        return hold_known(g, o, root);
}

int store_object_preregister(Store *s, uint64_t run_id, const ObjectTree *tree, StoreDone done,
        void *userdata, ObjectId **ret_needed, size_t *ret_n_needed)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        _cleanup_free_ ObjectId *needed = NULL;
        RunEntry *run = run_find(s, run_id);
        Register g = {.s = s, .run = run};
        ObjectEntry *root;
        unsigned height;
        size_t size;
        int r;

        if (!run)
                return -ENOENT;
        if (run->run.status == RUN_FINISHED)
                return -EPERM;
        r = store_check_space(s);
        if (r < 0)
                return r;
        r = check_tree(s, tree, 1, &height, &size);
        if (r < 0)
                return r;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        g.visit = ++s->visit;
        r = register_tree(&g, tree, true, &root);
        needed = g.needed;
        if (r < 0)
                return r;
        store_wait(s, TAKE_PTR(w));
        *ret_needed = TAKE_PTR(needed);
        *ret_n_needed = g.n_needed;
        return 0;
}

/* ---- looking down ---- */

static bool search_below(ObjectEntry *from, const ObjectEntry *o, uint64_t visit)
{
        if (from == o)
                return true;
        if (from->visit == visit || from->height <= o->height)
                return false;
        from->visit = visit;
        for (size_t i = 0; i < from->n_children; i++)
                if (search_below(from->children[i].child, o, visit))
                        return true;
        return false;
}

bool object_is_below(Store *s, ObjectEntry *root, const ObjectEntry *o)
{
        return search_below(root, o, ++s->visit);
}

bool store_object_is_below(Store *s, const ObjectId *root, const ObjectId *id)
{
        ObjectEntry *r = object_find(s, root), *o = object_find(s, id);

        return r && o && object_is_below(s, r, o);
}

static int copy_tree(const ObjectEntry *o, ObjectTree *ret)
{
        ObjectTree t = {.id = o->id, .n_children = 0};
        int r = 0;

        if (o->n_children > 0) {
                t.children = new0(ObjectTree, o->n_children);
                if (!t.children)
                        return -ENOMEM;
        }
        while (r >= 0 && t.n_children < o->n_children) {
                r = copy_tree(o->children[t.n_children].child, &t.children[t.n_children]);
                if (r >= 0)
                        t.n_children++;
        }
        if (r < 0) {
                object_tree_done(&t);
                return r;
        }
        *ret = t;
        return 0;
}

int store_object_tree(Store *s, const ObjectId *root, ObjectTree *ret)
{
        ObjectEntry *o = object_find(s, root);

        return o ? copy_tree(o, ret) : -ENOENT;
}
