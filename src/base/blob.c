#include "base/blob.h"

#include <assert.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Parts of models: touching them a small page at a time costs more than copying them. */
#define HUGE_PAGE_SIZE ((size_t) 2 * 1024 * 1024)
#define HUGE_FROM (2 * HUGE_PAGE_SIZE)

static void release_malloc(Blob *b)
{
        free((void *) b->data);
}

static void release_map(Blob *b)
{
        (void) munmap((void *) b->data, b->size);
}

static void release_slice(Blob *b)
{
        blob_unref(b->parent);
}

static Blob *blob_header(size_t extra)
{
        Blob *b;

        if (extra > SIZE_MAX - sizeof(Blob))
                return NULL;
        b = malloc(sizeof(Blob) + extra);
        if (!b)
                return NULL;
        *b = (Blob){.data = (uint8_t *) (b + 1), .n_ref = 1};
        return b;
}

static Blob *blob_alloc_huge(size_t size)
{
        Blob *b = blob_header(0);
        void *p;

        if (!b || posix_memalign(&p, HUGE_PAGE_SIZE, size) != 0) {
                free(b);
                return NULL;
        }
        /* Advice only: where there are no huge pages, small ones do. */
        (void) madvise(p, size, MADV_HUGEPAGE);
        b->data = p;
        b->release = release_malloc;
        return b;
}

Blob *blob_alloc(size_t size, uint8_t **ret_data)
{
        Blob *b = size >= HUGE_FROM ? blob_alloc_huge(size) : blob_header(size);

        if (!b)
                return NULL;
        b->size = size;
        *ret_data = (uint8_t *) b->data;
        return b;
}

Blob *blob_new(const void *data, size_t size)
{
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);

        if (b && size > 0)
                memcpy(p, data, size);
        return b;
}

Blob *blob_new_string(const char *s)
{
        return blob_new(s, strlen(s));
}

Blob *blob_take(void *data, size_t size)
{
        Blob *b = blob_header(0);

        if (!b || !data) {
                free(data);
                assert(!b || size == 0);
                return b;
        }
        b->data = data;
        b->size = size;
        b->release = release_malloc;
        return b;
}

Blob *blob_slice(Blob *parent, size_t offset, size_t size)
{
        Blob *b;

        assert(offset <= parent->size && size <= parent->size - offset);
        b = blob_header(0);
        if (!b)
                return NULL;
        b->data = parent->data + offset;
        b->size = size;
        b->release = release_slice;
        /* Slices of slices hang on the root, so that chains do not grow. */
        b->parent = blob_ref(parent->parent ? parent->parent : parent);
        return b;
}

int blob_map_fd(int fd, Blob **ret)
{
        struct stat st;
        Blob *b;
        void *p;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        b = blob_header(0);
        if (!b)
                return -ENOMEM;
        if (st.st_size > 0) {
                p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);
                if (p == MAP_FAILED) {
                        int r = -errno;

                        blob_unref(b);
                        return r;
                }
                b->data = p;
                b->size = (size_t) st.st_size;
                b->release = release_map;
        }
        *ret = b;
        return 0;
}

Blob *blob_ref(Blob *b)
{
        unsigned n = __atomic_fetch_add(&b->n_ref, 1, __ATOMIC_RELAXED);

        assert(n > 0 && n < UINT32_MAX);
        return b;
}

Blob *blob_unref(Blob *b)
{
        if (!b || __atomic_sub_fetch(&b->n_ref, 1, __ATOMIC_ACQ_REL) > 0)
                return NULL;
        if (b->release)
                b->release(b);
        free(b);
        return NULL;
}

bool blob_equal(const Blob *a, const Blob *b)
{
        return a == b || (a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}

int blobvec_append(BlobVec *bv, Blob *b)
{
        if (!b)
                return -ENOMEM;
        if (bv->n >= BLOBVEC_MAX) {
                blob_unref(b);
                return -ENOBUFS;
        }
        bv->v[bv->n++] = b;
        return 0;
}

size_t blobvec_size(const BlobVec *bv)
{
        size_t size = 0;

        for (unsigned i = 0; i < bv->n; i++)
                size += bv->v[i]->size;
        return size;
}

Blob *blobvec_join(const BlobVec *bv)
{
        uint8_t *p;
        Blob *b;

        if (bv->n == 1)
                return blob_ref(bv->v[0]);
        b = blob_alloc(blobvec_size(bv), &p);
        if (!b)
                return NULL;
        for (unsigned i = 0; i < bv->n; i++) {
                memcpy(p, bv->v[i]->data, bv->v[i]->size);
                p += bv->v[i]->size;
        }
        return b;
}

void blobvec_done(BlobVec *bv)
{
        for (unsigned i = 0; i < bv->n; i++)
                blob_unref(bv->v[i]);
        *bv = (BlobVec){};
}
