#include <protobuf-c/protobuf-c.h>

#include "codec/proto/record.pb-c.h"
#include "codec/record-codec.h"
#include "codec/value-decode.h"

/* NumPy 2 has arrays of so many dimensions. */
#define SHAPE_DIMS_MAX 64

/* ---- arrays ---- */

static int add_dimension(Array *a, uint64_t varint)
{
        int32_t *shape;

        if (a->n_dims == SHAPE_DIMS_MAX || (int64_t) varint < 0 || varint > INT32_MAX)
                return -EBADMSG;
        shape = reallocarray(a->shape, a->n_dims + 1, sizeof(shape[0]));
        if (!shape)
                return -ENOMEM;
        a->shape = shape;
        a->shape[a->n_dims++] = (int32_t) varint;
        return 0;
}

static int decode_shape(const ProtoField *message, Array *a)
{
        NumberReader n;
        uint64_t varint;
        double d;
        int r;

        number_reader_init(&n, message, 2, PROTOBUF_C_WIRE_TYPE_VARINT);
        while ((r = number_reader_next(&n, &varint, &d)) > 0) {
                r = add_dimension(a, varint);
                if (r < 0)
                        return r;
        }
        return r;
}

static int decode_array_field(ValueDecoder *d, const ProtoField *f, Array *a)
{
        switch (f->number) {
        case 1:
                return value_take_string(f, &a->dtype);
        case 3:
                return value_take_string(f, &a->stype);
        case 4:
                if (f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                        return value_refuse(d, "an array's data must be bytes");
                return value_take_blob(d, f, &a->data);
        default:
                return 0;
        }
}

static int decode_array(ValueDecoder *d, const ProtoField *message, Array *ret)
{
        const uint8_t *p = message->data, *end = p + message->size;
        _cleanup_(array_done) Array a = {};
        ProtoField f;
        int r;

        while (p < end) {
                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                r = decode_array_field(d, &f, &a);
                if (r < 0)
                        return r;
        }
        r = decode_shape(message, &a);
        if (r < 0)
                return r == -EBADMSG ? value_refuse(d, "an array's shape is malformed") : r;
        if (!a.dtype)
                a.dtype = strdup("");
        if (!a.stype)
                a.stype = strdup("");
        if (!a.data)
                a.data = blob_new("", 0);
        if (!a.dtype || !a.stype || !a.data)
                return -ENOMEM;
        *ret = a;
        a = (Array){};
        return 0;
}

/* ---- records ---- */

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int check_unique(ValueDecoder *d, const char **names, size_t n)
{
        qsort(names, n, sizeof(names[0]), compare_names);
        for (size_t i = 1; i < n; i++)
                if (streq(names[i - 1], names[i]))
                        return value_refuse(d, "a name occurs twice");
        return 0;
}

static int check_keys(ValueDecoder *d, const Record *r)
{
        _cleanup_free_ const char **names = new0(const char *, r->n_items);

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < r->n_items; i++)
                names[i] = r->items[i].key;
        return check_unique(d, names, r->n_items);
}

static int check_records(ValueDecoder *d, const RecordDict *dict)
{
        _cleanup_free_ const char **names = new0(const char *, dict->n_records);

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < dict->n_records; i++)
                names[i] = dict->records[i]->name;
        return check_unique(d, names, dict->n_records);
}

/* An entry of either kind of map: its name in field 1, its value in one of the fields from 2 to last. */
static int split_entry(
        ValueDecoder *d, const ProtoField *entry, uint32_t last, char **ret_name, ProtoField *ret_value)
{
        const uint8_t *p = entry->data, *end = p + entry->size;
        _cleanup_free_ char *name = NULL;
        ProtoField value = {};
        int r;

        while (p < end) {
                ProtoField f;

                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                if (f.number == 1) {
                        r = value_take_string(&f, &name);
                        if (r < 0)
                                return r;
                } else if (f.number <= last) {
                        if (value.number != 0)
                                return value_refuse(d, "an item with two values");
                        value = f;
                }
        }
        if (value.number == 0)
                return value_refuse(d, "an item without a value");
        if (!name)
                name = strdup("");
        if (!name)
                return -ENOMEM;
        *ret_name = TAKE_PTR(name);
        *ret_value = value;
        return 0;
}

static int decode_item(ValueDecoder *d, const ProtoField *entry, Record *record)
{
        _cleanup_free_ char *name = NULL;
        ProtoField value;
        RecordItem *item;
        int r;

        r = split_entry(d, entry, 2, &name, &value);
        if (r < 0)
                return r;
        r = record_append(record, name, &item);
        if (r < 0)
                return r;
        return record->type == RECORD_ARRAY ? decode_array(d, &value, &item->array)
                                            : value_decode(d, record->type, &value, &item->value);
}

static int decode_items(ValueDecoder *d, const uint8_t *data, size_t size, Record *record)
{
        const uint8_t *p = data, *end = data + size;
        int r;

        while (p < end) {
                ProtoField f;

                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                if (f.number != 1)
                        continue;
                r = decode_item(d, &f, record);
                if (r < 0)
                        return r;
        }
        return check_keys(d, record);
}

int record_items_decode(Blob *parent, const uint8_t *data, size_t size, Record *r, char **reterr_text)
{
        static const ProtobufCMessageDescriptor *const types[_RECORD_TYPE_MAX] = {
                [RECORD_ARRAY] = &flwr__proto__array_record__descriptor,
                [RECORD_METRIC] = &flwr__proto__metric_record__descriptor,
                [RECORD_CONFIG] = &flwr__proto__config_record__descriptor,
        };
        ValueDecoder d = {.parent = parent, .reterr_text = reterr_text};

        int k = proto_scan(types[r->type], data, size, reterr_text);
        return k < 0 ? k : decode_items(&d, data, size, r);
}

static int decode_record(ValueDecoder *d, const ProtoField *entry, RecordDict *dict)
{
        static const RecordType types[] = {RECORD_ARRAY, RECORD_METRIC, RECORD_CONFIG};
        _cleanup_free_ char *name = NULL;
        ProtoField value;
        Record *record;
        int r;

        r = split_entry(d, entry, 4, &name, &value);
        if (r < 0)
                return r;
        r = record_dict_append(dict, name, types[value.number - 2], &record);
        return r < 0 ? r : decode_items(d, value.data, value.size, record);
}

int record_dict_decode_slices(
        Blob *parent, const uint8_t *data, size_t size, RecordDict **ret, char **reterr_text)
{
        _cleanup_(record_dict_freep) RecordDict *dict = record_dict_new();
        ValueDecoder d = {.parent = parent, .reterr_text = reterr_text};
        const uint8_t *p = data, *end = data + size;
        int r;

        if (!dict)
                return -ENOMEM;
        r = proto_scan(&flwr__proto__record_dict__descriptor, data, size, reterr_text);
        if (r < 0)
                return r;
        while (p < end) {
                ProtoField f;

                r = proto_field_next(&p, end, &f);
                if (r < 0)
                        return r;
                if (f.number != 1)
                        continue;
                r = decode_record(&d, &f, dict);
                if (r < 0)
                        return r;
        }
        r = check_records(&d, dict);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(dict);
        return 0;
}

int record_dict_decode(const void *data, size_t size, RecordDict **ret)
{
        _cleanup_free_ char *text = NULL;

        return record_dict_decode_slices(NULL, data, size, ret, &text);
}
