/* Client side: a channel to one address, calls on it.
 *
 * A channel belongs to one sd_event loop and connects when the first call needs it, again when it has lost
 * its connection (calls under way then fail with RPC_UNAVAILABLE). It does not repeat calls: see
 * stubs/retry.h for that. After GOAWAY new calls use a new connection while the old one drains. Refused
 * streams are moved to the new connection by themselves (safe: the server never saw them). */
#pragma once

#include <systemd/sd-event.h>

#include "base/blob.h"
#include "base/rpc-error.h"
#include "base/time-util.h"
#include "wire/tls.h"

typedef struct Channel Channel;
typedef struct ClientCall ClientCall;

/* address: "host:port", "[v6]:port" or "unix:/path". tls NULL: plaintext; a reference is taken. The
 * certificate must name the host part (DNS or IP address SAN). -EINVAL: the address does not parse. */
int channel_new(sd_event *event, const char *address, TlsContext *tls, Channel **ret);
/* Cancels all calls (their done functions are called with RPC_CANCELLED). */
Channel *channel_free(Channel *ch);
DEFINE_CLEANUP(Channel *, channel_free);
const char *channel_address(const Channel *ch);

typedef struct Header {
        const char *name; /* lower case; "-bin" values are given raw and sent as base64 */
        const void *value;
        size_t size;
} Header;

typedef struct ClientCallConfig {
        const char *path;
        const Header *headers;
        size_t n_headers;
        usec_t timeout;   /* relative; sent as grpc-timeout and enforced here; USEC_INFINITY: none */
        size_t max_reply; /* bytes of one reply message; larger: RPC_RESOURCE_EXHAUSTED */
        /* Each reply message of a streaming call (optional). Borrowed. */
        void (*on_message)(ClientCall *c, Blob *message, void *userdata);
        /* Exactly once, unless the call was cancelled by us. reply: the last message, NULL if none came
         * (borrowed). detail: the server's grpc-message, or our own words for connection trouble: what,
         * which address, what to try. Trouble in the handshake always contains "handshake failed". The
         * ClientCall is gone when this returns. */
        void (*on_done)(ClientCall *c, RpcClass status, const char *detail, Blob *reply, void *userdata);
        void *userdata;
} ClientCallConfig;

/* Takes the references in message, also on failure. Callbacks never run before this returns. */
int channel_call(Channel *ch, const ClientCallConfig *config, BlobVec *message, ClientCall **ret);
/* RST_STREAM(CANCEL) to the server; no callback any more; the pointer is gone. NULL-safe, returns NULL. */
ClientCall *client_call_cancel(ClientCall *c);
