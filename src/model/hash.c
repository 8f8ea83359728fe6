#include "model/hash.h"

#include <gnutls/crypto.h>
#include <sodium.h>

#include "base/text.h"

struct Sha256 {
        gnutls_hash_hd_t handle;
};

const ObjectId OBJECT_ID_NONE = {};

bool object_id_is_none(const ObjectId *id)
{
        return object_id_equal(id, &OBJECT_ID_NONE);
}

char *object_id_format(const ObjectId *id, char buf[static OBJECT_ID_HEX_MAX])
{
        static const char digits[] = "0123456789abcdef";
        char *p = buf;

        if (!object_id_is_none(id))
                for (size_t i = 0; i < sizeof(id->bytes); i++) {
                        *p++ = digits[id->bytes[i] >> 4];
                        *p++ = digits[id->bytes[i] & 0xf];
                }
        *p = '\0';
        return buf;
}

int object_id_parse(const char *hex, ObjectId *ret)
{
        ObjectId id;

        if (isempty(hex)) {
                *ret = OBJECT_ID_NONE;
                return 0;
        }
        if (hex_decode(hex, id.bytes, sizeof(id.bytes)) < 0)
                return -EINVAL;
        *ret = id;
        return 0;
}

int sha256_new(Sha256 **ret)
{
        _cleanup_free_ Sha256 *s = new0(Sha256, 1);

        if (!s || gnutls_hash_init(&s->handle, GNUTLS_DIG_SHA256) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(s);
        return 0;
}

void sha256_update(Sha256 *s, const void *data, size_t size)
{
        if (size > 0)
                gnutls_hash(s->handle, data, size);
}

void sha256_finish(Sha256 *s, ObjectId *ret)
{
        gnutls_hash_output(s->handle, ret->bytes);
}

Sha256 *sha256_free(Sha256 *s)
{
        if (!s)
                return NULL;
        gnutls_hash_deinit(s->handle, NULL);
        return mfree(s);
}

void sha256(const void *data, size_t size, ObjectId *ret)
{
        if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data ? data : "", size, ret->bytes) < 0)
                (void) crypto_hash_sha256(ret->bytes, data, size);
}

/* Needs no memory: what has no result to fail with must not fail. */
static void sha256_blobvec_slow(const BlobVec *bv, ObjectId *ret)
{
        crypto_hash_sha256_state state;

        crypto_hash_sha256_init(&state);
        for (unsigned i = 0; i < bv->n; i++)
                crypto_hash_sha256_update(&state, bv->v[i]->data, bv->v[i]->size);
        crypto_hash_sha256_final(&state, ret->bytes);
}

void sha256_blobvec(const BlobVec *bv, ObjectId *ret)
{
        _cleanup_(sha256_freep) Sha256 *s = NULL;

        if (bv->n == 1)
                return sha256(bv->v[0]->data, bv->v[0]->size, ret);
        if (sha256_new(&s) < 0)
                return sha256_blobvec_slow(bv, ret);
        for (unsigned i = 0; i < bv->n; i++)
                sha256_update(s, bv->v[i]->data, bv->v[i]->size);
        sha256_finish(s, ret);
}
