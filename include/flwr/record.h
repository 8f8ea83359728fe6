/* Records: the contents of messages and the state of contexts. Ordered maps; names and keys keep the order
 * of insertion.
 *
 * An array record holds named n-dimensional arrays (a model: parameter name -> array), a metric record
 * numbers, a config record numbers, booleans, strings and bytes. Genuine Flower's ArrayRecord, MetricRecord
 * and ConfigRecord are the same thing on the wire. */
#ifndef FLWR_RECORD_H
#define FLWR_RECORD_H

#include <flwr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum flwr_record_type { FLWR_ARRAY_RECORD, FLWR_METRIC_RECORD, FLWR_CONFIG_RECORD };

flwr_record_dict *flwr_record_dict_new(void); /* NULL: out of memory */
void flwr_record_dict_free(flwr_record_dict *d);
/* A new empty record at the end. -EEXIST: the name is taken. *ret_record is borrowed. */
int flwr_record_dict_add(
        flwr_record_dict *d, const char *name, enum flwr_record_type type, flwr_record **ret_record);
flwr_record *flwr_record_dict_get(const flwr_record_dict *d, const char *name); /* NULL: none */
/* The first record of that type, NULL: none. Replies of Flower's strategies have one array and one metric
 * record of any name. */
flwr_record *flwr_record_dict_first(const flwr_record_dict *d, enum flwr_record_type type);
size_t flwr_record_dict_size(const flwr_record_dict *d);
flwr_record *flwr_record_dict_at(const flwr_record_dict *d, size_t i, const char **ret_name);
void flwr_record_dict_remove(flwr_record_dict *d, const char *name);

enum flwr_record_type flwr_record_get_type(const flwr_record *r);
size_t flwr_record_size(const flwr_record *r);
const char *flwr_record_key(const flwr_record *r, size_t i); /* borrowed */
/* Makes dst (same type) equal to src; array data is shared, not copied. */
int flwr_record_assign(flwr_record *dst, const flwr_record *src);

/* Metric and config records. Setters replace an existing key in place. Getters: -ENOENT no such key, -EINVAL
 * another type (get_double also reads integers). */
int flwr_record_set_int(flwr_record *r, const char *key, int64_t value);
int flwr_record_set_double(flwr_record *r, const char *key, double value);
int flwr_record_set_bool(flwr_record *r, const char *key, int value);                      /* config */
int flwr_record_set_string(flwr_record *r, const char *key, const char *value);            /* config */
int flwr_record_set_bytes(flwr_record *r, const char *key, const void *data, size_t size); /* config */
int flwr_record_set_doubles(flwr_record *r, const char *key, const double *values, size_t n);
int flwr_record_set_ints(flwr_record *r, const char *key, const int64_t *values, size_t n);
int flwr_record_get_int(const flwr_record *r, const char *key, int64_t *ret_value);
int flwr_record_get_double(const flwr_record *r, const char *key, double *ret_value);
int flwr_record_get_bool(const flwr_record *r, const char *key, int *ret_value);
int flwr_record_get_string(const flwr_record *r, const char *key, const char **ret_value); /* borrowed */
int flwr_record_get_bytes(
        const flwr_record *r, const char *key, const void **ret_data, size_t *ret_size); /* borrowed */
int flwr_record_get_doubles(
        const flwr_record *r, const char *key, const double **ret_values, size_t *ret_n); /* borrowed */
int flwr_record_get_ints(
        const flwr_record *r, const char *key, const int64_t **ret_values, size_t *ret_n); /* borrowed */

/* Array records. Element types are NumPy's. */
enum flwr_dtype {
        FLWR_BOOL,
        FLWR_INT8,
        FLWR_INT16,
        FLWR_INT32,
        FLWR_INT64,
        FLWR_UINT8,
        FLWR_UINT16,
        FLWR_UINT32,
        FLWR_UINT64,
        FLWR_FLOAT16,
        FLWR_FLOAT32,
        FLWR_FLOAT64,
        FLWR_COMPLEX64,
        FLWR_COMPLEX128
};
#define FLWR_DIMS_MAX 32

/* One array as the caller sees it: C order (last index fastest), native byte order, data aligned to its
 * element. */
typedef struct flwr_array {
        enum flwr_dtype dtype;
        size_t n_dims;
        uint64_t shape[FLWR_DIMS_MAX]; /* elements along each dimension */
        const void *data;
        size_t size; /* bytes */
        uint64_t n_items;
} flwr_array;

size_t flwr_dtype_size(enum flwr_dtype t);
const char *flwr_dtype_name(enum flwr_dtype t); /* "float32" */
/* Copies the data (once; from then on it is shared). */
int flwr_record_set_array(flwr_record *r, const char *key, enum flwr_dtype dtype, const uint64_t *shape,
        size_t n_dims, const void *data);
/* Borrowed view; Fortran-ordered or foreign-endian arrays of peers are converted once. -EBADMSG: not a NumPy
 * array. */
int flwr_record_get_array(const flwr_record *r, const char *key, flwr_array *ret_array);
int flwr_record_array_at(const flwr_record *r, size_t i, const char **ret_key, flwr_array *ret_array);

#ifdef __cplusplus
}
#endif
#endif
