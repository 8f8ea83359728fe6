/* Arrays inside array records. The data of an Array is a .npy file; views point into it when its layout is C
 * order, native byte order and aligned, and otherwise it is replaced by such a file once, at first sight. */
#include <byteswap.h>

#include "base/text.h"
#include "libflwr/record-internal.h"

_Static_assert((int) FLWR_COMPLEX128 == (int) NPY_C128, "element types are the model's");
_Static_assert(FLWR_DIMS_MAX == NPY_DIMS_MAX, "dimensions are the model's");

/* Views point into files, and the files that we write are little endian. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "array data is used where it lies");

size_t flwr_dtype_size(enum flwr_dtype t)
{
        return npy_item_size((NpyType) t);
}

const char *flwr_dtype_name(enum flwr_dtype t)
{
        return npy_type_name((NpyType) t);
}

/* Complex numbers are pairs: swapped and aligned by halves. */
static size_t unit_size(NpyType t)
{
        size_t size = npy_item_size(t);

        return t == NPY_C64 || t == NPY_C128 ? size / 2 : size;
}

static void swap_units(void *data, size_t unit, uint64_t n)
{
        if (unit == 2)
                for (uint16_t *p = data, *end = p + n; p < end; p++)
                        *p = bswap_16(*p);
        else if (unit == 4)
                for (uint32_t *p = data, *end = p + n; p < end; p++)
                        *p = bswap_32(*p);
        else if (unit == 8)
                for (uint64_t *p = data, *end = p + n; p < end; p++)
                        *p = bswap_64(*p);
}

int array_alloc(NpyType type, const uint64_t *shape, size_t n_dims, Array *ret, void **ret_data)
{
        _cleanup_(array_done) Array a = {};
        _cleanup_buf_ Buf header = {};
        size_t size = npy_item_size(type);
        uint8_t *p;
        int r;

        if (size == 0 || n_dims > NPY_DIMS_MAX)
                return -EINVAL;
        a.dtype = strdup(npy_type_name(type));
        a.stype = strdup("numpy.ndarray");
        a.shape = new0(int32_t, n_dims);
        if (!a.dtype || !a.stype || !a.shape)
                return -ENOMEM;
        for (size_t i = 0; i < n_dims; i++) {
                if (shape[i] > INT32_MAX || __builtin_mul_overflow(size, shape[i], &size))
                        return -EINVAL;
                a.shape[a.n_dims++] = (int32_t) shape[i];
        }
        r = npy_write_header(type, shape, n_dims, &header);
        if (r < 0)
                return r;
        if (size > SIZE_MAX / 2)
                return -EINVAL;
        a.data = blob_alloc(header.size + size, &p);
        if (!a.data)
                return -ENOMEM;
        memcpy(p, header.data, header.size);
        *ret_data = p + header.size;
        *ret = a;
        a = (Array){};
        return 0;
}

int flwr_record_set_array(flwr_record *r, const char *key, enum flwr_dtype dtype, const uint64_t *shape,
        size_t n_dims, const void *data)
{
        uint64_t n_items = 1;
        Array a = {};
        void *p;
        int k;

        if (record_of(r)->type != RECORD_ARRAY || !utf8_is_valid(key, strlen(key)))
                return -EINVAL;
        k = array_alloc((NpyType) dtype, shape, n_dims, &a, &p);
        if (k < 0)
                return k;
        for (size_t i = 0; i < n_dims; i++)
                n_items *= shape[i];
        if (n_items > 0)
                memcpy(p, data, n_items * flwr_dtype_size(dtype));
        return record_set_array(record_of(r), key, &a);
}

/* Walks a Fortran-ordered array in C order: index counts like an odometer, its last digit fastest. */
static void copy_fortran(const NpyHeader *h, const uint8_t *from, uint8_t *to, size_t item)
{
        uint64_t index[NPY_DIMS_MAX] = {}, stride[NPY_DIMS_MAX], offset = 0;

        for (size_t d = 0; d < h->n_dims; d++)
                stride[d] = d == 0 ? item : stride[d - 1] * h->shape[d - 1];
        for (uint64_t n = 0; n < h->n_items; n++) {
                memcpy(to + n * item, from + offset, item);
                for (size_t d = h->n_dims; d-- > 0;) {
                        offset += stride[d];
                        if (++index[d] < h->shape[d])
                                break;
                        offset -= stride[d] * h->shape[d];
                        index[d] = 0;
                }
        }
}

static int array_convert(Array *a, const NpyHeader *h)
{
        _cleanup_(array_done) Array fresh = {};
        const uint8_t *from = a->data->data + h->data_offset;
        size_t item = npy_item_size(h->type);
        void *to;
        int r;

        r = array_alloc(h->type, h->shape, h->n_dims, &fresh, &to);
        if (r < 0)
                return r;
        if (h->fortran_order)
                copy_fortran(h, from, to, item);
        else if (h->n_items > 0)
                memcpy(to, from, h->n_items * item);
        if (h->big_endian)
                swap_units(to, unit_size(h->type), h->n_items * (item / unit_size(h->type)));
        blob_unref(a->data);
        a->data = TAKE_PTR(fresh.data);
        return 0;
}

static bool is_usable_in_place(const Array *a, const NpyHeader *h)
{
        size_t unit = unit_size(h->type);

        return !h->big_endian && (!h->fortran_order || h->n_dims < 2) &&
               (uintptr_t) (a->data->data + h->data_offset) % unit == 0;
}

static int array_view(Array *a, flwr_array *ret)
{
        NpyHeader h;
        int r;

        if (!a->data || !streq_ptr(a->stype, "numpy.ndarray"))
                return -EBADMSG;
        r = npy_parse(a->data->data, a->data->size, &h);
        if (r < 0)
                return r;
        if (!is_usable_in_place(a, &h)) {
                r = array_convert(a, &h);
                if (r < 0)
                        return r;
                r = npy_parse(a->data->data, a->data->size, &h);
                if (r < 0)
                        return r;
        }
        *ret = (flwr_array){
                .dtype = (enum flwr_dtype) h.type,
                .n_dims = h.n_dims,
                .data = a->data->data + h.data_offset,
                .size = h.n_items * npy_item_size(h.type),
                .n_items = h.n_items,
        };
        memcpy(ret->shape, h.shape, h.n_dims * sizeof(h.shape[0]));
        return 0;
}

int flwr_record_get_array(const flwr_record *r, const char *key, flwr_array *ret_array)
{
        RecordItem *item;

        if (record_of(r)->type != RECORD_ARRAY)
                return -EINVAL;
        item = record_find(record_of(r), key);
        return item ? array_view(&item->array, ret_array) : -ENOENT;
}

int flwr_record_array_at(const flwr_record *r, size_t i, const char **ret_key, flwr_array *ret_array)
{
        Record *record = record_of(r);
        int k;

        if (record->type != RECORD_ARRAY)
                return -EINVAL;
        if (i >= record->n_items)
                return -ENOENT;
        k = array_view(&record->items[i].array, ret_array);
        if (k < 0)
                return k;
        if (ret_key)
                *ret_key = record->items[i].key;
        return 0;
}
