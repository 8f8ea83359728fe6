#include "dataset.h"

#include <sys/stat.h>

#include "cnn.h"

_Static_assert(DATASET_RECORD == 1 + CNN_PIXELS, "label and image");

void dataset_done(Dataset *d)
{
        free(d->records);
        *d = (Dataset){};
}

int dataset_load(const char *folder, const char *file, Dataset *ret)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *records = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        struct stat st;
        size_t n;

        if (asprintf(&path, "%s/%s", folder, file) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        f = fopen(path, "re");
        if (!f || fstat(fileno(f), &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size % DATASET_RECORD != 0)
                return -EBADMSG;
        n = (size_t) st.st_size / DATASET_RECORD;
        if (n == 0)
                return -ENODATA;
        if (n > DATASET_RECORDS_MAX)
                return -EFBIG;
        records = malloc(n * DATASET_RECORD);
        if (!records)
                return -ENOMEM;
        if (fread(records, DATASET_RECORD, n, f) != n)
                return -EIO;
        for (size_t i = 0; i < n; i++)
                if (records[i * DATASET_RECORD] >= CNN_CLASSES)
                        return -EBADMSG;

        *ret = (Dataset){.n = n, .records = TAKE_PTR(records)};
        return 0;
}

void dataset_batch(
        const Dataset *d, const uint32_t *indices, size_t first, size_t n, float *images, uint8_t *labels)
{
        float value[256];

        for (unsigned v = 0; v < ELEMENTSOF(value); v++)
                value[v] = ((float) v / 255.0f - 0.5f) / 0.5f;
        for (size_t i = 0; i < n; i++) {
                const uint8_t *record = d->records + (indices ? indices[i] : first + i) * DATASET_RECORD;

                labels[i] = record[0];
                for (size_t k = 0; k < CNN_PIXELS; k++)
                        *images++ = value[record[1 + k]];
        }
}
