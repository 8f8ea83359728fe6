#include "model/object.h"

#include <inttypes.h>

static const char *const type_names[_OBJECT_TYPE_MAX] = {
        [OBJECT_MESSAGE] = "Message",
        [OBJECT_RECORD_DICT] = "RecordDict",
        [OBJECT_ARRAY_RECORD] = "ArrayRecord",
        [OBJECT_METRIC_RECORD] = "MetricRecord",
        [OBJECT_CONFIG_RECORD] = "ConfigRecord",
        [OBJECT_ARRAY] = "Array",
        [OBJECT_ARRAY_CHUNK] = "ArrayChunk",
};

const char *object_type_to_string(ObjectType t)
{
        return t >= 0 && t < _OBJECT_TYPE_MAX ? type_names[t] : NULL;
}

static ObjectType object_type_from_text(const char *s, size_t size)
{
        for (ObjectType t = 0; t < _OBJECT_TYPE_MAX; t++)
                if (strlen(type_names[t]) == size && memcmp(type_names[t], s, size) == 0)
                        return t;
        return _OBJECT_TYPE_INVALID;
}

static int parse_children(const char *s, size_t size, ObjectHead *h)
{
        const size_t step = OBJECT_ID_HEX_MAX; /* 64 digits and a comma */

        if (size == 0)
                return 0;
        if ((size + 1) % step != 0)
                return -EBADMSG;
        h->children = new0(ObjectId, (size + 1) / step);
        if (!h->children)
                return -ENOMEM;

        for (size_t i = 0; i < size; i += step) {
                char hex[OBJECT_ID_HEX_MAX] = {};

                if (i + step - 1 < size && s[i + step - 1] != ',')
                        return -EBADMSG;
                memcpy(hex, s + i, step - 1);
                if (strlen(hex) != step - 1 || object_id_parse(hex, &h->children[h->n_children++]) < 0)
                        return -EBADMSG;
        }
        return 0;
}

static int parse_size(const char *s, size_t size, uint64_t *ret)
{
        uint64_t n = 0;

        if (size == 0)
                return -EBADMSG;
        for (size_t i = 0; i < size; i++)
                if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
                        __builtin_add_overflow(n, (uint64_t) (s[i] - '0'), &n))
                        return -EBADMSG;
        *ret = n;
        return 0;
}

int object_head_parse(const void *data, size_t size, ObjectHead *ret, const char **reterr_text)
{
        _cleanup_object_head_ ObjectHead h = {};
        const char *head = data, *divider, *children, *length;
        uint64_t body_size;
        int r;

        divider = size > 0 ? memchr(head, 0, size) : NULL;
        if (!divider) {
                *reterr_text = "Unexpected format for object content. Head and body could not be split.";
                return -EBADMSG;
        }
        children = memchr(head, ' ', divider - head);
        length = children ? memchr(children + 1, ' ', divider - children - 1) : NULL;
        if (!length || memchr(length + 1, ' ', divider - length - 1) ||
                parse_size(length + 1, divider - length - 1, &body_size) < 0) {
                *reterr_text = "Unexpected format for object head.";
                return -EBADMSG;
        }
        r = parse_children(children + 1, length - children - 1, &h);
        if (r < 0) {
                *reterr_text = "Detected invalid object ID in children.";
                return r;
        }
        h.type = object_type_from_text(head, children - head);
        if (h.type < 0) {
                *reterr_text = "Object type is not supported.";
                return -EBADMSG;
        }
        h.body_offset = divider - head + 1;
        h.body_size = size - h.body_offset;
        if (body_size != h.body_size) {
                *reterr_text = "Object content length differs from the length in the head.";
                return -EBADMSG;
        }

        *ret = h;
        h = (ObjectHead){};
        return 0;
}

void object_head_done(ObjectHead *h)
{
        free(h->children);
        *h = (ObjectHead){};
}

int object_head_write(
        ObjectType type, const ObjectId *children, size_t n_children, uint64_t body_size, Buf *ret)
{
        int r;

        r = buf_printf(ret, "%s ", type_names[type]);
        for (size_t i = 0; r >= 0 && i < n_children; i++) {
                char hex[OBJECT_ID_HEX_MAX];

                if (i > 0)
                        r = buf_append_str(ret, ",");
                if (r >= 0)
                        r = buf_append_str(ret, object_id_format(&children[i], hex));
        }
        if (r >= 0)
                r = buf_printf(ret, " %" PRIu64, body_size);
        return r < 0 ? r : buf_append(ret, "", 1);
}
