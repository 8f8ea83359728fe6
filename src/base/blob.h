/* Immutable bytes with a reference count, and vectors of them.
 *
 * Objects, FABs and messages on the wire are Blobs: passed by pointer between threads (the count is atomic),
 * sliced without a copy, sent from where they lie. A Blob's bytes never change once a second reference
 * exists. */
#pragma once

#include "base/macro.h"

typedef struct Blob Blob;

struct Blob {
        const uint8_t *data;
        size_t size;
        /* private */
        unsigned n_ref;
        void (*release)(Blob *b); /* frees what data points to; NULL: data lies behind the struct */
        Blob *parent;             /* slices keep their parent alive */
};

/* All constructors give one reference; NULL when out of memory. */
Blob *blob_new(const void *data, size_t size); /* copies */
Blob *blob_new_string(const char *s);          /* copies, without the final NUL */
Blob *blob_take(void *data, size_t size);      /* takes malloc'ed memory; it is freed also on failure */
Blob *blob_slice(Blob *parent, size_t offset, size_t size); /* offset + size <= parent->size (asserted) */
/* Uninitialised memory to fill through *ret_data before anybody else sees the Blob. */
Blob *blob_alloc(size_t size, uint8_t **ret_data);
/* Maps a whole regular file read-only; an empty file gives an empty Blob. 0 or -errno. */
int blob_map_fd(int fd, Blob **ret);

Blob *blob_ref(Blob *b);
Blob *blob_unref(Blob *b); /* NULL-safe, returns NULL */
DEFINE_CLEANUP(Blob *, blob_unref);
#define _cleanup_blob_ _cleanup_(blob_unrefp)

bool blob_equal(const Blob *a, const Blob *b);

/* A message to be sent: a few Blobs in a row. The vector owns one reference of each. */
#define BLOBVEC_MAX 8
typedef struct BlobVec {
        Blob *v[BLOBVEC_MAX];
        unsigned n;
} BlobVec;

/* Takes b's reference, also on failure. -ENOMEM if b is NULL (so that constructors can be passed in
 * directly), -ENOBUFS if full. */
int blobvec_append(BlobVec *bv, Blob *b);
size_t blobvec_size(const BlobVec *bv);
/* One Blob with all bytes (the only one itself, if there is only one); NULL when out of memory. */
Blob *blobvec_join(const BlobVec *bv);
void blobvec_done(BlobVec *bv);
#define _cleanup_blobvec_ _cleanup_(blobvec_done)
