/* Records: what messages and contexts contain. Ordered maps, insertion order kept.
 *
 * Array data is a complete .npy file (stype "numpy.ndarray") in one Blob; nobody copies it once it is there.
 */
#pragma once

#include "base/blob.h"

typedef struct Array {
        char *dtype; /* NumPy's name, "float32"; may be "" (legacy apps) */
        int32_t *shape;
        size_t n_dims;
        char *stype;
        Blob *data;
} Array;

typedef enum ValueType {
        VALUE_DOUBLE,
        VALUE_SINT64,
        VALUE_UINT64,
        VALUE_BOOL, /* config records only, as all that follow except number lists */
        VALUE_STRING,
        VALUE_BYTES,
        VALUE_DOUBLE_LIST,
        VALUE_SINT64_LIST,
        VALUE_UINT64_LIST,
        VALUE_BOOL_LIST,
        VALUE_STRING_LIST,
        VALUE_BYTES_LIST,
        _VALUE_TYPE_MAX,
} ValueType;

typedef struct Value {
        ValueType type;
        size_t n; /* items of a list */
        union {
                double d;
                int64_t i;
                uint64_t u;
                bool b;
                char *s;
                Blob *bytes;
                double *ds;
                int64_t *is;
                uint64_t *us;
                bool *bs;
                char **ss;
                Blob **bytess;
        };
} Value;

typedef enum RecordType {
        RECORD_ARRAY,
        RECORD_METRIC,
        RECORD_CONFIG,
        _RECORD_TYPE_MAX,
} RecordType;

typedef struct RecordItem {
        char *key;
        union {
                Array array; /* of array records */
                Value value; /* of metric and config records */
        };
} RecordItem;

typedef struct Record {
        char *name;
        RecordType type;
        RecordItem *items;
        size_t n_items;
} Record;

typedef struct RecordDict {
        Record **records;
        size_t n_records;
} RecordDict;

void array_done(Array *a);
int array_copy(const Array *a, Array *ret);
void value_done(Value *v);
int value_copy(const Value *v, Value *ret);

RecordDict *record_dict_new(void);
RecordDict *record_dict_free(RecordDict *d);
DEFINE_CLEANUP(RecordDict *, record_dict_free);
int record_dict_copy(const RecordDict *d, RecordDict **ret); /* array data is shared, not copied */
/* -EEXIST if the name is taken. The record belongs to the dictionary. */
int record_dict_add(RecordDict *d, const char *name, RecordType type, Record **ret);
Record *record_dict_find(const RecordDict *d, const char *name);
Record *record_dict_first(const RecordDict *d, RecordType type); /* in insertion order, or NULL */
void record_dict_remove(RecordDict *d, const char *name);
/* The same as record_dict_add(), for a caller who knows that the name is new: looks at no other record. */
int record_dict_append(RecordDict *d, const char *name, RecordType type, Record **ret);

/* Take the value, also on failure; an existing key is replaced in place. -EINVAL if the type does not fit
 * the record. */
int record_set_array(Record *r, const char *key, Array *a);
int record_set_value(Record *r, const char *key, Value *v);
RecordItem *record_find(const Record *r, const char *key);
/* An empty item to be filled in place, for a caller who knows that the key is new. *ret is valid until the
 * next change. */
int record_append(Record *r, const char *key, RecordItem **ret);
