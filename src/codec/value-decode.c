#include "codec/value-decode.h"

#include <protobuf-c/protobuf-c.h>

/* Smaller bytes are copied: a slice costs as much, and keeps the whole message in memory. */
#define SLICE_SIZE_MIN 4096

int value_refuse(ValueDecoder *d, const char *text)
{
        *d->reterr_text = strdup(text);
        return *d->reterr_text ? -EBADMSG : -ENOMEM;
}

int value_take_string(const ProtoField *f, char **ret)
{
        char *s = strndup((const char *) f->data, f->size);

        if (!s)
                return -ENOMEM;
        free(*ret);
        *ret = s;
        return 0;
}

int value_take_blob(ValueDecoder *d, const ProtoField *f, Blob **ret)
{
        Blob *b = d->parent && f->size >= SLICE_SIZE_MIN
                          ? blob_slice(d->parent, (size_t) (f->data - d->parent->data), f->size)
                          : blob_new(f->data, f->size);

        if (!b)
                return -ENOMEM;
        blob_unref(*ret);
        *ret = b;
        return 0;
}

static int64_t unzigzag(uint64_t v)
{
        return (int64_t) (v >> 1) ^ -(int64_t) (v & 1);
}

static double load_double(const uint8_t *p)
{
        uint64_t bits = 0;
        double d;

        for (unsigned i = 0; i < sizeof(bits); i++)
                bits |= (uint64_t) p[i] << (8 * i);
        memcpy(&d, &bits, sizeof(d));
        return d;
}

/* ---- lists of numbers, packed or not ---- */

static int next_packed(NumberReader *n, uint64_t *ret_varint, double *ret_double)
{
        uint64_t v = 0;

        if (n->wire_type == PROTOBUF_C_WIRE_TYPE_64BIT) {
                if (n->packed_end - n->packed < 8)
                        return -EBADMSG;
                *ret_double = load_double(n->packed);
                n->packed += 8;
                return 1;
        }
        for (unsigned shift = 0; n->packed < n->packed_end && shift < 64; shift += 7) {
                uint8_t byte = *n->packed++;

                v |= (uint64_t) (byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret_varint = v;
                        return 1;
                }
        }
        return -EBADMSG;
}

void number_reader_init(NumberReader *n, const ProtoField *message, uint32_t number, unsigned wire_type)
{
        *n = (NumberReader){
                .p = message->data,
                .end = message->data + message->size,
                .number = number,
                .wire_type = wire_type,
        };
}

int number_reader_next(NumberReader *n, uint64_t *ret_varint, double *ret_double)
{
        while (n->packed == n->packed_end) {
                ProtoField f;
                int r;

                if (n->p == n->end)
                        return 0;
                r = proto_field_next(&n->p, n->end, &f);
                if (r < 0)
                        return r;
                if (f.number != n->number)
                        continue;
                if (f.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
                        n->packed = f.data;
                        n->packed_end = f.data + f.size;
                } else if (f.wire_type != n->wire_type)
                        return -EBADMSG;
                else {
                        *ret_varint = f.varint;
                        *ret_double = f.wire_type == PROTOBUF_C_WIRE_TYPE_64BIT ? load_double(f.end - 8) : 0;
                        return 1;
                }
        }
        return next_packed(n, ret_varint, ret_double);
}

static void store_number(Value *v, size_t i, uint64_t varint, double d)
{
        switch (v->type) {
        case VALUE_DOUBLE_LIST:
                v->ds[i] = d;
                break;
        case VALUE_SINT64_LIST:
                v->is[i] = unzigzag(varint);
                break;
        case VALUE_UINT64_LIST:
                v->us[i] = varint;
                break;
        default:
                v->bs[i] = varint != 0;
        }
}

static int decode_numbers(const ProtoField *f, Value *v)
{
        const unsigned wire_type =
                v->type == VALUE_DOUBLE_LIST ? PROTOBUF_C_WIRE_TYPE_64BIT : PROTOBUF_C_WIRE_TYPE_VARINT;
        const size_t item_size = v->type == VALUE_BOOL_LIST ? sizeof(bool) : sizeof(uint64_t);
        uint64_t varint = 0;
        size_t count = 0;
        NumberReader n;
        double d = 0;
        int r;

        number_reader_init(&n, f, 1, wire_type);
        while ((r = number_reader_next(&n, &varint, &d)) > 0)
                count++;
        if (r < 0)
                return r;
        v->us = calloc(MAX(count, (size_t) 1), item_size);
        if (!v->us)
                return -ENOMEM;
        number_reader_init(&n, f, 1, wire_type);
        while (number_reader_next(&n, &varint, &d) > 0)
                store_number(v, v->n++, varint, d);
        return 0;
}

/* ---- lists of strings and bytes ---- */

static int decode_pieces(ValueDecoder *d, const ProtoField *list, Value *v)
{
        const uint8_t *p = list->data, *end = p + list->size;

        while (p < end) {
                ProtoField f;
                int r;

                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                if (f.number != 1)
                        continue;
                if (f.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                        return -EBADMSG;
                if (GROW_ARRAY(v->ss, v->n) < 0) /* the same size of items for both */
                        return -ENOMEM;
                v->ss[v->n] = NULL;
                v->n++;
                r = v->type == VALUE_STRING_LIST ? value_take_string(&f, &v->ss[v->n - 1])
                                                 : value_take_blob(d, &f, &v->bytess[v->n - 1]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- values ---- */

/* The type that a field of the oneof stands for, or _VALUE_TYPE_MAX. */
static ValueType value_type_from_number(uint32_t number)
{
        if (number >= 1 && number <= 6)
                return (ValueType) (number - 1);
        if (number >= 21 && number <= 26)
                return (ValueType) (VALUE_DOUBLE_LIST + (number - 21));
        return _VALUE_TYPE_MAX;
}

static bool wire_type_fits(ValueType t, unsigned wire_type)
{
        if (t == VALUE_DOUBLE)
                return wire_type == PROTOBUF_C_WIRE_TYPE_64BIT;
        if (t == VALUE_SINT64 || t == VALUE_UINT64 || t == VALUE_BOOL)
                return wire_type == PROTOBUF_C_WIRE_TYPE_VARINT;
        return wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

static int decode_value_field(ValueDecoder *d, const ProtoField *f, Value *v)
{
        switch (v->type) {
        case VALUE_DOUBLE:
                v->d = load_double(f->end - 8);
                return 0;
        case VALUE_SINT64:
                v->i = unzigzag(f->varint);
                return 0;
        case VALUE_UINT64:
                v->u = f->varint;
                return 0;
        case VALUE_BOOL:
                v->b = f->varint != 0;
                return 0;
        case VALUE_STRING:
                return value_take_string(f, &v->s);
        case VALUE_BYTES:
                return value_take_blob(d, f, &v->bytes);
        case VALUE_STRING_LIST:
        case VALUE_BYTES_LIST:
                return decode_pieces(d, f, v);
        default:
                return decode_numbers(f, v);
        }
}

int value_decode(ValueDecoder *d, RecordType type, const ProtoField *message, Value *ret)
{
        const uint8_t *p = message->data, *end = p + message->size;
        _cleanup_(value_done) Value v = {};
        bool found = false;
        int r;

        while (p < end) {
                ProtoField f;
                ValueType t;

                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                t = value_type_from_number(f.number);
                if (t == _VALUE_TYPE_MAX || (type == RECORD_METRIC && t % VALUE_DOUBLE_LIST >= VALUE_BOOL))
                        continue;
                if (found || !wire_type_fits(t, f.wire_type))
                        return value_refuse(d, "a value must have exactly one of its types");
                found = true;
                v.type = t;
                r = decode_value_field(d, &f, &v);
                if (r == -EBADMSG)
                        return value_refuse(d, "a list is malformed");
                if (r < 0)
                        return r;
        }
        if (!found)
                return value_refuse(d, "a value is missing");
        *ret = v;
        v = (Value){};
        return 0;
}
