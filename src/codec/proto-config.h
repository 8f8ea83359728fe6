/* Configurations to generated entries of map<string, Scalar> and back. */
#pragma once

#include "codec/proto/common.pb-c.h"
#include "codec/rpc-decoder.h"
#include "codec/rpc-encoder.h"
#include "model/config.h"

/* ret: empty; what is in there after a failure is the caller's. A value without type is refused; of a key
 * that occurs twice, the last value counts. */
int proto_config_decode(RpcDecoder *d, Flwr__Proto__ConfigEntry *const *entries, size_t n, Config *ret);
/* The entries live in the arena, their texts and bytes in c. */
int proto_config_encode(RpcEncoder *e, const Config *c, Flwr__Proto__ConfigEntry ***ret, size_t *ret_n);
