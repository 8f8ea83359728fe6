/* Where the images come from: the training part of CIFAR-10 (binary version), or images made up in the same
 * format.
 *
 * The order of the records is that of data_batch_1.bin to data_batch_5.bin, wherever they lie in a folder or
 * archive, so that equal seeds partition them equally. All of it is held in memory: 154 MB for the real
 * CIFAR-10. */
#ifndef AUTHEXAMPLE_CIFAR_H
#define AUTHEXAMPLE_CIFAR_H

#include "dataset.h"

#define CIFAR_ARCHIVE "cifar-10-binary.tar.gz"
#define CIFAR_URL "https://www.cs.toronto.edu/~kriz/" CIFAR_ARCHIVE
#define CIFAR_N_BATCHES 5

/* path: the folder of the .bin files, the one above it (where the archive was unpacked), or the archive.
 * Failures are explained in *reterr_text (free()). -ENOENT: no such file, or a batch is missing. -EBADMSG:
 * other contents. */
int cifar_load(const char *path, Dataset *ret, char **reterr_text);

/* Fetches the archive to path with the curl program. -ENOENT: there is no such program. -EHOSTUNREACH: it
 * failed, within ten seconds when the network does not answer. Nothing is left at path then. */
int cifar_download(const char *path);

/* Ten kinds of coloured waves with noise: easier than photographs, but they must be learned. */
int cifar_generate(uint64_t seed, Dataset *ret);

#endif
