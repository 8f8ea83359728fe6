#include "model/node-auth.h"

#define AUTH_SET_SIZE 16 /* ways: with this many, few keys lose their place while the table is half full */
#define AUTH_SETS (AUTH_CACHE_ENTRIES / AUTH_SET_SIZE)

/* The newest verified triple of one key. An honest node has one at a time, so older ones only would take
 * room. */
typedef struct AuthEntry {
        ObjectId fingerprint;
        ObjectId signed_hash; /* over timestamp and signature; none: free */
        uint64_t used;
} AuthEntry;

struct AuthCache {
        AuthEntry *entries; /* sets in a row, chosen by the fingerprint, which nobody can choose cheaply */
        Sha256 *sha;
        uint64_t clock;
};

int auth_cache_new(AuthCache **ret)
{
        _cleanup_(auth_cache_freep) AuthCache *c = new0(AuthCache, 1);
        int r;

        if (!c)
                return -ENOMEM;
        c->entries = new0(AuthEntry, AUTH_CACHE_ENTRIES);
        if (!c->entries)
                return -ENOMEM;
        r = sha256_new(&c->sha);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

AuthCache *auth_cache_free(AuthCache *c)
{
        if (!c)
                return NULL;
        free(c->entries);
        sha256_free(c->sha);
        return mfree(c);
}

/* The entry of this key, or else the one of its set that was not used for the longest time. */
static AuthEntry *auth_cache_entry(AuthCache *c, const ObjectId *fingerprint)
{
        size_t set = ((size_t) fingerprint->bytes[0] << 8 | fingerprint->bytes[1]) % AUTH_SETS;
        AuthEntry *first = c->entries + set * AUTH_SET_SIZE, *oldest = first;

        for (AuthEntry *e = first; e < first + AUTH_SET_SIZE; e++) {
                if (object_id_equal(&e->fingerprint, fingerprint))
                        return e;
                if (e->used < oldest->used)
                        oldest = e;
        }
        return oldest;
}

static void hash_signed(AuthCache *c, const AuthHeaders *h, ObjectId *ret)
{
        uint64_t size = h->timestamp_size; /* else bytes could move between the two */

        sha256_update(c->sha, &size, sizeof(size));
        sha256_update(c->sha, h->timestamp, h->timestamp_size);
        sha256_update(c->sha, h->signature, h->signature_size);
        sha256_finish(c->sha, ret);
}

static int verify_triple(const AuthHeaders *h)
{
        _cleanup_(public_key_freep) PublicKey *k = NULL;
        int r;

        r = public_key_from_pem(h->pem, h->pem_size, &k);
        if (r < 0)
                return r;
        return public_key_verify(k, h->timestamp, h->timestamp_size, h->signature, h->signature_size);
}

static int check_signature(AuthCache *c, const AuthHeaders *h, ObjectId *ret_fingerprint)
{
        ObjectId fingerprint, signed_hash;
        AuthEntry *e;
        int r;

        if (h->pem_size > KEY_PEM_SIZE_MAX)
                return -EINVAL;
        sha256(h->pem, h->pem_size, &fingerprint);
        hash_signed(c, h, &signed_hash);
        e = auth_cache_entry(c, &fingerprint);
        if (!object_id_equal(&e->fingerprint, &fingerprint) ||
                !object_id_equal(&e->signed_hash, &signed_hash)) {
                r = verify_triple(h);
                if (r < 0)
                        return r;
                *e = (AuthEntry){.fingerprint = fingerprint, .signed_hash = signed_hash};
        }
        e->used = ++c->clock;
        *ret_fingerprint = fingerprint;
        return 0;
}

static bool timestamp_is_fresh(const AuthHeaders *h, usec_t now)
{
        char text[ISO_TIME_MAX];
        int64_t age;
        usec_t t;

        if (h->timestamp_size >= sizeof(text) || memchr(h->timestamp, 0, h->timestamp_size))
                return false;
        memcpy(text, h->timestamp, h->timestamp_size);
        text[h->timestamp_size] = 0;
        if (iso_time_parse(text, &t) < 0)
                return false;
        age = (int64_t) (now - t);
        return age > -(int64_t) (AUTH_WINDOW_FUTURE_SEC * USEC_PER_SEC) &&
               age < (int64_t) (AUTH_WINDOW_PAST_SEC * USEC_PER_SEC);
}

int auth_verify(
        AuthCache *c, const AuthHeaders *h, usec_t now, ObjectId *ret_fingerprint, RpcErrorId *ret_error)
{
        ObjectId fingerprint;
        int r;

        if (!h->pem || !h->timestamp || !h->signature) {
                *ret_error = RPCERR_AUTH_METADATA_MISSING;
                return -EKEYREJECTED;
        }
        r = check_signature(c, h, &fingerprint);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *ret_error = RPCERR_AUTH_SIGNATURE;
                return -EKEYREJECTED;
        }
        if (!timestamp_is_fresh(h, now)) {
                *ret_error = RPCERR_AUTH_TIMESTAMP;
                return -EKEYREJECTED;
        }
        *ret_fingerprint = fingerprint;
        return 0;
}

struct AuthSigner {
        const NodeKey *key;
        char timestamp[ISO_TIME_MAX];
        Blob *signature;
        usec_t signed_at;
};

int auth_signer_new(const NodeKey *key, AuthSigner **ret)
{
        AuthSigner *s = new0(AuthSigner, 1);

        if (!s)
                return -ENOMEM;
        s->key = key;
        *ret = s;
        return 0;
}

AuthSigner *auth_signer_free(AuthSigner *s)
{
        if (!s)
                return NULL;
        blob_unref(s->signature);
        return mfree(s);
}

static int auth_signer_sign(AuthSigner *s, usec_t now)
{
        char timestamp[ISO_TIME_MAX];
        Blob *signature;
        int r;

        iso_time_format(now, timestamp);
        r = node_key_sign(s->key, timestamp, strlen(timestamp), &signature);
        if (r < 0)
                return r;
        blob_unref(s->signature);
        s->signature = signature;
        s->signed_at = now;
        memcpy(s->timestamp, timestamp, sizeof(timestamp));
        return 0;
}

int auth_signer_headers(AuthSigner *s, usec_t now, AuthHeaders *ret)
{
        int r;

        /* Also when the clock was set back: a time stamp of the future would be refused. */
        if (!s->signature || now < s->signed_at || now - s->signed_at >= AUTH_SIGN_EVERY) {
                r = auth_signer_sign(s, now);
                if (r < 0)
                        return r;
        }
        *ret = (AuthHeaders){
                .pem = node_key_pem(s->key),
                .pem_size = strlen(node_key_pem(s->key)),
                .timestamp = s->timestamp,
                .timestamp_size = strlen(s->timestamp),
                .signature = s->signature->data,
                .signature_size = s->signature->size,
        };
        return 0;
}
