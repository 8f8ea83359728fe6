#include "codec/inflate.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "codec/proto-message.h"
#include "model/object.h"

typedef struct Inflater {
        inflate_get_t get;
        void *userdata;
        bool verify;
        size_t n_objects;
        uint64_t n_bytes;
        char **reterr_text;
} Inflater;

/* An object that was fetched. */
typedef struct Object {
        ObjectId id;
        Blob *bytes;
        ObjectHead head;
} Object;

static void object_done(Object *o)
{
        blob_unref(o->bytes);
        object_head_done(&o->head);
}
#define _cleanup_object_ _cleanup_(object_done)

static const uint8_t *object_body(const Object *o)
{
        return o->bytes->data + o->head.body_offset;
}

/* All children of one object, in the order of its head. */
typedef struct Objects {
        Object *items;
        size_t n;
} Objects;

static void objects_done(Objects *o)
{
        for (size_t k = 0; k < o->n; k++)
                object_done(&o->items[k]);
        free(o->items);
}

/* Gives error, for "return refuse(...)". */
_printf_(4, 5) static int refuse(Inflater *i, int error, const ObjectId *id, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        free(*i->reterr_text);
        *i->reterr_text = xasprintf("Object %s: %s", object_id_format(id, hex), text);
        return error;
}

/* Everything that costs time or memory goes through here. */
static int charge(Inflater *i, const ObjectId *id, uint64_t n_bytes)
{
        if (++i->n_objects > INFLATE_OBJECTS_MAX)
                return refuse(i, -EFBIG, id, "the message consists of too many objects");
        if (n_bytes > INFLATE_BYTES_MAX - i->n_bytes)
                return refuse(i, -EFBIG, id, "the message is too large");
        i->n_bytes += n_bytes;
        return 0;
}

static int fetch(Inflater *i, const ObjectId *id, Object *ret)
{
        _cleanup_object_ Object o = {.id = *id};
        const char *text = NULL;
        ObjectId actual;
        int r;

        r = i->get(id, &o.bytes, i->userdata);
        if (r < 0)
                return refuse(i, r, id, "not available: %s", strerror(-r));
        r = charge(i, id, o.bytes->size);
        if (r < 0)
                return r;
        if (i->verify) {
                sha256(o.bytes->data, o.bytes->size, &actual);
                if (!object_id_equal(&actual, id))
                        return refuse(i, -EBADMSG, id, "the contents do not have this id");
        }
        r = object_head_parse(o.bytes->data, o.bytes->size, &o.head, &text);
        if (r < 0)
                return r == -EBADMSG ? refuse(i, r, id, "%s", strempty(text)) : r;
        *ret = o;
        o = (Object){};
        return 0;
}

static int check_type(Inflater *i, const Object *o, ObjectType type)
{
        if (o->head.type == type)
                return 0;
        return refuse(i, -EBADMSG, &o->id, "%s instead of %s", object_type_to_string(o->head.type),
                object_type_to_string(type));
}

static int fetch_children(Inflater *i, const Object *parent, Objects *ret)
{
        int r;

        ret->items = new0(Object, parent->head.n_children);
        if (!ret->items)
                return -ENOMEM;
        for (; ret->n < parent->head.n_children; ret->n++) {
                r = fetch(i, &parent->head.children[ret->n], &ret->items[ret->n]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_json_body(Inflater *i, const Object *o, Json **ret)
{
        int r;

        if (o->head.body_size > INFLATE_JSON_MAX)
                return refuse(i, -EFBIG, &o->id, "the list of its contents is too large");
        r = json_parse(object_body(o), o->head.body_size, ret);
        return r == -EBADMSG ? refuse(i, r, &o->id, "the body is not JSON") : r;
}

/* ---- arrays ---- */

/* The chunk that the k-th piece of the array is; NULL: there is none. */
static const Object *chunk_at(const Objects *c, Json *indices, size_t k)
{
        int64_t index;

        if (json_get_i64(json_item(indices, k), &index) < 0 || index < 0 || (uint64_t) index >= c->n)
                return NULL;
        return &c->items[index];
}

static int join_chunks(Inflater *i, const Object *array, const Objects *c, Json *indices, Blob **ret)
{
        const size_t n = json_length(indices);
        size_t size = 0;
        uint8_t *p;
        Blob *b;

        if (!indices)
                return refuse(i, -EBADMSG, &array->id, "arraychunk_ids is missing");
        for (size_t k = 0; k < n; k++) {
                const Object *chunk = chunk_at(c, indices, k);
                int r;

                if (!chunk)
                        return refuse(i, -EBADMSG, &array->id, "arraychunk_ids names no child");
                r = check_type(i, chunk, OBJECT_ARRAY_CHUNK);
                if (r < 0)
                        return r;
                r = charge(i, &array->id, n > 1 ? chunk->head.body_size : 0);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(size, chunk->head.body_size, &size))
                        return -ENOMEM;
        }
        if (n == 1) {
                const Object *chunk = chunk_at(c, indices, 0);
                b = blob_slice(chunk->bytes, chunk->head.body_offset, chunk->head.body_size);
                p = NULL;
        } else
                b = blob_alloc(size, &p);
        if (!b)
                return -ENOMEM;
        for (size_t k = 0; n > 1 && k < n; k++) {
                const Object *chunk = chunk_at(c, indices, k);
                p = mempcpy(p, object_body(chunk), chunk->head.body_size);
        }
        *ret = b;
        return 0;
}

static int inflate_shape(Inflater *i, const Object *o, Json *shape, Array *ret)
{
        const size_t n = json_length(shape);

        if (!shape || n > INFLATE_DIMS_MAX)
                return refuse(i, -EBADMSG, &o->id, "shape is missing or has too many dimensions");
        ret->shape = new0(int32_t, n);
        if (!ret->shape)
                return -ENOMEM;
        for (; ret->n_dims < n; ret->n_dims++) {
                int64_t v;

                if (json_get_i64(json_item(shape, ret->n_dims), &v) < 0 || v < 0 || v > INT32_MAX)
                        return refuse(i, -EBADMSG, &o->id, "shape has no such dimensions");
                ret->shape[ret->n_dims] = (int32_t) v;
        }
        return 0;
}

static int inflate_text(Inflater *i, const Object *o, Json *body, const char *name, char **ret)
{
        const char *s;

        if (json_get_string(json_member(body, name), &s) < 0)
                return refuse(i, -EBADMSG, &o->id, "%s is no text", name);
        return free_and_strdup(ret, s);
}

static int inflate_array(Inflater *i, const ObjectId *id, Array *ret)
{
        _cleanup_(array_done) Array a = {};
        _cleanup_(objects_done) Objects chunks = {};
        _cleanup_(json_unrefp) Json *body = NULL;
        _cleanup_object_ Object o = {};
        int r;

        r = fetch(i, id, &o);
        if (r >= 0)
                r = check_type(i, &o, OBJECT_ARRAY);
        if (r >= 0)
                r = parse_json_body(i, &o, &body);
        if (r >= 0)
                r = inflate_text(i, &o, body, "dtype", &a.dtype);
        if (r >= 0)
                r = inflate_text(i, &o, body, "stype", &a.stype);
        if (r >= 0)
                r = inflate_shape(i, &o, json_member(body, "shape"), &a);
        if (r >= 0)
                r = fetch_children(i, &o, &chunks);
        if (r >= 0)
                r = join_chunks(i, &o, &chunks, json_member(body, "arraychunk_ids"), &a.data);
        if (r < 0)
                return r;
        *ret = a;
        a = (Array){};
        return 0;
}

/* ---- records ---- */

/* The members of an object's JSON body, which say what each child is called. Children are known by now: see
 * IdMap. */
typedef struct Members {
        Json *body;
        IdMap map;
        void *pos;
} Members;

static void members_done(Members *m)
{
        json_unref(m->body);
        id_map_done(&m->map);
}

static int members_open(Inflater *i, const Object *o, Members *m)
{
        size_t index;
        int r;

        r = parse_json_body(i, o, &m->body);
        for (size_t k = 0; r >= 0 && k < o->head.n_children; k++) {
                r = id_map_put(&m->map, &o->head.children[k], &index);
                if (r == 0)
                        return refuse(i, -EBADMSG, &o->id, "a child occurs twice");
        }
        return r < 0 ? r : 0;
}

/* 1: a name and the index of its child, 0: the end. */
static int members_next(Inflater *i, const Object *o, Members *m, const char **ret_name, size_t *ret_index)
{
        const char *hex;
        ObjectId id;
        Json *value;

        if (!json_next(m->body, &m->pos, ret_name, &value))
                return 0;
        if (json_get_string(value, &hex) < 0 || object_id_parse(hex, &id) < 0 ||
                !id_map_find(&m->map, &id, ret_index))
                return refuse(i, -EBADMSG, &o->id, "'%s' is no child", *ret_name);
        return 1;
}

typedef struct Arrays {
        Array *items;
        size_t n;
} Arrays;

static void arrays_done(Arrays *a)
{
        for (size_t k = 0; k < a->n; k++)
                array_done(&a->items[k]);
        free(a->items);
}

static int inflate_arrays(Inflater *i, const Object *o, Arrays *ret)
{
        int r;

        ret->items = new0(Array, o->head.n_children);
        if (!ret->items)
                return -ENOMEM;
        for (; ret->n < o->head.n_children; ret->n++) {
                r = inflate_array(i, &o->head.children[ret->n], &ret->items[ret->n]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int inflate_array_record(Inflater *i, const Object *o, Record *record)
{
        _cleanup_(members_done) Members members = {};
        _cleanup_(arrays_done) Arrays arrays = {};
        RecordItem *item;
        const char *name;
        size_t index;
        int r;

        r = inflate_arrays(i, o, &arrays);
        if (r >= 0)
                r = members_open(i, o, &members);
        while (r >= 0 && (r = members_next(i, o, &members, &name, &index)) > 0) {
                r = record_append(record, name, &item);
                if (r >= 0)
                        r = array_copy(&arrays.items[index], &item->array);
        }
        return r;
}

static int inflate_items(Inflater *i, const Object *o, Record *record)
{
        _cleanup_free_ char *text = NULL;
        int r;

        if (o->head.n_children > 0)
                return refuse(
                        i, -EBADMSG, &o->id, "a %s has no children", object_type_to_string(o->head.type));
        r = record_items_decode(o->bytes, object_body(o), o->head.body_size, record, &text);
        return r == -EBADMSG ? refuse(i, r, &o->id, "%s", strempty(text)) : r;
}

static int inflate_record(Inflater *i, const Object *o, const char *name, RecordDict *dict)
{
        Record *record;
        RecordType type;
        int r;

        switch (o->head.type) {
        case OBJECT_ARRAY_RECORD:
                type = RECORD_ARRAY;
                break;
        case OBJECT_METRIC_RECORD:
                type = RECORD_METRIC;
                break;
        case OBJECT_CONFIG_RECORD:
                type = RECORD_CONFIG;
                break;
        default:
                return refuse(i, -EBADMSG, &o->id, "not a record");
        }
        r = record_dict_append(dict, name, type, &record);
        if (r < 0)
                return r;
        return type == RECORD_ARRAY ? inflate_array_record(i, o, record) : inflate_items(i, o, record);
}

static int inflate_record_dict(Inflater *i, const ObjectId *id, RecordDict **ret)
{
        _cleanup_(record_dict_freep) RecordDict *dict = record_dict_new();
        _cleanup_(members_done) Members members = {};
        _cleanup_(objects_done) Objects records = {};
        _cleanup_object_ Object o = {};
        const char *name;
        size_t index;
        int r;

        if (!dict)
                return -ENOMEM;
        r = fetch(i, id, &o);
        if (r >= 0)
                r = check_type(i, &o, OBJECT_RECORD_DICT);
        if (r >= 0)
                r = fetch_children(i, &o, &records);
        if (r >= 0)
                r = members_open(i, &o, &members);
        while (r >= 0 && (r = members_next(i, &o, &members, &name, &index)) > 0) {
                const Object *record = &records.items[index];

                r = charge(i, &record->id, record->head.body_size);
                if (r >= 0)
                        r = inflate_record(i, record, name, dict);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(dict);
        return 0;
}

/* ---- messages ---- */

static int decode_message_body(Inflater *i, const Object *o, Message *ret)
{
        _cleanup_(blob_unrefp) Blob *body = NULL;
        _cleanup_decoder_ RpcDecoder d;
        void *p;
        int r;

        body = blob_slice(o->bytes, o->head.body_offset, o->head.body_size);
        rpc_decoder_init(&d, "Message", body);
        if (!body)
                return -ENOMEM;
        r = rpc_decoder_unpack(&d, &flwr__proto__message__descriptor, body, &p);
        if (r >= 0)
                r = proto_message_decode(&d, p, ret);
        return r == -EBADMSG ? refuse(i, r, &o->id, "%s", strempty(d.error)) : r;
}

static int inflate(Inflater *i, const ObjectId *root, Message *ret)
{
        _cleanup_object_ Object o = {};
        int r;

        r = fetch(i, root, &o);
        if (r >= 0)
                r = check_type(i, &o, OBJECT_MESSAGE);
        if (r >= 0)
                r = decode_message_body(i, &o, ret);
        if (r < 0)
                return r;
        ret->metadata.message_id = *root;
        ret->has_content = !ret->has_error;
        if (o.head.n_children != (ret->has_content ? 1 : 0))
                return refuse(i, -EBADMSG, root, "a Message has either a content or an error");
        return ret->has_content ? inflate_record_dict(i, &o.head.children[0], &ret->content) : 0;
}

int inflate_message(const ObjectId *root, inflate_get_t get, void *userdata, bool verify, Message *ret,
        char **reterr_text)
{
        _cleanup_message_ Message m = {};
        _cleanup_free_ char *text = NULL;
        Inflater i = {.get = get, .userdata = userdata, .verify = verify, .reterr_text = &text};
        int r;

        r = inflate(&i, root, &m);
        if (r < 0) {
                *reterr_text = TAKE_PTR(text);
                return r;
        }
        *ret = m;
        m = (Message){};
        return 0;
}
