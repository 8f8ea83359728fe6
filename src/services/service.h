/* What all services share: decoded requests, replies that wait for the disk, calls that wait for an event.
 *
 * A service is a table of ServiceRows; a request reaches act() as a Request. Whatever a service keeps while
 * a call is unanswered sits in the call's data slot and begins with a ServiceHold, so that one cancelled()
 * serves every method. */
#pragma once

#include "codec/rpc.h"
#include "state/store.h"
#include "wire/call.h"

/* Whose nodes and runs are where there are no accounts, as in releases since 1.24. */
#define OWNER_AID "<id:none>"
#define OWNER_NAME "none"

typedef struct Request {
        RpcKind kind;
        void *message; /* a struct of the kind; NULL for RPC_EMPTY */
        /* What prepare() found out beyond decoding (a FAB's manifest, an object's hash), with its
         * destructor. */
        void *extra;
        void (*free_extra)(void *extra);
} Request;

/* Decodes by the method's tag (an RpcMethodId). */
int service_prepare(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);
void service_request_free(void *request);
void service_cancelled(Call *c);

typedef struct ServiceRow {
        RpcMethodId id;
        int (*prepare)(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);
        void (*act)(Call *c, void *request);
} ServiceRow;
/* The wire's table (ended by a row without path) from the service's rows and RPC_METHODS; free() it after
 * the server. */
int service_table_new(const ServiceRow *rows, size_t n, Method **ret);

/* First member of everything that waits in a call's data slot. */
typedef struct ServiceHold ServiceHold;
struct ServiceHold {
        void (*cancelled)(
                ServiceHold *h); /* the call is gone: forget it; frees h where h is not needed any more */
};

/* Answers now. Takes message (a struct of the kind), also on failure; NULL (no memory for it) is answered
 * "try again". */
void service_reply(Call *c, RpcKind kind, void *message);
/* Answers when everything changed in the store so far is durable; RPCERR_DISK_FULL if it cannot be. */
void service_reply_durable(Call *c, Store *store, RpcKind kind, void *message);
/* For handlers: a store error as the caller should see it (-ENOSPC, -ENOMEM, ...). */
void service_fail_errno(Call *c, int error, const char *what);
/* One message with its tree, as a reply of that kind; NULL when out of memory. */
MessageBatch *service_batch_of(Store *store, RpcKind kind, const StoreMessage *m);
/* Object requests: prepare() that also checks hash and structure (in the worker); result for act(). */
typedef struct ObjectCheck {
        bool hash_matches;
        const char *structure_error; /* static, NULL: good */
} ObjectCheck;
int service_prepare_object(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);

/* The guard of nearly all methods: 0 when the run is running; else the call has been failed and -EPERM is
 * returned. */
int service_guard_running(Call *c, Store *store, uint64_t run_id);
