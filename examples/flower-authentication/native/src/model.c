#include "model.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "cnn.h"
#include "util.h"

_Static_assert(CNN_N_ARRAYS == 10, "positions are single digits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files say that numbers are little endian");

static const CnnArray *array_of(const char *key)
{
        if (key[0] >= '0' && key[0] <= '9' && key[1] == '\0')
                return cnn_arrays + (key[0] - '0');
        for (size_t i = 0; i < CNN_N_ARRAYS; i++)
                if (strcmp(cnn_arrays[i].name, key) == 0)
                        return cnn_arrays + i;
        return NULL;
}

static bool fits(const CnnArray *a, const flwr_array *array)
{
        return array->dtype == FLWR_FLOAT32 && array->n_dims == a->n_dims &&
               memcmp(array->shape, a->shape, a->n_dims * sizeof(a->shape[0])) == 0;
}

int model_read(const flwr_record *arrays, float *parameters, const char **ret_key)
{
        unsigned seen = 0;

        *ret_key = NULL;
        if (flwr_record_size(arrays) != CNN_N_ARRAYS)
                return -EINVAL;
        for (size_t i = 0; i < flwr_record_size(arrays); i++) {
                const char *key = flwr_record_key(arrays, i);
                const CnnArray *a = array_of(key);
                flwr_array array;
                int r;

                *ret_key = key;
                if (!a)
                        return -EINVAL;
                r = flwr_record_get_array(arrays, key, &array);
                if (r < 0)
                        return r;
                if (!fits(a, &array))
                        return -EINVAL;
                memcpy(parameters + a->offset, array.data, array.size);
                seen |= 1u << (a - cnn_arrays);
        }
        /* Ten keys, but one array under two names. */
        *ret_key = NULL;
        return seen == (1u << CNN_N_ARRAYS) - 1 ? 0 : -EINVAL;
}

int model_write(const float *parameters, const flwr_record *like, flwr_record *arrays)
{
        for (size_t i = 0; i < CNN_N_ARRAYS; i++) {
                const char *key = like ? flwr_record_key(like, i) : cnn_arrays[i].name;
                const CnnArray *a = like ? array_of(key) : cnn_arrays + i;
                int r;

                r = flwr_record_set_array(
                        arrays, key, FLWR_FLOAT32, a->shape, a->n_dims, parameters + a->offset);
                if (r < 0)
                        return r;
        }
        return 0;
}

static inline void archive_write_freep(struct archive **a)
{
        archive_write_free(*a);
}

static inline void archive_entry_freep(struct archive_entry **e)
{
        archive_entry_free(*e);
}

#define NPY_ALIGNMENT 64
#define NPY_HEADER 128 /* magic, length and description of any of our arrays, filled up */

/* The head of a .npy file, format 1.0. */
static void npy_header(const CnnArray *a, char header[static NPY_HEADER])
{
        char *end = header + NPY_HEADER, *p = header + 10;

        _Static_assert(NPY_HEADER % NPY_ALIGNMENT == 0, "data starts aligned");
        memset(header, ' ', NPY_HEADER);
        memcpy(header, "\x93NUMPY\x01\x00", 8);
        header[8] = (char) (NPY_HEADER - 10);
        header[9] = 0;
        p += snprintf(p, (size_t) (end - p), "{'descr': '<f4', 'fortran_order': False, 'shape': (");
        for (size_t i = 0; i < a->n_dims; i++)
                p += snprintf(p, (size_t) (end - p), i == 0 ? "%ju," : " %ju,", (uintmax_t) a->shape[i]);
        p += snprintf(p, (size_t) (end - p), ")}");
        *p = ' ';
        end[-1] = '\n';
}

static int write_member(struct archive *file, const CnnArray *a, const float *parameters)
{
        _cleanup_(archive_entry_freep) struct archive_entry *e = archive_entry_new();
        size_t size = a->n_items * sizeof(float);
        char header[NPY_HEADER], name[64];

        if (!e)
                return -ENOMEM;
        snprintf(name, sizeof(name), "%s.npy", a->name);
        npy_header(a, header);
        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_mtime(e, 0, 0); /* equal models, equal files */
        archive_entry_set_size(e, (int64_t) (NPY_HEADER + size));
        if (archive_write_header(file, e) != ARCHIVE_OK ||
                archive_write_data(file, header, NPY_HEADER) != NPY_HEADER ||
                archive_write_data(file, parameters + a->offset, size) != (la_ssize_t) size)
                return -EIO;
        return 0;
}

int model_save(const float *parameters, const char *path)
{
        _cleanup_(archive_write_freep) struct archive *file = archive_write_new();
        _cleanup_free_ char *temporary = NULL;
        int r = 0;

        if (!file)
                return -ENOMEM;
        if (asprintf(&temporary, "%s.part", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        if (archive_write_set_format_zip(file) != ARCHIVE_OK ||
                archive_write_set_options(file, "zip:compression=store") != ARCHIVE_OK)
                return -EIO;
        if (archive_write_open_filename(file, temporary) != ARCHIVE_OK)
                return -(archive_errno(file) ?: EIO);
        for (size_t i = 0; i < CNN_N_ARRAYS && r == 0; i++)
                r = write_member(file, cnn_arrays + i, parameters);
        if (archive_write_close(file) != ARCHIVE_OK && r == 0)
                r = -EIO;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}
