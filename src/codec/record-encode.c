#include "codec/proto-scan.h"
#include "codec/record-codec.h"

/* Wire types of protobuf. */
enum {
        WIRE_VARINT = 0,
        WIRE_64BIT = 1,
        WIRE_BYTES = 2,
};

#define LIST_NUMBER_FIRST 21 /* of the oneof in MetricRecordValue and ConfigRecordValue */

static uint32_t value_number(ValueType t)
{
        return t < VALUE_DOUBLE_LIST ? (uint32_t) t + 1
                                     : LIST_NUMBER_FIRST + (uint32_t) (t - VALUE_DOUBLE_LIST);
}

static uint64_t zigzag(int64_t i)
{
        return ((uint64_t) i << 1) ^ (uint64_t) (i >> 63);
}

static size_t varint_size(uint64_t v)
{
        return (size_t) (64 - __builtin_clzll(v | 1) + 6) / 7;
}

/* A length-delimited field with all that belongs to it. All our field numbers are below 2048. */
static size_t field_size(uint32_t number, size_t size)
{
        return varint_size(number << 3) + varint_size(size) + size;
}

static int put_varint(Buf *b, uint64_t v)
{
        uint8_t bytes[PROTO_VARINT_MAX];

        return buf_append(b, bytes, proto_varint_write(v, bytes));
}

static int put_tag(Buf *b, uint32_t number, unsigned wire_type)
{
        return put_varint(b, number << 3 | wire_type);
}

static int put_head(Buf *b, uint32_t number, size_t size)
{
        int r = put_tag(b, number, WIRE_BYTES);

        return r < 0 ? r : put_varint(b, size);
}

static int put_bytes(Buf *b, uint32_t number, const void *data, size_t size)
{
        int r = put_head(b, number, size);

        return r < 0 ? r : buf_append(b, data, size);
}

static int put_double(Buf *b, double d)
{
        uint64_t bits;
        uint8_t bytes[8];

        memcpy(&bits, &d, sizeof(bits));
        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (bits >> (8 * i));
        return buf_append(b, bytes, sizeof(bytes));
}

/* ---- lists of values ---- */

/* Bytes of the items of a list of numbers, which are packed into one field. */
static size_t packed_size(const Value *v)
{
        size_t size = 0;

        switch (v->type) {
        case VALUE_DOUBLE_LIST:
                return 8 * v->n;
        case VALUE_BOOL_LIST:
                return v->n;
        case VALUE_SINT64_LIST:
                for (size_t i = 0; i < v->n; i++)
                        size += varint_size(zigzag(v->is[i]));
                return size;
        default:
                for (size_t i = 0; i < v->n; i++)
                        size += varint_size(v->us[i]);
                return size;
        }
}

static size_t list_size(const Value *v)
{
        size_t size = 0;

        if (v->type == VALUE_STRING_LIST) {
                for (size_t i = 0; i < v->n; i++)
                        size += field_size(1, strlen(v->ss[i]));
                return size;
        }
        if (v->type == VALUE_BYTES_LIST) {
                for (size_t i = 0; i < v->n; i++)
                        size += field_size(1, v->bytess[i]->size);
                return size;
        }
        return v->n > 0 ? field_size(1, packed_size(v)) : 0;
}

static int put_packed(Buf *b, const Value *v)
{
        int r = v->n > 0 ? put_head(b, 1, packed_size(v)) : 0;

        for (size_t i = 0; r >= 0 && i < v->n; i++)
                switch (v->type) {
                case VALUE_DOUBLE_LIST:
                        r = put_double(b, v->ds[i]);
                        break;
                case VALUE_BOOL_LIST:
                        r = put_varint(b, v->bs[i]);
                        break;
                case VALUE_SINT64_LIST:
                        r = put_varint(b, zigzag(v->is[i]));
                        break;
                default:
                        r = put_varint(b, v->us[i]);
                }
        return r;
}

static int put_list(Buf *b, const Value *v)
{
        int r = 0;

        if (v->type == VALUE_STRING_LIST)
                for (size_t i = 0; r >= 0 && i < v->n; i++)
                        r = put_bytes(b, 1, v->ss[i], strlen(v->ss[i]));
        else if (v->type == VALUE_BYTES_LIST)
                for (size_t i = 0; r >= 0 && i < v->n; i++)
                        r = put_bytes(b, 1, v->bytess[i]->data, v->bytess[i]->size);
        else
                r = put_packed(b, v);
        return r;
}

/* ---- values ---- */

static size_t value_size(const Value *v)
{
        const size_t tag_size = varint_size(value_number(v->type) << 3);

        switch (v->type) {
        case VALUE_DOUBLE:
                return tag_size + 8;
        case VALUE_SINT64:
                return tag_size + varint_size(zigzag(v->i));
        case VALUE_UINT64:
                return tag_size + varint_size(v->u);
        case VALUE_BOOL:
                return tag_size + 1;
        case VALUE_STRING:
                return field_size(value_number(v->type), strlen(v->s));
        case VALUE_BYTES:
                return field_size(value_number(v->type), v->bytes->size);
        default:
                return field_size(value_number(v->type), list_size(v));
        }
}

static int put_number(Buf *b, const Value *v)
{
        int r = put_tag(b, value_number(v->type), v->type == VALUE_DOUBLE ? WIRE_64BIT : WIRE_VARINT);

        if (r < 0)
                return r;
        switch (v->type) {
        case VALUE_DOUBLE:
                return put_double(b, v->d);
        case VALUE_SINT64:
                return put_varint(b, zigzag(v->i));
        case VALUE_UINT64:
                return put_varint(b, v->u);
        default:
                return put_varint(b, v->b);
        }
}

static int put_value(Buf *b, const Value *v)
{
        const uint32_t number = value_number(v->type);
        int r;

        switch (v->type) {
        case VALUE_DOUBLE:
        case VALUE_SINT64:
        case VALUE_UINT64:
        case VALUE_BOOL:
                return put_number(b, v);
        case VALUE_STRING:
                return put_bytes(b, number, v->s, strlen(v->s));
        case VALUE_BYTES:
                return put_bytes(b, number, v->bytes->data, v->bytes->size);
        default:
                r = put_head(b, number, list_size(v));
                return r < 0 ? r : put_list(b, v);
        }
}

/* ---- arrays ---- */

static size_t shape_size(const Array *a)
{
        size_t size = 0;

        for (size_t i = 0; i < a->n_dims; i++)
                size += varint_size((uint64_t) (int64_t) a->shape[i]);
        return size;
}

static size_t text_size(uint32_t number, const char *s)
{
        return isempty(s) ? 0 : field_size(number, strlen(s));
}

static size_t array_size(const Array *a)
{
        return text_size(1, a->dtype) + (a->n_dims > 0 ? field_size(2, shape_size(a)) : 0) +
               text_size(3, a->stype) + (a->data && a->data->size > 0 ? field_size(4, a->data->size) : 0);
}

static int put_text(Buf *b, uint32_t number, const char *s)
{
        return isempty(s) ? 0 : put_bytes(b, number, s, strlen(s));
}

static int put_array(Buf *b, const Array *a)
{
        int r;

        r = put_text(b, 1, a->dtype);
        if (r >= 0 && a->n_dims > 0)
                r = put_head(b, 2, shape_size(a));
        for (size_t i = 0; r >= 0 && i < a->n_dims; i++)
                r = put_varint(b, (uint64_t) (int64_t) a->shape[i]);
        if (r >= 0)
                r = put_text(b, 3, a->stype);
        if (r >= 0 && a->data && a->data->size > 0)
                r = put_bytes(b, 4, a->data->data, a->data->size);
        return r;
}

/* ---- records ---- */

static size_t content_size(const Record *r, const RecordItem *i)
{
        return r->type == RECORD_ARRAY ? array_size(&i->array) : value_size(&i->value);
}

static size_t item_size(const Record *r, const RecordItem *i)
{
        return text_size(1, i->key) + field_size(2, content_size(r, i));
}

static size_t items_size(const Record *r)
{
        size_t size = 0;

        for (size_t i = 0; i < r->n_items; i++)
                size += field_size(1, item_size(r, &r->items[i]));
        return size;
}

int record_items_encode(const Record *r, Buf *ret)
{
        for (size_t i = 0; i < r->n_items; i++) {
                const RecordItem *item = &r->items[i];

                int k = put_head(ret, 1, item_size(r, item));
                if (k >= 0)
                        k = put_text(ret, 1, item->key);
                if (k >= 0)
                        k = put_head(ret, 2, content_size(r, item));
                if (k >= 0)
                        k = r->type == RECORD_ARRAY ? put_array(ret, &item->array)
                                                    : put_value(ret, &item->value);
                if (k < 0)
                        return k;
        }
        return 0;
}

static uint32_t record_number(RecordType t)
{
        static const uint32_t numbers[_RECORD_TYPE_MAX] = {
                [RECORD_ARRAY] = 2,
                [RECORD_METRIC] = 3,
                [RECORD_CONFIG] = 4,
        };

        return numbers[t];
}

static size_t record_size(const Record *r)
{
        return text_size(1, r->name) + field_size(record_number(r->type), items_size(r));
}

size_t record_dict_size(const RecordDict *d)
{
        size_t size = 0;

        for (size_t i = 0; i < d->n_records; i++)
                size += field_size(1, record_size(d->records[i]));
        return size;
}

int record_dict_encode(const RecordDict *d, Buf *ret)
{
        for (size_t i = 0; i < d->n_records; i++) {
                const Record *record = d->records[i];

                int r = put_head(ret, 1, record_size(record));
                if (r >= 0)
                        r = put_text(ret, 1, record->name);
                if (r >= 0)
                        r = put_head(ret, record_number(record->type), items_size(record));
                if (r >= 0)
                        r = record_items_encode(record, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}
