/* One decoding: the arena of the generated structs, the large fields cut out, and the text of what is wrong.
 */
#pragma once

#include "codec/envelope.h"
#include "codec/rpc-arena.h"
#include "model/hash.h"

typedef struct RpcDecoder {
        const char *name; /* of the message, for texts */
        Blob *wire;       /* borrowed */
        Envelope envelope;
        RpcArena arena;
        bool absent; /* set by a decoder whose message says "there is none" */
        char *error; /* what is wrong, once a function gave -EBADMSG; NULL when out of memory */
} RpcDecoder;

/* Must not move afterwards. */
void rpc_decoder_init(RpcDecoder *d, const char *name, Blob *wire);
void rpc_decoder_done(RpcDecoder *d);
#define _cleanup_decoder_ _cleanup_(rpc_decoder_done)

/* Gives -EBADMSG, for "return rpc_decoder_refuse(...)". field may be NULL. */
int rpc_decoder_refuse(RpcDecoder *d, const char *field, const char *text);
/* Scans and unpacks; *ret lives in the arena. -EBADMSG, -ENOMEM. */
int rpc_decoder_unpack(RpcDecoder *d, const ProtobufCMessageDescriptor *type, const Blob *wire, void **ret);
int rpc_decoder_split(RpcDecoder *d, Envelope *e, Blob *wire);

/* Copies of texts, "" included; the second gives NULL for "". */
int rpc_decode_string(const char *s, char **ret);
int rpc_decode_token(RpcDecoder *d, const char *s, char **ret);
/* A key in PEM; NULL for no bytes. */
int rpc_decode_public_key(RpcDecoder *d, const ProtobufCBinaryData *b, char **ret);
/* 64 hex digits, or "" when none is allowed. */
int rpc_decode_id(RpcDecoder *d, const char *field, const char *s, bool none_allowed, ObjectId *ret);
int rpc_decode_ids(RpcDecoder *d, const char *field, char *const *s, size_t n, bool none_allowed,
        ObjectId **ret, size_t *ret_n);
