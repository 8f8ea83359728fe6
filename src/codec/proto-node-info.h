/* NodeInfo, which was renumbered between 1.23 and 1.24: lists of serialised ones, so that each can be read
 * in its own layout. */
#pragma once

#include "codec/rpc-decoder.h"
#include "codec/rpc-encoder.h"
#include "codec/rpc.h"

/* Either layout. *ret and *ret_n hold what was read, also after a failure. */
int proto_node_infos_decode(
        RpcDecoder *d, const ProtobufCBinaryData *list, size_t n, NodeInfo **ret, size_t *ret_n);
/* In the layout since 1.24; *ret lives in the arena. */
int proto_node_infos_encode(RpcEncoder *e, const NodeInfo *nodes, size_t n, ProtobufCBinaryData **ret);
void proto_node_infos_done(NodeInfo **nodes, size_t *n);

/* A message as bytes, in the arena. */
int proto_bytes_encode(RpcEncoder *e, const ProtobufCMessage *m, ProtobufCBinaryData *ret);
