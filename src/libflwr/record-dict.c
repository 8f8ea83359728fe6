#include "base/text.h"
#include "libflwr/record-internal.h"

_Static_assert((int) FLWR_CONFIG_RECORD == (int) RECORD_CONFIG, "record types are the model's");

flwr_record_dict *flwr_record_dict_new(void)
{
        return dict_public(record_dict_new());
}

void flwr_record_dict_free(flwr_record_dict *d)
{
        record_dict_free(dict_of(d));
}

int flwr_record_dict_add(
        flwr_record_dict *d, const char *name, enum flwr_record_type type, flwr_record **ret_record)
{
        Record *record;
        int r;

        if ((int) type < 0 || (int) type >= (int) _RECORD_TYPE_MAX || !utf8_is_valid(name, strlen(name)))
                return -EINVAL;
        r = record_dict_add(dict_of(d), name, (RecordType) type, &record);
        if (r < 0)
                return r;
        *ret_record = record_public(record);
        return 0;
}

flwr_record *flwr_record_dict_get(const flwr_record_dict *d, const char *name)
{
        return record_public(record_dict_find(dict_of(d), name));
}

flwr_record *flwr_record_dict_first(const flwr_record_dict *d, enum flwr_record_type type)
{
        return record_public(record_dict_first(dict_of(d), (RecordType) type));
}

size_t flwr_record_dict_size(const flwr_record_dict *d)
{
        return dict_of(d)->n_records;
}

flwr_record *flwr_record_dict_at(const flwr_record_dict *d, size_t i, const char **ret_name)
{
        const RecordDict *dict = dict_of(d);

        if (i >= dict->n_records)
                return NULL;
        if (ret_name)
                *ret_name = dict->records[i]->name;
        return record_public(dict->records[i]);
}

void flwr_record_dict_remove(flwr_record_dict *d, const char *name)
{
        record_dict_remove(dict_of(d), name);
}
