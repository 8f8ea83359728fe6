/* NumPy's .npy format, versions 1.0 to 3.0: header to shape and type, and back. The data itself is never
 * touched. */
#pragma once

#include "base/buf.h"

#define NPY_DIMS_MAX 32 /* NumPy's own limit before 2.0 */

typedef enum NpyType {
        NPY_BOOL,
        NPY_I8,
        NPY_I16,
        NPY_I32,
        NPY_I64,
        NPY_U8,
        NPY_U16,
        NPY_U32,
        NPY_U64,
        NPY_F16,
        NPY_F32,
        NPY_F64,
        NPY_C64,
        NPY_C128,
        _NPY_TYPE_MAX,
        _NPY_TYPE_INVALID = -EINVAL,
} NpyType;

typedef struct NpyHeader {
        NpyType type;
        bool big_endian;
        bool fortran_order;
        size_t n_dims;
        uint64_t shape[NPY_DIMS_MAX];
        size_t data_offset; /* where the data starts */
        uint64_t n_items;   /* product of the shape, checked against the size */
} NpyHeader;

size_t npy_item_size(NpyType t);
const char *npy_type_name(NpyType t); /* "float32" */
NpyType npy_type_from_name(const char *name);
/* -EBADMSG: not a .npy file, object arrays, or fewer data bytes than the shape says. */
int npy_parse(const void *data, size_t size, NpyHeader *ret);
/* Version 1.0, little endian, C order; exactly NumPy's bytes (padding to 64, final newline). */
int npy_write_header(NpyType t, const uint64_t *shape, size_t n_dims, Buf *ret);
