/* Messages and object trees to generated structs and back. Contents are not looked at: they travel as
 * objects. */
#pragma once

#include "codec/proto/common.pb-c.h"
#include "codec/rpc-decoder.h"
#include "codec/rpc-encoder.h"
#include "model/message.h"

/* ret: zeroed; what is in there after a failure is the caller's. An error's reason is cut at
 * MESSAGE_REASON_LENGTH_MAX: a long stack trace is no reason to lose the message. */
int proto_message_decode(RpcDecoder *d, const Flwr__Proto__Message *p, Message *ret);
/* Generated structs live in the arena, their texts in m. with_id: false leaves message_id empty, as in
 * objects. */
int proto_message_encode(RpcEncoder *e, const Message *m, bool with_id, Flwr__Proto__Message **ret);

/* Depth and number of nodes are bounded by proto_scan(). */
int proto_tree_decode(RpcDecoder *d, const Flwr__Proto__ObjectTree *p, ObjectTree *ret);
int proto_tree_encode(RpcEncoder *e, const ObjectTree *t, Flwr__Proto__ObjectTree **ret);
