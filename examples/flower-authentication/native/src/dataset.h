/* One node's share of CIFAR-10: a folder with train.bin and test.bin in the official binary format, records
 * of one byte label (0 to 9) and 3072 bytes image (32x32 red, then green, then blue). prepare_dataset writes
 * such folders. */
#ifndef AUTHEXAMPLE_DATASET_H
#define AUTHEXAMPLE_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define DATASET_RECORD 3073
/* Ten times CIFAR-10; a longer file is not one of ours and would fill the memory. */
#define DATASET_RECORDS_MAX 600000

typedef struct Dataset {
        size_t n;
        uint8_t *records;
} Dataset;

/* -ENOENT: no such file. -EBADMSG: not this format. -ENODATA: empty. -EFBIG. */
int dataset_load(const char *folder, const char *file, Dataset *ret);
void dataset_done(Dataset *d);
#define _cleanup_dataset_ _cleanup_(dataset_done)

/* Images number indices[0..n) (NULL: from first on) as the network takes them: float32, (v / 255 - 0.5) /
 * 0.5. */
void dataset_batch(
        const Dataset *d, const uint32_t *indices, size_t first, size_t n, float *images, uint8_t *labels);

#endif
