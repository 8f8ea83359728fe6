/* SHA-256 and the ids made from it. */
#pragma once

#include "base/blob.h"

/* Id of an object: SHA-256 of its bytes. All zero means "none" and is the empty string on the wire. */
typedef struct ObjectId {
        uint8_t bytes[32];
} ObjectId;

#define OBJECT_ID_HEX_MAX 65
extern const ObjectId OBJECT_ID_NONE;

static inline bool object_id_equal(const ObjectId *a, const ObjectId *b)
{
        return memcmp(a, b, sizeof(*a)) == 0;
}
bool object_id_is_none(const ObjectId *id);
char *object_id_format(const ObjectId *id, char buf[static OBJECT_ID_HEX_MAX]); /* none gives "" */
int object_id_parse(
        const char *hex, ObjectId *ret); /* "" or NULL gives none; else 64 hex digits or -EINVAL */

typedef struct Sha256 Sha256;
int sha256_new(Sha256 **ret);
void sha256_update(Sha256 *s, const void *data, size_t size);
void sha256_finish(Sha256 *s, ObjectId *ret); /* the state starts again */
Sha256 *sha256_free(Sha256 *s);
DEFINE_CLEANUP(Sha256 *, sha256_free);
void sha256(const void *data, size_t size, ObjectId *ret);
void sha256_blobvec(const BlobVec *bv, ObjectId *ret);
