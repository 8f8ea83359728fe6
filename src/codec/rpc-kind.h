/* The rows behind rpc.h: how each kind is decoded, encoded and freed. One file for each group of structs,
 * each with its own rows. */
#pragma once

#include "codec/rpc-decoder.h"
#include "codec/rpc-encoder.h"
#include "codec/rpc.h"

typedef struct RpcKindRow {
        const char *name; /* of the message of the contract, for texts */
        size_t size;      /* of the struct; 0: the kind has none */
        /* What the bytes hold; NULL: decode() reads the decoder's wire itself. */
        const ProtobufCMessageDescriptor *type;
        uint8_t cuts[ENVELOPE_FIELDS_MAX]; /* large fields, in the decoder's envelope instead of the
                                              generated struct */
        /* proto: the generated struct. ret: zeroed; what is in there after a failure is freed by done(). */
        int (*decode)(RpcDecoder *d, const void *proto, void *ret);
        int (*encode)(RpcEncoder *e, const void *message);
        void (*done)(void *message); /* NULL: nothing inside */
} RpcKindRow;

#define RPC_KIND_ROW(text, message, proto, function, ...)                                                   \
        {                                                                                                   \
                .name = text, .size = sizeof(message), .type = &flwr__proto__##proto##__descriptor,         \
                .decode = decode_##function, .encode = encode_##function, ##__VA_ARGS__                     \
        }

/* NULL: not of that file. */
const RpcKindRow *rpc_node_row(RpcKind kind);
const RpcKindRow *rpc_object_row(RpcKind kind);
const RpcKindRow *rpc_messages_row(RpcKind kind);
const RpcKindRow *rpc_run_row(RpcKind kind);
const RpcKindRow *rpc_app_row(RpcKind kind);
const RpcKindRow *rpc_control_row(RpcKind kind);
const RpcKindRow *rpc_federation_row(RpcKind kind);
const RpcKindRow *rpc_native_row(RpcKind kind);
