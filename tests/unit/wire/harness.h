/* A server with a few methods, and calls on a channel, all in one process: what test-server-channel.c and
 * its like share.
 *
 * Methods: /t/Echo answers the request; /t/Fail fails with RPCERR_NODE_NOT_FOUND and the request as detail;
 * /t/Hold is kept until harness_release_held() or cancelled; /t/Stream sends as many messages as the request
 * says (decimal); /t/Small takes 100 bytes; /t/Who answers with metadata "x-test-bin". */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/channel.h"
#include "wire/server.h"

#define HELD_MAX 512

typedef struct Harness {
        sd_event *event;
        Server *server;
        Listener *listener;
        Channel *channel;
        char address[64];
        Call *held[HELD_MAX];
        size_t n_held;
        size_t n_acts, n_cancelled;
        Call *streaming;
} Harness;

typedef struct HarnessConfig {
        unsigned n_workers;
        unsigned max_connections;
        bool local_only;
        TlsContext *server_tls;
        TlsContext *client_tls;
        const char *host;        /* the server's; NULL: 127.0.0.1 */
        const char *client_host; /* whom the client connects to; NULL: host */
} HarnessConfig;

typedef struct Outcome {
        Harness *harness;
        bool done;
        RpcClass status;
        char *detail;
        Blob *reply;
        size_t n_messages;
        size_t n_bytes;
} Outcome;

extern const Method harness_methods[];

Harness *harness_new(const HarnessConfig *config);
Harness *harness_free(Harness *h);
void harness_release_held(Harness *h, const char *text);
/* Turns the loop until the condition holds; fails the test after ten seconds. */
#define harness_run_until(h, condition)                                                                     \
        do {                                                                                                \
                usec_t _end = now_monotonic() + 10 * USEC_PER_SEC;                                          \
                while (!(condition)) {                                                                      \
                        assert_true(now_monotonic() < _end);                                                \
                        assert_true(sd_event_run((h)->event, 50 * USEC_PER_MSEC) >= 0);                     \
                }                                                                                           \
        } while (0)
void harness_run_for(Harness *h, usec_t time);

ClientCall *harness_call(Harness *h, const char *path, Blob *message, usec_t timeout, Outcome *o);
/* The same with metadata, and the whole outcome waited for. */
void harness_call_sync(Harness *h, const char *path, const char *text, Outcome *o);
void outcome_done(Outcome *o);
#define _cleanup_outcome_ _cleanup_(outcome_done)
bool outcome_reply_is(const Outcome *o, const char *text);
