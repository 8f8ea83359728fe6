/* Runs, statuses and FABs to generated structs and back. */
#pragma once

#include "codec/proto/common.pb-c.h"
#include "codec/rpc-decoder.h"
#include "codec/rpc-encoder.h"
#include "codec/rpc.h"

/* ret: zeroed; what is in there after a failure is the caller's. An absent status is pending (Fleet GetRun
 * of old hubs sends none), an unknown one is refused. Texts are never NULL afterwards. */
int proto_run_decode(RpcDecoder *d, const Flwr__Proto__Run *p, Run *ret);
/* Every field is sent, whatever the peer's release; run_type is "serverapp" when empty: launchers of 1.28
 * start nothing without it. */
int proto_run_encode(RpcEncoder *e, const Run *r, Flwr__Proto__Run **ret);

/* An ISO time, or "" for never. */
int proto_time_decode(RpcDecoder *d, const char *field, const char *s, usec_t *ret);

/* A serialised Fab: its content becomes a slice of wire (NULL if there is none). wire NULL: an empty one. */
int proto_fab_decode(RpcDecoder *d, Blob *wire, Fab *ret);
/* A Fab as field number of the message being encoded; always present. */
int proto_fab_encode(RpcEncoder *e, uint32_t number, const Fab *f);
void proto_fab_done(Fab *f);
