#include <inttypes.h>

#include "base/json.h"
#include "codec/inflate.h"
#include "codec/proto-message.h"
#include "model/object.h"

typedef struct Deflater {
        ObjectSet set;
        size_t chunk_size;
} Deflater;

void object_set_done(ObjectSet *s)
{
        for (size_t i = 0; i < s->n; i++)
                blobvec_done(&s->items[i].bytes);
        free(s->items);
        id_map_done(&s->map);
        *s = (ObjectSet){};
}

const ObjectItem *object_set_find(const ObjectSet *s, const ObjectId *id)
{
        size_t i;

        return id_map_find(&s->map, id, &i) ? &s->items[i] : NULL;
}

/* Takes the bytes, also on failure. */
static int set_add(ObjectSet *s, BlobVec *bytes, ObjectId *ret)
{
        _cleanup_blobvec_ BlobVec bv = *bytes;
        ObjectId id;
        size_t i;
        int r;

        *bytes = (BlobVec){};
        sha256_blobvec(&bv, &id);
        if (GROW_ARRAY(s->items, s->n) < 0)
                return -ENOMEM;
        r = id_map_put(&s->map, &id, &i);
        if (r < 0)
                return r;
        if (r > 0) {
                s->items[s->n++] = (ObjectItem){.id = id, .bytes = bv};
                bv = (BlobVec){};
        }
        *ret = id;
        return 0;
}

/* ---- parents and their children ---- */

/* Under construction: subtrees of the unique children; map has their ids in the same order. */
typedef struct Parent {
        ObjectTree *trees;
        IdMap map;
} Parent;

static void parent_done(Parent *p)
{
        for (size_t i = 0; i < p->map.n; i++)
                object_tree_done(&p->trees[i]);
        free(p->trees);
        id_map_done(&p->map);
}

/* Takes the subtree, also on failure. */
static int parent_add(Parent *p, ObjectTree *tree, size_t *ret_index)
{
        _cleanup_(object_tree_done) ObjectTree t = *tree;
        int r;

        *tree = (ObjectTree){};
        if (GROW_ARRAY(p->trees, p->map.n) < 0)
                return -ENOMEM;
        r = id_map_put(&p->map, &t.id, ret_index);
        if (r < 0)
                return r;
        if (r > 0) {
                p->trees[*ret_index] = t;
                t = (ObjectTree){};
        }
        return 0;
}

/* The object itself, once its children and its body are there. Its tree takes the children. */
static int parent_finish(Deflater *d, Parent *p, ObjectType type, const Buf *body, ObjectTree *ret)
{
        _cleanup_blobvec_ BlobVec bv = {};
        _cleanup_buf_ Buf b = {};
        ObjectId id;
        int r;

        r = object_head_write(type, p->map.ids, p->map.n, body->size, &b);
        if (r >= 0)
                r = buf_append(&b, body->data, body->size);
        if (r >= 0)
                r = blobvec_append(&bv, buf_steal_blob(&b));
        if (r >= 0)
                r = set_add(&d->set, &bv, &id);
        if (r < 0)
                return r;
        *ret = (ObjectTree){.id = id, .children = p->trees, .n_children = p->map.n};
        p->trees = NULL;
        p->map.n = 0;
        return 0;
}

/* ---- arrays ---- */

static int deflate_chunk(Deflater *d, Blob *data, size_t offset, size_t size, ObjectTree *ret)
{
        _cleanup_blobvec_ BlobVec bv = {};
        _cleanup_buf_ Buf head = {};
        ObjectId id;
        int r;

        r = object_head_write(OBJECT_ARRAY_CHUNK, NULL, 0, size, &head);
        if (r >= 0)
                r = blobvec_append(&bv, buf_steal_blob(&head));
        if (r >= 0)
                r = blobvec_append(&bv, blob_slice(data, offset, size));
        if (r >= 0)
                r = set_add(&d->set, &bv, &id);
        if (r < 0)
                return r;
        *ret = (ObjectTree){.id = id};
        return 0;
}

static int append_array_head(Buf *b, const Array *a)
{
        int r;

        r = buf_append_str(b, "{\"dtype\": ");
        if (r >= 0)
                r = json_append_quoted(b, strempty(a->dtype));
        if (r >= 0)
                r = buf_append_str(b, ", \"shape\": [");
        for (size_t i = 0; r >= 0 && i < a->n_dims; i++)
                r = buf_printf(b, "%s%" PRId32, i > 0 ? ", " : "", a->shape[i]);
        if (r >= 0)
                r = buf_append_str(b, "], \"stype\": ");
        if (r >= 0)
                r = json_append_quoted(b, strempty(a->stype));
        return r < 0 ? r : buf_append_str(b, ", \"arraychunk_ids\": [");
}

static int deflate_array(Deflater *d, const Array *a, ObjectTree *ret)
{
        _cleanup_(parent_done) Parent p = {};
        _cleanup_buf_ Buf body = {};
        int r;

        r = append_array_head(&body, a);
        if (r < 0)
                return r;
        for (size_t offset = 0, size; a->data && offset < a->data->size; offset += size) {
                ObjectTree chunk;
                size_t index;

                size = MIN(d->chunk_size, a->data->size - offset);
                r = deflate_chunk(d, a->data, offset, size, &chunk);
                if (r >= 0)
                        r = parent_add(&p, &chunk, &index);
                if (r >= 0)
                        r = buf_printf(&body, "%s%zu", offset > 0 ? ", " : "", index);
                if (r < 0)
                        return r;
        }
        r = buf_append_str(&body, "]}");
        return r < 0 ? r : parent_finish(d, &p, OBJECT_ARRAY, &body, ret);
}

/* ---- records ---- */

/* One member "name": "id" of a JSON object, with the separator before it. */
static int append_member(Buf *b, const char *name, const ObjectId *id)
{
        char hex[OBJECT_ID_HEX_MAX];
        int r;

        r = buf_append_str(b, b->size > 0 ? ", " : "{");
        if (r >= 0)
                r = json_append_quoted(b, name);
        return r < 0 ? r : buf_printf(b, ": \"%s\"", object_id_format(id, hex));
}

static int finish_members(Deflater *d, Parent *p, ObjectType type, Buf *body, ObjectTree *ret)
{
        int r = buf_append_str(body, body->size > 0 ? "}" : "{}");

        return r < 0 ? r : parent_finish(d, p, type, body, ret);
}

static int deflate_array_record(Deflater *d, const Record *record, ObjectTree *ret)
{
        _cleanup_(parent_done) Parent p = {};
        _cleanup_buf_ Buf body = {};
        int r;

        for (size_t i = 0; i < record->n_items; i++) {
                ObjectTree array;
                size_t index;

                r = deflate_array(d, &record->items[i].array, &array);
                if (r >= 0)
                        r = parent_add(&p, &array, &index);
                if (r >= 0)
                        r = append_member(&body, record->items[i].key, &p.map.ids[index]);
                if (r < 0)
                        return r;
        }
        return finish_members(d, &p, OBJECT_ARRAY_RECORD, &body, ret);
}

static int deflate_record(Deflater *d, const Record *record, ObjectTree *ret)
{
        _cleanup_(parent_done) Parent p = {};
        _cleanup_buf_ Buf body = {};
        int r;

        if (record->type == RECORD_ARRAY)
                return deflate_array_record(d, record, ret);
        r = record_items_encode(record, &body);
        if (r < 0)
                return r;
        return parent_finish(d, &p,
                record->type == RECORD_METRIC ? OBJECT_METRIC_RECORD : OBJECT_CONFIG_RECORD, &body, ret);
}

static int deflate_record_dict(Deflater *d, const RecordDict *dict, ObjectTree *ret)
{
        _cleanup_(parent_done) Parent p = {};
        _cleanup_buf_ Buf body = {};
        int r;

        for (size_t i = 0; i < dict->n_records; i++) {
                ObjectTree record;
                size_t index;

                r = deflate_record(d, dict->records[i], &record);
                if (r >= 0)
                        r = parent_add(&p, &record, &index);
                if (r >= 0)
                        r = append_member(&body, dict->records[i]->name, &p.map.ids[index]);
                if (r < 0)
                        return r;
        }
        return finish_members(d, &p, OBJECT_RECORD_DICT, &body, ret);
}

/* ---- messages ---- */

/* What the object says of the message: no id, and no content, which is its child. */
static int encode_message_body(const Message *m, Buf *ret)
{
        const Message bare = {
                .metadata = m->metadata,
                .has_error = m->has_error,
                .error_code = m->error_code,
                .error_reason = m->error_reason,
        };
        _cleanup_encoder_ RpcEncoder e;
        Flwr__Proto__Message *p;
        int r;

        rpc_encoder_init(&e);
        r = proto_message_encode(&e, &bare, false, &p);
        if (r >= 0)
                r = rpc_encode_message(&e, &p->base);
        return r < 0 ? r : buf_append(ret, e.buf.data, e.buf.size);
}

int deflate_message(const Message *m, size_t chunk_size, ObjectSet *ret, ObjectTree *ret_tree)
{
        _cleanup_(parent_done) Parent p = {};
        Deflater d = {.chunk_size = chunk_size ? chunk_size : CHUNK_SIZE_DEFAULT};
        _cleanup_buf_ Buf body = {};
        ObjectTree content;
        size_t index;
        int r;

        if (m->has_content && !m->content)
                return -EINVAL;
        r = encode_message_body(m, &body);
        if (r >= 0 && m->has_content) {
                r = deflate_record_dict(&d, m->content, &content);
                if (r >= 0)
                        r = parent_add(&p, &content, &index);
        }
        if (r >= 0)
                r = parent_finish(&d, &p, OBJECT_MESSAGE, &body, ret_tree);
        if (r < 0) {
                object_set_done(&d.set);
                return r;
        }
        *ret = d.set;
        return 0;
}
