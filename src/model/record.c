#include "model/record.h"

void array_done(Array *a)
{
        free(a->dtype);
        free(a->shape);
        free(a->stype);
        blob_unref(a->data);
        *a = (Array){};
}

int array_copy(const Array *a, Array *ret)
{
        _cleanup_(array_done) Array copy = {};

        if (free_and_strdup(&copy.dtype, a->dtype) < 0 || free_and_strdup(&copy.stype, a->stype) < 0)
                return -ENOMEM;
        copy.shape = new0(int32_t, a->n_dims);
        if (!copy.shape)
                return -ENOMEM;
        for (size_t i = 0; i < a->n_dims; i++)
                copy.shape[i] = a->shape[i];
        copy.n_dims = a->n_dims;
        copy.data = blob_ref(a->data);
        *ret = copy;
        copy = (Array){};
        return 0;
}

void value_done(Value *v)
{
        switch (v->type) {
        case VALUE_BYTES:
                blob_unref(v->bytes);
                break;
        case VALUE_STRING_LIST:
                for (size_t i = 0; v->ss && i < v->n; i++)
                        free(v->ss[i]);
                free(v->ss);
                break;
        case VALUE_BYTES_LIST:
                for (size_t i = 0; v->bytess && i < v->n; i++)
                        blob_unref(v->bytess[i]);
                free(v->bytess);
                break;
        case VALUE_STRING:
        case VALUE_DOUBLE_LIST:
        case VALUE_SINT64_LIST:
        case VALUE_UINT64_LIST:
        case VALUE_BOOL_LIST:
                free(v->s); /* the same pointer for all of them */
                break;
        default:
                break;
        }
        *v = (Value){};
}

static int copy_numbers(const void *items, size_t n, size_t item_size, void *ret)
{
        void *copy = calloc(n ? n : 1, item_size);

        if (!copy)
                return -ENOMEM;
        if (n > 0)
                memcpy(copy, items, n * item_size);
        memcpy(ret, &copy, sizeof(copy));
        return 0;
}

static int copy_strings(const Value *v, Value *copy)
{
        copy->ss = new0(char *, v->n);
        if (!copy->ss)
                return -ENOMEM;
        for (size_t i = 0; i < v->n; i++) {
                copy->ss[i] = strdup(v->ss[i]);
                if (!copy->ss[i])
                        return -ENOMEM;
        }
        return 0;
}

static int copy_blobs(const Value *v, Value *copy)
{
        copy->bytess = new0(Blob *, v->n);
        if (!copy->bytess)
                return -ENOMEM;
        for (size_t i = 0; i < v->n; i++)
                copy->bytess[i] = blob_ref(v->bytess[i]);
        return 0;
}

int value_copy(const Value *v, Value *ret)
{
        _cleanup_(value_done) Value copy = {.type = v->type, .n = v->n};
        int r = 0;

        switch (v->type) {
        case VALUE_STRING:
                copy.s = strdup(v->s);
                r = copy.s ? 0 : -ENOMEM;
                break;
        case VALUE_BYTES:
                copy.bytes = blob_ref(v->bytes);
                break;
        case VALUE_DOUBLE_LIST:
        case VALUE_SINT64_LIST:
        case VALUE_UINT64_LIST:
                r = copy_numbers(v->ds, v->n, sizeof(v->ds[0]), &copy.ds);
                break;
        case VALUE_BOOL_LIST:
                r = copy_numbers(v->bs, v->n, sizeof(v->bs[0]), &copy.bs);
                break;
        case VALUE_STRING_LIST:
                r = copy_strings(v, &copy);
                break;
        case VALUE_BYTES_LIST:
                r = copy_blobs(v, &copy);
                break;
        default:
                copy = *v;
        }
        if (r < 0)
                return r;
        *ret = copy;
        copy = (Value){};
        return 0;
}

static void record_item_done(RecordType type, RecordItem *i)
{
        free(i->key);
        if (type == RECORD_ARRAY)
                array_done(&i->array);
        else
                value_done(&i->value);
}

static Record *record_free(Record *r)
{
        if (!r)
                return NULL;
        for (size_t i = 0; i < r->n_items; i++)
                record_item_done(r->type, &r->items[i]);
        free(r->items);
        free(r->name);
        return mfree(r);
}
DEFINE_CLEANUP(Record *, record_free);

RecordDict *record_dict_new(void)
{
        return new0(RecordDict, 1);
}

RecordDict *record_dict_free(RecordDict *d)
{
        if (!d)
                return NULL;
        for (size_t i = 0; i < d->n_records; i++)
                record_free(d->records[i]);
        free(d->records);
        return mfree(d);
}

static int record_copy_items(const Record *from, Record *to)
{
        int r;

        for (size_t i = 0; i < from->n_items; i++) {
                const RecordItem *item = &from->items[i];
                RecordItem *copy;

                r = record_append(to, item->key, &copy);
                if (r < 0)
                        return r;
                r = from->type == RECORD_ARRAY ? array_copy(&item->array, &copy->array)
                                               : value_copy(&item->value, &copy->value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int record_dict_copy(const RecordDict *d, RecordDict **ret)
{
        _cleanup_(record_dict_freep) RecordDict *copy = record_dict_new();
        int r;

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_records; i++) {
                Record *record;

                r = record_dict_append(copy, d->records[i]->name, d->records[i]->type, &record);
                if (r < 0)
                        return r;
                r = record_copy_items(d->records[i], record);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

int record_dict_append(RecordDict *d, const char *name, RecordType type, Record **ret)
{
        _cleanup_(record_freep) Record *record = new0(Record, 1);

        if (!record)
                return -ENOMEM;
        record->type = type;
        record->name = strdup(name);
        if (!record->name || GROW_ARRAY(d->records, d->n_records) < 0)
                return -ENOMEM;
        *ret = record;
        d->records[d->n_records++] = TAKE_PTR(record);
        return 0;
}

int record_dict_add(RecordDict *d, const char *name, RecordType type, Record **ret)
{
        return record_dict_find(d, name) ? -EEXIST : record_dict_append(d, name, type, ret);
}

Record *record_dict_find(const RecordDict *d, const char *name)
{
        for (size_t i = 0; i < d->n_records; i++)
                if (streq(d->records[i]->name, name))
                        return d->records[i];
        return NULL;
}

Record *record_dict_first(const RecordDict *d, RecordType type)
{
        for (size_t i = 0; i < d->n_records; i++)
                if (d->records[i]->type == type)
                        return d->records[i];
        return NULL;
}

void record_dict_remove(RecordDict *d, const char *name)
{
        for (size_t i = 0; i < d->n_records; i++)
                if (streq(d->records[i]->name, name)) {
                        record_free(d->records[i]);
                        d->n_records--;
                        memmove(&d->records[i], &d->records[i + 1],
                                (d->n_records - i) * sizeof(d->records[0]));
                        return;
                }
}

RecordItem *record_find(const Record *r, const char *key)
{
        for (size_t i = 0; i < r->n_items; i++)
                if (streq(r->items[i].key, key))
                        return &r->items[i];
        return NULL;
}

int record_append(Record *r, const char *key, RecordItem **ret)
{
        char *copy = strdup(key);

        if (!copy || GROW_ARRAY(r->items, r->n_items) < 0) {
                free(copy);
                return -ENOMEM;
        }
        *ret = &r->items[r->n_items++];
        **ret = (RecordItem){.key = copy};
        return 0;
}

/* The item of a key, without content: what was there is freed. */
static int record_make_item(Record *r, const char *key, RecordItem **ret)
{
        RecordItem *item = record_find(r, key);

        if (!item)
                return record_append(r, key, ret);
        if (r->type == RECORD_ARRAY)
                array_done(&item->array);
        else
                value_done(&item->value);
        *ret = item;
        return 0;
}

int record_set_array(Record *r, const char *key, Array *a)
{
        _cleanup_(array_done) Array array = *a;
        RecordItem *item;
        int k;

        *a = (Array){};
        if (r->type != RECORD_ARRAY)
                return -EINVAL;
        k = record_make_item(r, key, &item);
        if (k < 0)
                return k;
        item->array = array;
        array = (Array){};
        return 0;
}

static bool value_type_fits(RecordType record, ValueType v)
{
        switch (v) {
        case VALUE_DOUBLE:
        case VALUE_SINT64:
        case VALUE_UINT64:
        case VALUE_DOUBLE_LIST:
        case VALUE_SINT64_LIST:
        case VALUE_UINT64_LIST:
                return record == RECORD_METRIC || record == RECORD_CONFIG;
        default:
                return record == RECORD_CONFIG && v < _VALUE_TYPE_MAX;
        }
}

int record_set_value(Record *r, const char *key, Value *v)
{
        _cleanup_(value_done) Value value = *v;
        RecordItem *item;
        int k;

        *v = (Value){};
        if (!value_type_fits(r->type, value.type))
                return -EINVAL;
        k = record_make_item(r, key, &item);
        if (k < 0)
                return k;
        item->value = value;
        value = (Value){};
        return 0;
}
