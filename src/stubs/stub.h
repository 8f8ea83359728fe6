/* Typed client calls: a channel, a method row, structs in and out. Signs calls where a signer is set,
 * repeats what may be repeated.
 *
 * Retry policy (Flower's own, supernode-cli-wire 1.8): UNAVAILABLE only, base delays 1, 2, 4, 8, 16, 20, 20
 * ... s, each times a random number in [0, 1); the limits are the owner's. Every Flower method may be
 * repeated: object ids are hashes, our hub answers a repeated pull with the same reply. A handshake failure
 * is reported at once when give_up_on_handshake is set. */
#pragma once

#include "codec/rpc.h"
#include "model/node-auth.h"
#include "wire/channel.h"

typedef struct Stub Stub;
typedef struct StubCall StubCall;

typedef struct StubConfig {
        Channel *channel;    /* must outlive the stub */
        AuthSigner *signer;  /* or NULL; must outlive the stub */
        int64_t max_retries; /* -1: no limit; 0: one attempt */
        usec_t max_wait;     /* of one call's attempts together; USEC_INFINITY: no limit */
        bool give_up_on_handshake;
        /* Called when an attempt failed and will be repeated (for a log line), and when it then succeeded:
         * failure NULL. May be NULL. */
        void (*on_retry)(
                const char *path, const char *failure, usec_t delay, unsigned attempt, void *userdata);
        void *userdata;
} StubConfig;

int stub_new(sd_event *event, const StubConfig *config, Stub **ret);
Stub *stub_free(Stub *s); /* its calls are cancelled without callback */
DEFINE_CLEANUP(Stub *, stub_free);

/* What a call ended with. reply is a struct of the method's reply kind (NULL for RPC_EMPTY and on failure),
 * borrowed: TAKE it by setting *reply NULL. A reply that does not decode is RPC_INTERNAL with the reason. */
typedef void (*stub_done_t)(RpcClass status, const char *detail, void **reply, void *userdata);
typedef void (*stub_message_t)(void *message, void *userdata); /* streaming methods; borrowed */

#define STUB_NO_RETRY (1u << 0)
typedef struct StubOptions {
        usec_t timeout; /* of one attempt; 0: none */
        unsigned flags;
        const Header *headers; /* besides the signature; copied */
        size_t n_headers;
        stub_message_t on_message;
} StubOptions;

/* Encodes request (borrowed; object contents are referenced, not copied) and starts. options may be NULL.
 * The callback never runs before this returns. */
int stub_call(Stub *s, RpcMethodId method, const void *request, const StubOptions *options, stub_done_t done,
        void *userdata, StubCall **ret);
StubCall *stub_call_cancel(StubCall *c); /* no callback; NULL-safe, returns NULL */

/* For programs that do one thing after the other (CLI, apps): runs the loop until the call is over. Other
 * sources of the loop go on. 0 or a negative errno when the loop failed; the call's own end is in
 * *ret_status, *ret_detail (owned by the caller), *ret_reply (owned). */
int stub_call_wait(Stub *s, sd_event *event, RpcMethodId method, const void *request,
        const StubOptions *options, void *userdata_of_on_message, RpcClass *ret_status, char **ret_detail,
        void **ret_reply);
