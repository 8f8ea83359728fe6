#include <math.h>

#include <flwr/fedavg.h>

#include "libflwr/fixed-sum.h"
#include "libflwr/record-internal.h"

/* A smaller weight would lose half of its digits to the grid, and with them the mean its range. */
#define WEIGHT_MIN 0x1p-32

typedef struct AverageKey {
        char *key;
        flwr_array layout; /* of the first record; no data */
        NpyType result;
        fixed_t *sums;
        ufixed_t bound; /* no element's sum can be larger */
} AverageKey;

struct flwr_average {
        AverageKey *keys;
        size_t n_keys;
        bool has_layout;
        fixed_t weight;
        char *why;
};

/* What a record adds, found out before anything is changed. */
typedef struct Addition {
        FixedWeight weight;
        ufixed_t weight_sum;
        flwr_array *arrays; /* in the order of the keys */
        ufixed_t *magnitudes;
} Addition;

static void addition_done(Addition *a)
{
        free(a->arrays);
        free(a->magnitudes);
}

static void keys_free(AverageKey *keys, size_t n)
{
        for (size_t i = 0; keys && i < n; i++) {
                free(keys[i].key);
                free(keys[i].sums);
        }
        free(keys);
}

flwr_average *flwr_average_new(void)
{
        return new0(flwr_average, 1);
}

void flwr_average_free(flwr_average *a)
{
        if (!a)
                return;
        keys_free(a->keys, a->n_keys);
        free(a->why);
        free(a);
}

/* Takes text (NULL: out of memory). */
static int refuse(flwr_average *a, int error, char *text, const char **ret_why)
{
        free(a->why);
        a->why = text;
        if (ret_why)
                *ret_why = text ? text : "out of memory";
        return error;
}

static NpyType result_type(enum flwr_dtype t)
{
        switch (t) {
        case FLWR_FLOAT16:
        case FLWR_FLOAT32:
                return (NpyType) t;
        case FLWR_COMPLEX64:
        case FLWR_COMPLEX128:
                return _NPY_TYPE_INVALID;
        default:
                return NPY_F64;
        }
}

/* ---- elements: the loops are specialised by type through inlining ---- */

__attribute__((always_inline)) static inline double item(enum flwr_dtype t, const void *data, uint64_t i)
{
        switch (t) {
        case FLWR_BOOL:
                return ((const uint8_t *) data)[i] != 0;
        case FLWR_INT8:
                return ((const int8_t *) data)[i];
        case FLWR_INT16:
                return ((const int16_t *) data)[i];
        case FLWR_INT32:
                return ((const int32_t *) data)[i];
        case FLWR_INT64:
                return (double) ((const int64_t *) data)[i];
        case FLWR_UINT8:
                return ((const uint8_t *) data)[i];
        case FLWR_UINT16:
                return ((const uint16_t *) data)[i];
        case FLWR_UINT32:
                return ((const uint32_t *) data)[i];
        case FLWR_UINT64:
                return (double) ((const uint64_t *) data)[i];
        case FLWR_FLOAT16:
                return half_to_double(((const uint16_t *) data)[i]);
        case FLWR_FLOAT32:
                return ((const float *) data)[i];
        default:
                return ((const double *) data)[i];
        }
}

__attribute__((always_inline)) static inline bool max_of(
        enum flwr_dtype t, const flwr_array *a, double *ret_max)
{
        double max = 0;
        bool finite = true;

        for (uint64_t i = 0; i < a->n_items; i++) {
                double x = fabs(item(t, a->data, i));

                finite &= x <= 0x1.fffffffffffffp1023; /* false for NaN */
                max = x > max ? x : max;
        }
        *ret_max = max;
        return finite;
}

static bool array_max(const flwr_array *a, double *ret_max)
{
        switch (a->dtype) {
        case FLWR_FLOAT32:
                return max_of(FLWR_FLOAT32, a, ret_max);
        case FLWR_FLOAT64:
                return max_of(FLWR_FLOAT64, a, ret_max);
        default:
                return max_of(a->dtype, a, ret_max);
        }
}

__attribute__((always_inline)) static inline void sum_of(
        enum flwr_dtype t, const flwr_array *a, FixedWeight w, fixed_t *sums)
{
        for (uint64_t i = 0; i < a->n_items; i++)
                sums[i] += fixed_term(w, item(t, a->data, i));
}

static void array_sum(const flwr_array *a, FixedWeight w, fixed_t *sums)
{
        switch (a->dtype) {
        case FLWR_FLOAT32:
                return sum_of(FLWR_FLOAT32, a, w, sums);
        case FLWR_FLOAT64:
                return sum_of(FLWR_FLOAT64, a, w, sums);
        default:
                return sum_of(a->dtype, a, w, sums);
        }
}

/* ---- layout ---- */

static int key_init(AverageKey *k, const flwr_record *arrays, size_t i)
{
        const char *key;
        int r;

        r = flwr_record_array_at(arrays, i, &key, &k->layout);
        if (r < 0)
                return r;
        k->layout.data = NULL;
        k->result = result_type(k->layout.dtype);
        k->key = strdup(key);
        k->sums = new0(fixed_t, k->layout.n_items);
        return k->key && k->sums ? 0 : -ENOMEM;
}

static int take_layout(flwr_average *a, const flwr_record *arrays, const char **ret_why)
{
        size_t n = flwr_record_size(arrays);
        AverageKey *keys = new0(AverageKey, n);
        int r = keys ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                const char *key = flwr_record_key(arrays, i);

                r = key_init(&keys[i], arrays, i);
                if (r == -EBADMSG)
                        (void) refuse(a, r, xasprintf("array \"%s\" is not a NumPy array", key), ret_why);
                else if (r >= 0 && keys[i].result < 0)
                        r = refuse(a, -EINVAL,
                                xasprintf("array \"%s\" has type %s, which has no mean", key,
                                        flwr_dtype_name(keys[i].layout.dtype)),
                                ret_why);
                else if (r == -ENOMEM)
                        (void) refuse(a, r, NULL, ret_why);
        }
        if (r < 0) {
                keys_free(keys, n);
                return r == -EBADMSG ? -EINVAL : r;
        }
        a->keys = keys;
        a->n_keys = n;
        a->has_layout = true;
        return 0;
}

static bool same_layout(const flwr_array *a, const flwr_array *b)
{
        return a->dtype == b->dtype && a->n_dims == b->n_dims &&
               memcmp(a->shape, b->shape, a->n_dims * sizeof(a->shape[0])) == 0;
}

/* Usually every record has its keys in the same order. */
static int find_array(const flwr_record *arrays, size_t i, const char *key, flwr_array *ret)
{
        const char *at = flwr_record_key(arrays, i);

        return at && streq(at, key) ? flwr_record_array_at(arrays, i, NULL, ret)
                                    : flwr_record_get_array(arrays, key, ret);
}

/* ---- adding ---- */

static int check_weight(flwr_average *a, double weight, Addition *ret, const char **ret_why)
{
        FixedWeight one = fixed_weight(1);

        if (!(weight == 0 || weight >= WEIGHT_MIN) || !fixed_magnitude(one, weight, &ret->weight_sum) ||
                ((ret->weight_sum + (ufixed_t) a->weight) >> 127) != 0)
                return refuse(a, -ERANGE,
                        xasprintf("the weight %g is negative, not finite, too small or too large", weight),
                        ret_why);
        ret->weight = fixed_weight(weight);
        return 0;
}

static int check_array(
        flwr_average *a, const flwr_record *arrays, size_t i, Addition *ret, const char **ret_why)
{
        const AverageKey *k = &a->keys[i];
        double max;
        int r;

        r = find_array(arrays, i, k->key, &ret->arrays[i]);
        if (r == -ENOMEM)
                return refuse(a, r, NULL, ret_why);
        if (r < 0)
                return refuse(a, -EINVAL,
                        xasprintf("array \"%s\" is %s", k->key,
                                r == -ENOENT ? "missing" : "not a NumPy array"),
                        ret_why);
        if (!same_layout(&k->layout, &ret->arrays[i]))
                return refuse(a, -EINVAL,
                        xasprintf("array \"%s\" has another type or shape than the first one", k->key),
                        ret_why);
        if (!array_max(&ret->arrays[i], &max))
                return refuse(a, -ERANGE, xasprintf("array \"%s\" has a value that is not finite", k->key),
                        ret_why);
        if (!fixed_magnitude(ret->weight, max, &ret->magnitudes[i]) ||
                ((ret->magnitudes[i] + k->bound) >> 127) != 0)
                return refuse(a, -ERANGE,
                        xasprintf("array \"%s\" has a value too large for its weight: %g", k->key, max),
                        ret_why);
        return 0;
}

static int check_all(
        flwr_average *a, const flwr_record *arrays, double weight, Addition *ret, const char **ret_why)
{
        int r;

        r = check_weight(a, weight, ret, ret_why);
        if (r < 0)
                return r;
        if (flwr_record_size(arrays) != a->n_keys)
                return refuse(a, -EINVAL,
                        xasprintf("%zu arrays instead of %zu", flwr_record_size(arrays), a->n_keys),
                        ret_why);
        ret->arrays = new0(flwr_array, a->n_keys);
        ret->magnitudes = new0(ufixed_t, a->n_keys);
        if (!ret->arrays || !ret->magnitudes)
                return refuse(a, -ENOMEM, NULL, ret_why);
        for (size_t i = 0; r >= 0 && i < a->n_keys; i++)
                r = check_array(a, arrays, i, ret, ret_why);
        return r;
}

static void forget_layout(flwr_average *a)
{
        keys_free(a->keys, a->n_keys);
        a->keys = NULL;
        a->n_keys = 0;
        a->has_layout = false;
}

int flwr_average_add(flwr_average *a, const flwr_record *arrays, double weight, const char **ret_why)
{
        _cleanup_(addition_done) Addition addition = {};
        bool is_first = !a->has_layout;
        int r = 0;

        if (flwr_record_get_type(arrays) != FLWR_ARRAY_RECORD)
                return refuse(a, -EINVAL, xasprintf("not an array record"), ret_why);
        if (is_first)
                r = take_layout(a, arrays, ret_why);
        if (r < 0)
                return r;
        r = check_all(a, arrays, weight, &addition, ret_why);
        if (r < 0) {
                if (is_first)
                        forget_layout(a);
                return r;
        }
        for (size_t i = 0; i < a->n_keys; i++) {
                array_sum(&addition.arrays[i], addition.weight, a->keys[i].sums);
                a->keys[i].bound += addition.magnitudes[i];
        }
        a->weight += (fixed_t) addition.weight_sum;
        return 0;
}

/* ---- the mean ---- */

double flwr_average_weight(const flwr_average *a)
{
        return fixed_quotient(a->weight, (fixed_t) 1 << FIXED_FRACTION_BITS, &FIXED_FLOAT64);
}

static void write_means(const AverageKey *k, fixed_t weight, void *data)
{
        uint64_t n = k->layout.n_items;

        if (k->result == NPY_F16)
                for (uint64_t i = 0; i < n; i++)
                        ((uint16_t *) data)[i] =
                                half_from_double(fixed_quotient(k->sums[i], weight, &FIXED_FLOAT16));
        else if (k->result == NPY_F32)
                for (uint64_t i = 0; i < n; i++)
                        ((float *) data)[i] = (float) fixed_quotient(k->sums[i], weight, &FIXED_FLOAT32);
        else
                for (uint64_t i = 0; i < n; i++)
                        ((double *) data)[i] = fixed_quotient(k->sums[i], weight, &FIXED_FLOAT64);
}

int flwr_average_result(const flwr_average *a, flwr_record *ret_arrays)
{
        _cleanup_(record_dict_freep) RecordDict *dict = record_dict_new();
        Record *means;
        int r;

        if (a->weight == 0)
                return -ENODATA;
        if (!dict)
                return -ENOMEM;
        r = record_dict_add(dict, "", RECORD_ARRAY, &means);
        for (size_t i = 0; r >= 0 && i < a->n_keys; i++) {
                const AverageKey *k = &a->keys[i];
                Array array = {};
                void *data;

                r = array_alloc(k->result, k->layout.shape, k->layout.n_dims, &array, &data);
                if (r < 0)
                        return r;
                write_means(k, a->weight, data);
                r = record_set_array(means, k->key, &array);
        }
        return r < 0 ? r : flwr_record_assign(ret_arrays, record_public(means));
}
