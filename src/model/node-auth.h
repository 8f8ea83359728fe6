/* Signed metadata of SuperNodes: the three headers, made and checked (superlink-wire 3). */
#pragma once

#include "base/rpc-error.h"
#include "base/time-util.h"
#include "model/key.h"

#define AUTH_HEADER_KEY "flwr-public-key-bin"
#define AUTH_HEADER_TIMESTAMP "flwr-timestamp"
#define AUTH_HEADER_SIGNATURE "flwr-signature-bin"
/* now - timestamp must lie strictly between: genuine values. */
#define AUTH_WINDOW_PAST_SEC 305
#define AUTH_WINDOW_FUTURE_SEC 5

/* A bounded cache of verified (key, timestamp, signature) triples, the newest of each key; one a thread.
 * Parsing a key is cheap beside the verification and not cached. It proves arithmetic only: whether the key
 * may do something is asked on every call. */
typedef struct AuthCache AuthCache;
#define AUTH_CACHE_ENTRIES                                                                                  \
        16384 /* 1.2 MB in a full worker; one entry a key, so this serves ten thousand nodes and more */
int auth_cache_new(AuthCache **ret);
AuthCache *auth_cache_free(AuthCache *c);
DEFINE_CLEANUP(AuthCache *, auth_cache_free);

typedef struct AuthHeaders {
        const char *pem; /* any of the three may be NULL: missing */
        size_t pem_size;
        const char *timestamp;
        size_t timestamp_size;
        const void *signature;
        size_t signature_size;
} AuthHeaders;

/* The proven key as *ret_fingerprint (key_pem_fingerprint of the PEM). -EKEYREJECTED with *ret_error one of
 * RPCERR_AUTH_METADATA_MISSING, _SIGNATURE, _TIMESTAMP, in genuine order. now: wall clock. */
int auth_verify(
        AuthCache *c, const AuthHeaders *h, usec_t now, ObjectId *ret_fingerprint, RpcErrorId *ret_error);

/* Our own side: signs at most once in AUTH_SIGN_EVERY and gives the same three values meanwhile (borrowed
 * until the next call). */
#define AUTH_SIGN_EVERY (5 * USEC_PER_SEC)
typedef struct AuthSigner AuthSigner;
int auth_signer_new(const NodeKey *key, AuthSigner **ret); /* key must outlive it */
AuthSigner *auth_signer_free(AuthSigner *s);
DEFINE_CLEANUP(AuthSigner *, auth_signer_free);
int auth_signer_headers(AuthSigner *s, usec_t now, AuthHeaders *ret);
