#include "base/text.h"
#include "libflwr/record-internal.h"

enum flwr_record_type flwr_record_get_type(const flwr_record *r)
{
        return (enum flwr_record_type) record_of(r)->type;
}

size_t flwr_record_size(const flwr_record *r)
{
        return record_of(r)->n_items;
}

const char *flwr_record_key(const flwr_record *r, size_t i)
{
        return i < record_of(r)->n_items ? record_of(r)->items[i].key : NULL;
}

static int copy_item(const RecordItem *item, Record *to)
{
        RecordItem copy = {};
        int r;

        if (to->type == RECORD_ARRAY) {
                r = array_copy(&item->array, &copy.array);
                return r < 0 ? r : record_set_array(to, item->key, &copy.array);
        }
        r = value_copy(&item->value, &copy.value);
        return r < 0 ? r : record_set_value(to, item->key, &copy.value);
}

int flwr_record_assign(flwr_record *dst, const flwr_record *src)
{
        _cleanup_(record_dict_freep) RecordDict *dict = record_dict_new();
        Record *to = record_of(dst), *from = record_of(src), *copy;
        int r;

        if (to == from)
                return 0;
        if (to->type != from->type)
                return -EINVAL;
        if (!dict)
                return -ENOMEM;
        r = record_dict_add(dict, "", from->type, &copy);
        for (size_t i = 0; r >= 0 && i < from->n_items; i++)
                r = copy_item(&from->items[i], copy);
        if (r < 0)
                return r;
        /* The old items leave with the temporary dictionary. */
        Record old = *to;
        to->items = copy->items;
        to->n_items = copy->n_items;
        copy->items = old.items;
        copy->n_items = old.n_items;
        return 0;
}

/* ---- setters ---- */

static int set_value(flwr_record *r, const char *key, Value v)
{
        if (!utf8_is_valid(key, strlen(key)) || record_of(r)->type == RECORD_ARRAY) {
                value_done(&v);
                return -EINVAL;
        }
        return record_set_value(record_of(r), key, &v);
}

int flwr_record_set_int(flwr_record *r, const char *key, int64_t value)
{
        return set_value(r, key, (Value){.type = VALUE_SINT64, .i = value});
}

int flwr_record_set_double(flwr_record *r, const char *key, double value)
{
        return set_value(r, key, (Value){.type = VALUE_DOUBLE, .d = value});
}

int flwr_record_set_bool(flwr_record *r, const char *key, int value)
{
        return set_value(r, key, (Value){.type = VALUE_BOOL, .b = value != 0});
}

int flwr_record_set_string(flwr_record *r, const char *key, const char *value)
{
        char *copy;

        if (!utf8_is_valid(value, strlen(value)))
                return -EINVAL;
        copy = strdup(value);
        return copy ? set_value(r, key, (Value){.type = VALUE_STRING, .s = copy}) : -ENOMEM;
}

int flwr_record_set_bytes(flwr_record *r, const char *key, const void *data, size_t size)
{
        Blob *copy = blob_new(data, size);

        return copy ? set_value(r, key, (Value){.type = VALUE_BYTES, .bytes = copy}) : -ENOMEM;
}

static void *copy_list(const void *values, size_t n, size_t item_size)
{
        void *copy = calloc(n ? n : 1, item_size);

        if (copy && n > 0)
                memcpy(copy, values, n * item_size);
        return copy;
}

int flwr_record_set_doubles(flwr_record *r, const char *key, const double *values, size_t n)
{
        double *copy = copy_list(values, n, sizeof(*values));

        return copy ? set_value(r, key, (Value){.type = VALUE_DOUBLE_LIST, .n = n, .ds = copy}) : -ENOMEM;
}

int flwr_record_set_ints(flwr_record *r, const char *key, const int64_t *values, size_t n)
{
        int64_t *copy = copy_list(values, n, sizeof(*values));

        return copy ? set_value(r, key, (Value){.type = VALUE_SINT64_LIST, .n = n, .is = copy}) : -ENOMEM;
}

/* ---- getters ---- */

static int get_value(const flwr_record *r, const char *key, const Value **ret)
{
        const RecordItem *item;

        if (record_of(r)->type == RECORD_ARRAY)
                return -EINVAL;
        item = record_find(record_of(r), key);
        if (!item)
                return -ENOENT;
        *ret = &item->value;
        return 0;
}

static int get_typed(const flwr_record *r, const char *key, ValueType type, const Value **ret)
{
        const Value *v;
        int k = get_value(r, key, &v);

        if (k < 0)
                return k;
        if (v->type != type)
                return -EINVAL;
        *ret = v;
        return 0;
}

/* Peers give an empty list the type that their language made up for it. */
static int get_list(const flwr_record *r, const char *key, ValueType type, const Value **ret)
{
        const Value *v;
        int k = get_value(r, key, &v);

        if (k < 0)
                return k;
        if (v->type != type && (v->type < VALUE_DOUBLE_LIST || v->n > 0))
                return -EINVAL;
        *ret = v;
        return 0;
}

int flwr_record_get_int(const flwr_record *r, const char *key, int64_t *ret_value)
{
        const Value *v;
        int k = get_typed(r, key, VALUE_SINT64, &v);

        if (k < 0)
                return k;
        *ret_value = v->i;
        return 0;
}

int flwr_record_get_double(const flwr_record *r, const char *key, double *ret_value)
{
        const Value *v;
        int k = get_value(r, key, &v);

        if (k < 0)
                return k;
        switch (v->type) {
        case VALUE_DOUBLE:
                *ret_value = v->d;
                return 0;
        case VALUE_SINT64:
                *ret_value = (double) v->i;
                return 0;
        case VALUE_UINT64:
                *ret_value = (double) v->u;
                return 0;
        default:
                return -EINVAL;
        }
}

int flwr_record_get_bool(const flwr_record *r, const char *key, int *ret_value)
{
        const Value *v;
        int k = get_typed(r, key, VALUE_BOOL, &v);

        if (k < 0)
                return k;
        *ret_value = v->b;
        return 0;
}

int flwr_record_get_string(const flwr_record *r, const char *key, const char **ret_value)
{
        const Value *v;
        int k = get_typed(r, key, VALUE_STRING, &v);

        if (k < 0)
                return k;
        *ret_value = v->s;
        return 0;
}

int flwr_record_get_bytes(const flwr_record *r, const char *key, const void **ret_data, size_t *ret_size)
{
        const Value *v;
        int k = get_typed(r, key, VALUE_BYTES, &v);

        if (k < 0)
                return k;
        *ret_data = v->bytes->data;
        *ret_size = v->bytes->size;
        return 0;
}

int flwr_record_get_doubles(const flwr_record *r, const char *key, const double **ret_values, size_t *ret_n)
{
        const Value *v;
        int k = get_list(r, key, VALUE_DOUBLE_LIST, &v);

        if (k < 0)
                return k;
        *ret_values = v->ds;
        *ret_n = v->n;
        return 0;
}

int flwr_record_get_ints(const flwr_record *r, const char *key, const int64_t **ret_values, size_t *ret_n)
{
        const Value *v;
        int k = get_list(r, key, VALUE_SINT64_LIST, &v);

        if (k < 0)
                return k;
        *ret_values = v->is;
        *ret_n = v->n;
        return 0;
}
