/* One catalogue of what a call can fail with.
 *
 * Services answer with an id; each dialect maps the id's class to its own number (gRPC status, HTTP status)
 * in one function. Texts are those that genuine peers compare (see the wire specification); "%s" takes the
 * detail given by the service. */
#pragma once

#include "base/macro.h"

/* The canonical status classes (google.rpc.Code), by name only: wire/grpc-status.c knows the numbers. */
typedef enum RpcClass {
        RPC_OK,
        RPC_CANCELLED,
        RPC_UNKNOWN,
        RPC_INVALID_ARGUMENT,
        RPC_DEADLINE_EXCEEDED,
        RPC_NOT_FOUND,
        RPC_ALREADY_EXISTS,
        RPC_PERMISSION_DENIED,
        RPC_RESOURCE_EXHAUSTED,
        RPC_FAILED_PRECONDITION,
        RPC_ABORTED,
        RPC_OUT_OF_RANGE,
        RPC_UNIMPLEMENTED,
        RPC_INTERNAL,
        RPC_UNAVAILABLE,
        RPC_DATA_LOSS,
        RPC_UNAUTHENTICATED,
        _RPC_CLASS_MAX,
        _RPC_CLASS_INVALID = -EINVAL,
} RpcClass;

const char *rpc_class_to_string(RpcClass c); /* "UNAVAILABLE", ... */

typedef enum RpcErrorId {
        RPCERR_OK,
        /* any service */
        RPCERR_METHOD_NOT_FOUND, /* UNIMPLEMENTED "Method not found!" */
        RPCERR_BAD_REQUEST,      /* INVALID_ARGUMENT "%s" */
        RPCERR_TOO_LARGE, /* RESOURCE_EXHAUSTED is fatal for genuine clients, so FAILED_PRECONDITION "%s" */
        RPCERR_REFUSED,   /* FAILED_PRECONDITION "%s" */
        RPCERR_BUSY,      /* UNAVAILABLE "%s": the only one that means "try again" */
        RPCERR_SHUTTING_DOWN, /* UNAVAILABLE "The server is shutting down." */
        RPCERR_DEADLINE,      /* DEADLINE_EXCEEDED "Deadline Exceeded" */
        RPCERR_INTERNAL,      /* INTERNAL "Internal server error." */
        RPCERR_UNKNOWN,       /* UNKNOWN "Exception calling application: %s" */
        RPCERR_DISK_FULL,     /* UNAVAILABLE "%s" */
        RPCERR_LOCAL_ONLY,    /* PERMISSION_DENIED is taken (run stopped): UNAUTHENTICATED "%s" */
        /* node authentication (superlink-wire 3.2, 3.3) */
        RPCERR_AUTH_METADATA_MISSING, /* UNAUTHENTICATED "Missing authentication metadata" */
        RPCERR_AUTH_KEY_UNKNOWN,      /* UNAUTHENTICATED "Public key not recognized" */
        RPCERR_AUTH_SIGNATURE,        /* UNAUTHENTICATED "Invalid signature" */
        RPCERR_AUTH_TIMESTAMP,        /* UNAUTHENTICATED "Invalid timestamp" */
        RPCERR_AUTH_NODE_ID,          /* UNAUTHENTICATED "Invalid node ID" */
        RPCERR_AUTH_KEY_IN_USE,       /* UNAUTHENTICATED "Public key already in use" (CreateNode) */
        /* nodes */
        RPCERR_NODE_KEY_IN_USE,  /* FAILED_PRECONDITION "Public key already in use" */
        RPCERR_NODE_KEY_INVALID, /* FAILED_PRECONDITION "The provided public key is not valid" */
        RPCERR_NODE_NOT_FOUND,   /* NOT_FOUND "Node ID not found for account" */
        RPCERR_NODE_NO_SUCH_KEY, /* FAILED_PRECONDITION "No SuperNode found with the given public key." */
        RPCERR_NODE_NOT_DEACTIVATED,    /* FAILED_PRECONDITION "SuperNode with node ID %s could not be
                                           deactivated." */
        RPCERR_NODE_HEARTBEAT_INTERVAL, /* INVALID_ARGUMENT "Invalid heartbeat interval" */
        RPCERR_NODE_REGISTER_BY_CLI,    /* FAILED_PRECONDITION, 3.3 text */
        RPCERR_NODE_UNREGISTER_BY_CLI,  /* FAILED_PRECONDITION, 3.3 text */
        /* runs; PERMISSION_DENIED means "this run does not run" to every genuine client, and nothing else */
        RPCERR_RUN_PENDING,   /* PERMISSION_DENIED "Run is pending.%s" */
        RPCERR_RUN_STARTING,  /* PERMISSION_DENIED "Run is starting.%s" */
        RPCERR_RUN_FINISHED,  /* PERMISSION_DENIED "Run is finished.%s" (" Stopped by user." when stopped) */
        RPCERR_RUN_UNKNOWN,   /* PERMISSION_DENIED "Run ID not found: %s" */
        RPCERR_RUN_NOT_FOUND, /* NOT_FOUND "Run ID not found" (Control) */
        RPCERR_RUN_ALREADY_FINISHED, /* FAILED_PRECONDITION "Run ID %s is already finished" */
        RPCERR_RUN_START_REJECTED,   /* FAILED_PRECONDITION "Failed to start run %s" */
        RPCERR_RUN_REFUSED,          /* FAILED_PRECONDITION "%s" (StartRun) */
        RPCERR_FEDERATION_UNKNOWN,   /* FAILED_PRECONDITION "Federation '%s' does not exist" */
        RPCERR_TOKEN,                /* PERMISSION_DENIED "Invalid token." */
        RPCERR_FAB_UNKNOWN,          /* PERMISSION_DENIED "Found no FAB with hash: %s" */
        /* objects and messages */
        RPCERR_OBJECT_STRUCTURE, /* FAILED_PRECONDITION "Object with ID '%s' has an unexpected structure." */
        RPCERR_UNEXPECTED_NODE,  /* FAILED_PRECONDITION "Unexpected node ID." */
        RPCERR_MALFORMED_MESSAGES, /* UNKNOWN "Exception calling application: Malformed PushMessages: %s" */
        /* control */
        RPCERR_NO_LOGIN_EXEC, /* UNIMPLEMENTED "ExecServicer initialized without user authentication" */
        RPCERR_ENROL_REFUSED, /* FAILED_PRECONDITION "%s" (flwr.native.Enrol) */
        _RPCERR_MAX,
} RpcErrorId;

typedef struct RpcErrorRow {
        RpcClass class;
        const char *text; /* at most one %s */
} RpcErrorRow;

const RpcErrorRow *rpc_error_row(RpcErrorId id);
/* The public text with its detail ("" when NULL); NULL when out of memory. */
char *rpc_error_format(RpcErrorId id, const char *detail);
