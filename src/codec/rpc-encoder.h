/* One encoding: generated structs are built in the arena (or on the stack), packed into a buffer, and large
 * bytes go in between as references. Everything gives 0 or -ENOMEM. */
#pragma once

#include "base/buf.h"
#include "codec/rpc-arena.h"
#include "model/hash.h"

typedef struct RpcEncoder {
        RpcArena arena;
        Buf buf; /* packed bytes that are not in out yet */
        BlobVec out;
} RpcEncoder;

/* Must not move afterwards. */
void rpc_encoder_init(RpcEncoder *e);
void rpc_encoder_done(RpcEncoder *e);
#define _cleanup_encoder_ _cleanup_(rpc_encoder_done)
/* Hands over what was encoded: no piece is empty, an empty message has none. */
int rpc_encoder_finish(RpcEncoder *e, BlobVec *ret);

int rpc_encode_message(RpcEncoder *e, const ProtobufCMessage *m);
/* Tag and length of a field whose size bytes of contents the caller encodes next. */
int rpc_encode_head(RpcEncoder *e, uint32_t number, size_t size);
size_t rpc_encode_head_size(uint32_t number, size_t size);
/* A field of bytes, also when empty; NULL: no field. */
int rpc_encode_bytes(RpcEncoder *e, uint32_t number, Blob *b);
/* The same of bytes in pieces. */
int rpc_encode_parts(RpcEncoder *e, uint32_t number, const BlobVec *parts);

/* For generated structs, whose texts are not const: they are only read. NULL gives "". */
char *rpc_encode_string(const char *s);
/* Hex digits in the arena; none gives "". NULL when out of memory. */
char *rpc_encode_id(RpcEncoder *e, const ObjectId *id);
int rpc_encode_ids(RpcEncoder *e, const ObjectId *ids, size_t n, char ***ret);
