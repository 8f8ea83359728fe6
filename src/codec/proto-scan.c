#include "codec/proto-scan.h"

#include "base/text.h"
#include "codec/limits.h"
#include "codec/proto/common.pb-c.h"
#include "codec/proto/control.pb-c.h"
#include "codec/rpc.h"

/* Fields of one message type that are counted; the largest (Run) has 16. */
#define SCAN_FIELDS_MAX 32

/* A node of an object tree holds at least the id, with tag and length. */
#define TREE_NODE_SIZE_MIN 66
/* Packed numbers: bytes of RPC_ITEMS_MAX doubles. */
#define PACKED_SIZE_MAX (RPC_ITEMS_MAX * 8)

typedef struct Scan {
        size_t n_tree_nodes; /* of the present tree */
        char **reterr_text;
} Scan;

static int scan_message(Scan *s, const ProtobufCMessageDescriptor *d, const uint8_t *p, const uint8_t *end,
        unsigned depth, unsigned tree_depth);

static int read_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 70; shift += 7) {
                if (*p == end)
                        return -EBADMSG;
                uint8_t b = *(*p)++;
                if (shift == 63 && b > 1)
                        return -EBADMSG;
                v |= (uint64_t) (b & 0x7f) << shift;
                if (!(b & 0x80)) {
                        *ret = v;
                        return 0;
                }
        }
        return -EBADMSG;
}

int proto_field_next(const uint8_t **p, const uint8_t *end, ProtoField *ret)
{
        ProtoField f = {.start = *p};
        uint64_t tag;

        int r = read_varint(p, end, &tag);
        if (r < 0)
                return r;
        if (tag >> 3 == 0 || tag > UINT32_MAX)
                return -EBADMSG;
        f.number = (uint32_t) (tag >> 3);
        f.wire_type = tag & 7;

        switch (f.wire_type) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
                r = read_varint(p, end, &f.varint);
                if (r < 0)
                        return r;
                break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
        case PROTOBUF_C_WIRE_TYPE_32BIT: {
                size_t n = f.wire_type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
                if ((size_t) (end - *p) < n)
                        return -EBADMSG;
                *p += n;
                break;
        }
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: {
                uint64_t n;
                r = read_varint(p, end, &n);
                if (r < 0)
                        return r;
                if (n > (size_t) (end - *p))
                        return -EBADMSG;
                f.data = *p;
                f.size = n;
                *p += n;
                break;
        }
        default:
                return -EBADMSG;
        }

        f.end = *p;
        *ret = f;
        return 0;
}

size_t proto_varint_write(uint64_t v, uint8_t ret[static PROTO_VARINT_MAX])
{
        size_t n = 0;

        for (; v >= 0x80; v >>= 7)
                ret[n++] = (uint8_t) (v | 0x80);
        ret[n++] = (uint8_t) v;
        return n;
}

static int refuse(Scan *s, const ProtobufCMessageDescriptor *d, const char *field, const char *text)
{
        *s->reterr_text = xasprintf("%s%s%s: %s", d->short_name, field ? "." : "", strempty(field), text);
        return -EBADMSG;
}

static size_t items_max(const ProtobufCFieldDescriptor *f)
{
        static const struct {
                const ProtobufCMessageDescriptor *type;
                size_t max;
        } table[] = {
                {&flwr__proto__config_entry__descriptor, RPC_CONFIG_ENTRIES_MAX},
                {&flwr__proto__string_entry__descriptor, RPC_VERIFICATIONS_MAX},
                {&flwr__proto__message__descriptor, RPC_MESSAGES_MAX},
                {&flwr__proto__node__descriptor, RPC_MESSAGES_MAX},
                {&flwr__proto__run_entry__descriptor, RPC_RUNS_MAX},
        };

        if (f->type == PROTOBUF_C_TYPE_MESSAGE)
                for (size_t i = 0; i < ELEMENTSOF(table); i++)
                        if (f->descriptor == table[i].type)
                                return table[i].max;
        return RPC_ITEMS_MAX;
}

static int check_tree_node(Scan *s, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
        size_t size, unsigned tree_depth)
{
        if (tree_depth == 1)
                s->n_tree_nodes = 0;
        if (tree_depth > OBJECT_TREE_DEPTH_MAX)
                return refuse(s, d, f->name, "the object tree is too deep");
        if (++s->n_tree_nodes > OBJECT_TREE_NODES_MAX)
                return refuse(s, d, f->name, "too many objects in one tree");
        if (size < TREE_NODE_SIZE_MIN)
                return refuse(s, d, f->name, "an object has no id");
        return 0;
}

static int scan_submessage(Scan *s, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
        const ProtoField *w, unsigned depth, unsigned tree_depth)
{
        if (w->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                return refuse(s, d, f->name, "a message is expected");
        if (depth >= RPC_DEPTH_MAX)
                return refuse(s, d, f->name, "messages are nested too deeply");

        if (f->descriptor == &flwr__proto__object_tree__descriptor) {
                int r = check_tree_node(s, d, f, w->size, ++tree_depth);
                if (r < 0)
                        return r;
        }
        return scan_message(s, f->descriptor, w->data, w->data + w->size, depth + 1, tree_depth);
}

static int scan_string(
        Scan *s, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, const ProtoField *w)
{
        if (w->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                return refuse(s, d, f->name, "a string is expected");
        if (!utf8_is_valid(w->data, w->size))
                return refuse(s, d, f->name, "text must be UTF-8 without NUL");
        return 0;
}

static int scan_field(Scan *s, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
        const ProtoField *w, size_t count, unsigned depth, unsigned tree_depth)
{
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
                if (count > items_max(f))
                        return refuse(s, d, f->name, "too many items");
        } else if (count > 1)
                return refuse(s, d, f->name, "the field occurs twice");

        switch (f->type) {
        case PROTOBUF_C_TYPE_STRING:
                return scan_string(s, d, f, w);
        case PROTOBUF_C_TYPE_MESSAGE:
                return scan_submessage(s, d, f, w, depth, tree_depth);
        case PROTOBUF_C_TYPE_BYTES:
                return 0;
        default:
                if (w->size > PACKED_SIZE_MAX)
                        return refuse(s, d, f->name, "too many items");
                return 0;
        }
}

static int scan_message(Scan *s, const ProtobufCMessageDescriptor *d, const uint8_t *p, const uint8_t *end,
        unsigned depth, unsigned tree_depth)
{
        size_t counts[SCAN_FIELDS_MAX] = {0};

        if (d->n_fields > SCAN_FIELDS_MAX)
                return -EINVAL;

        while (p < end) {
                ProtoField w;
                int r = proto_field_next(&p, end, &w);
                if (r < 0)
                        return refuse(s, d, NULL, "truncated, or not protobuf");

                const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, w.number);
                if (!f)
                        continue;
                r = scan_field(s, d, f, &w, ++counts[f - d->fields], depth, tree_depth);
                if (r < 0)
                        return r;
        }
        return 0;
}

int proto_scan(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, char **reterr_text)
{
        Scan s = {.reterr_text = reterr_text};

        return scan_message(&s, d, data, data + size, 0, 0);
}
