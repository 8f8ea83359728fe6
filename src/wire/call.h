/* Server side of a call: what a service sees of it. Nothing here knows which dialect (gRPC over HTTP/2,
 * later protobuf over HTTP/1.1) carried it.
 *
 * A method is three functions:
 *
 *      prepare   in a worker thread: decode the request, verify signatures and the like. Pure: no shared
 * state but what call_worker_data() gives. act       in the core thread: decide, change state, answer now or
 * keep the call ("held") and answer later. encode    in the worker again: turn the reply into bytes.
 *
 * Life of a Call: it exists from prepare() until exactly one of: call_reply(), call_finish(), call_fail() by
 * the service (the pointer is invalid afterwards), or the cancelled() function returns, which the wire calls
 * when the peer went away, reset the call, or its deadline passed. cancelled() is never called after the
 * service has answered. The core thread owns the call between act() and that moment.
 *
 *      worker:  request --> prepare --post--> core: act ... call_reply --post--> worker: encode --> bytes
 *                  peer resets  --post--> core: cancelled
 */
#pragma once

#include "base/blob.h"
#include "base/rpc-error.h"
#include "base/time-util.h"

typedef struct Call Call;

#define METHOD_STREAM                                                                                       \
        (1u << 0) /* server streaming: call_send()* then call_finish(); headers leave before the first      \
                     message */

typedef struct Method {
        const char *path; /* "/flwr.proto.Fleet/PullMessages" */
        unsigned flags;
        size_t max_request; /* bytes of the request message, checked before anything is allocated */
        unsigned tag;       /* the service's own number of the method; the wire does not look at it */
        /* Returns 0, or a negative errno with *ret_error set (call fails with it; *ret_detail is freed by
         * the wire). -ENOMEM needs no id. The request is handed to act(), or to free_request() if act() is
         * never reached. NULL prepare: *request is the message as Blob*. message is borrowed (slices of it
         * keep it alive); act() owns the Blob that it gets in place of a prepared request. */
        int (*prepare)(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);
        /* Takes the request. Must answer, fail, or keep the call. */
        void (*act)(Call *c, void *request);
        /* The call goes away unanswered: forget the pointer. NULL allowed for methods that never hold calls.
         */
        void (*cancelled)(Call *c);
        void (*free_request)(void *request);
} Method;

/* Encodes a reply; called in the worker. 0 or -ENOMEM. */
typedef int (*call_encode_t)(const void *reply, BlobVec *ret);
typedef void (*call_free_t)(void *reply);

/* Answers, status OK. Takes reply (free_reply may be NULL). encode NULL: an empty message. */
void call_reply(Call *c, void *reply, call_encode_t encode, call_free_t free_reply);
/* Streaming methods only. call_send() keeps the call; bytes that the peer has not read yet are counted by
 * call_unsent() (1 KiB for each message that is not encoded yet). */
void call_send(Call *c, void *message, call_encode_t encode, call_free_t free_message);
void call_finish(Call *c);
size_t call_unsent(const Call *c);
/* Fails with a catalogue id; detail may be NULL, is copied. */
void call_fail(Call *c, RpcErrorId id, const char *detail);

const Method *call_method(const Call *c);
/* Of the listener that accepted the connection: its name ("fleet", "serverappio", "control", "clientappio")
 * and userdata. */
const char *call_listener(const Call *c);
void *call_userdata(const Call *c);
const char *call_peer(const Call *c); /* "192.0.2.1:4711", for logs */
usec_t call_deadline(const Call *c);  /* CLOCK_MONOTONIC, USEC_INFINITY when the caller gave none */
/* The last header of that name (lower case), NULL when absent. "-bin" headers are decoded. */
const char *call_metadata(const Call *c, const char *name, size_t *ret_size);
/* What listener's worker_new() made for this thread; only in prepare(). */
void *call_worker_data(const Call *c);
/* Size of the request message in bytes (traffic accounting). */
size_t call_request_size(const Call *c);

/* One slot for what prepare() proved about the caller; freed with the call. */
void call_set_principal(Call *c, void *principal, call_free_t free_principal);
void *call_principal(const Call *c);

/* One slot for the service, while it keeps the call (a list node, a waiter, ...); not freed by the wire. */
void call_set_data(Call *c, void *data);
void *call_data(const Call *c);
