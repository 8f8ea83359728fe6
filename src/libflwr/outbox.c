#include "libflwr/outbox.h"

#include "base/time-util.h"
#include "model/object.h"

struct OutboxContent {
        SharedContent *key;
        ObjectTree tree; /* of the RecordDict */
};

static OutboxContent *content_free(OutboxContent *c)
{
        if (!c)
                return NULL;
        object_tree_done(&c->tree);
        return mfree(c);
}
DEFINE_CLEANUP(OutboxContent *, content_free);

void outbox_clear_messages(Outbox *o)
{
        for (size_t i = 0; i < o->n; i++) {
                message_done(&o->messages[i]);
                object_tree_done(&o->trees[i]);
        }
        free(o->messages);
        free(o->trees);
        o->messages = NULL;
        o->trees = NULL;
        o->n = o->n_ids = 0;
}

void outbox_done(Outbox *o)
{
        outbox_clear_messages(o);
        for (size_t i = 0; i < o->n_contents; i++)
                content_free(o->contents[i]);
        free(o->contents);
        for (size_t i = 0; i < o->map.n; i++)
                blobvec_done(&o->objects[i]);
        free(o->objects);
        id_map_done(&o->map);
        *o = (Outbox){};
}

static BlobVec copy_pieces(const BlobVec *from)
{
        for (unsigned i = 0; i < from->n; i++)
                blob_ref(from->v[i]);
        return *from;
}

int outbox_get(const ObjectId *id, BlobVec *ret, void *outbox)
{
        Outbox *o = outbox;
        size_t i;

        if (!id_map_find(&o->map, id, &i))
                return -ENOENT;
        *ret = copy_pieces(&o->objects[i]);
        return 0;
}

/* ---- contents ---- */

static int keep_object(Outbox *o, const ObjectId *id, const BlobVec *bytes)
{
        BlobVec copy;
        size_t i;
        int r;

        if (GROW_ARRAY(o->objects, o->map.n) < 0)
                return -ENOMEM;
        copy = copy_pieces(bytes);
        r = id_map_put(&o->map, id, &i);
        if (r <= 0) {
                blobvec_done(&copy);
                return r;
        }
        o->objects[i] = copy;
        return 0;
}

static int content_new(Outbox *o, const flwr_message *m, OutboxContent **ret)
{
        _cleanup_(content_freep) OutboxContent *c = new0(OutboxContent, 1);
        _cleanup_object_set_ ObjectSet set = {};
        ObjectTree whole;
        Message full = m->m;
        int r;

        if (!c || GROW_ARRAY(o->contents, o->n_contents) < 0)
                return -ENOMEM;
        c->key = m->shared;
        full.has_content = true;
        full.content = m->shared->dict;
        r = deflate_message(&full, 0, &set, &whole);
        if (r < 0)
                return r;
        r = object_tree_copy(&whole.children[0], &c->tree);
        /* The last one is the message's own object: without it the rest serves all. */
        for (size_t i = 0; r >= 0 && i + 1 < set.n; i++)
                r = keep_object(o, &set.items[i].id, &set.items[i].bytes);
        object_tree_done(&whole);
        if (r < 0)
                return r;
        *ret = o->contents[o->n_contents++] = TAKE_PTR(c);
        return 0;
}

static int content_get(Outbox *o, const flwr_message *m, OutboxContent **ret)
{
        for (size_t i = o->n_contents; i-- > 0;)
                if (o->contents[i]->key == m->shared) {
                        *ret = o->contents[i];
                        return 0;
                }
        return content_new(o, m, ret);
}

/* ---- messages ---- */

/* The bytes of a message say nothing of its content but the id in their head: made without content, given
 * one here. */
static int give_content(const Blob *bare, const ObjectId *content, Blob **ret)
{
        _cleanup_object_head_ ObjectHead head = {};
        _cleanup_buf_ Buf b = {};
        const char *text;
        int r;

        r = object_head_parse(bare->data, bare->size, &head, &text);
        if (r >= 0)
                r = object_head_write(OBJECT_MESSAGE, content, 1, head.body_size, &b);
        if (r >= 0)
                r = buf_append(&b, bare->data + head.body_offset, head.body_size);
        if (r < 0)
                return r;
        *ret = buf_steal_blob(&b);
        return *ret ? 0 : -ENOMEM;
}

static int deflate_bare(const Message *m, Blob **ret)
{
        _cleanup_object_set_ ObjectSet set = {};
        Message bare = *m;
        ObjectTree tree;
        int r;

        bare.has_content = false;
        bare.content = NULL;
        r = deflate_message(&bare, 0, &set, &tree);
        if (r < 0)
                return r;
        object_tree_done(&tree);
        *ret = blobvec_join(&set.items[set.n - 1].bytes);
        return *ret ? 0 : -ENOMEM;
}

static int add_objects(Outbox *o, flwr_message *m, ObjectTree *ret)
{
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_blobvec_ BlobVec bytes = {};
        _cleanup_blob_ Blob *bare = NULL;
        Blob *object = NULL;
        OutboxContent *c = NULL;
        int r;

        r = deflate_bare(&m->m, &bare);
        if (r < 0)
                return r;
        if (m->shared) {
                tree.children = new0(ObjectTree, 1);
                if (!tree.children)
                        return -ENOMEM;
                r = content_get(o, m, &c);
                if (r >= 0)
                        r = object_tree_copy(&c->tree, &tree.children[0]);
                if (r < 0)
                        return r;
                tree.n_children = 1;
                r = give_content(bare, &c->tree.id, &object);
                if (r < 0)
                        return r;
        } else
                object = blob_ref(bare);
        sha256(object->data, object->size, &tree.id);
        r = blobvec_append(&bytes, object);
        if (r >= 0)
                r = keep_object(o, &tree.id, &bytes);
        if (r < 0)
                return r;
        *ret = tree;
        tree = (ObjectTree){};
        return 0;
}

int outbox_add(Outbox *o, flwr_message *m, bool is_reply, char **reterr_text)
{
        _cleanup_(object_tree_done) ObjectTree tree = {};
        const char *wrong;
        int r;

        r = add_objects(o, m, &tree);
        if (r < 0)
                return r;
        m->m.metadata.message_id = tree.id;
        wrong = message_check(&m->m, is_reply, usec_to_seconds(now_realtime()));
        if (wrong) {
                *reterr_text = strdup(wrong);
                return -EINVAL;
        }
        if (GROW_ARRAY(o->messages, o->n) < 0 || GROW_ARRAY(o->trees, o->n) < 0)
                return -ENOMEM;
        r = message_copy(&m->m, &o->messages[o->n]);
        if (r < 0)
                return r;
        o->n_ids += object_tree_count(&tree);
        o->trees[o->n++] = tree;
        tree = (ObjectTree){};
        return 0;
}
