#include "base/rpc-error.h"

#include <assert.h>

const char *rpc_class_to_string(RpcClass c)
{
        static const char *const table[_RPC_CLASS_MAX] = {
                [RPC_OK] = "OK",
                [RPC_CANCELLED] = "CANCELLED",
                [RPC_UNKNOWN] = "UNKNOWN",
                [RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
                [RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
                [RPC_NOT_FOUND] = "NOT_FOUND",
                [RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
                [RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
                [RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
                [RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
                [RPC_ABORTED] = "ABORTED",
                [RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
                [RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
                [RPC_INTERNAL] = "INTERNAL",
                [RPC_UNAVAILABLE] = "UNAVAILABLE",
                [RPC_DATA_LOSS] = "DATA_LOSS",
                [RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
        };

        return c >= 0 && c < _RPC_CLASS_MAX ? table[c] : "UNKNOWN";
}

static const RpcErrorRow rows[_RPCERR_MAX] = {
        [RPCERR_OK] = {RPC_OK, ""},
        [RPCERR_METHOD_NOT_FOUND] = {RPC_UNIMPLEMENTED, "Method not found!"},
        [RPCERR_BAD_REQUEST] = {RPC_INVALID_ARGUMENT, "%s"},
        [RPCERR_TOO_LARGE] = {RPC_FAILED_PRECONDITION, "%s"},
        [RPCERR_REFUSED] = {RPC_FAILED_PRECONDITION, "%s"},
        [RPCERR_BUSY] = {RPC_UNAVAILABLE, "%s"},
        [RPCERR_SHUTTING_DOWN] = {RPC_UNAVAILABLE, "The server is shutting down."},
        [RPCERR_DEADLINE] = {RPC_DEADLINE_EXCEEDED, "Deadline Exceeded"},
        [RPCERR_INTERNAL] = {RPC_INTERNAL, "Internal server error."},
        [RPCERR_UNKNOWN] = {RPC_UNKNOWN, "Exception calling application: %s"},
        [RPCERR_DISK_FULL] = {RPC_UNAVAILABLE, "%s"},
        [RPCERR_LOCAL_ONLY] = {RPC_UNAUTHENTICATED, "%s"},
        [RPCERR_AUTH_METADATA_MISSING] = {RPC_UNAUTHENTICATED, "Missing authentication metadata"},
        [RPCERR_AUTH_KEY_UNKNOWN] = {RPC_UNAUTHENTICATED, "Public key not recognized"},
        [RPCERR_AUTH_SIGNATURE] = {RPC_UNAUTHENTICATED, "Invalid signature"},
        [RPCERR_AUTH_TIMESTAMP] = {RPC_UNAUTHENTICATED, "Invalid timestamp"},
        [RPCERR_AUTH_NODE_ID] = {RPC_UNAUTHENTICATED, "Invalid node ID"},
        [RPCERR_AUTH_KEY_IN_USE] = {RPC_UNAUTHENTICATED, "Public key already in use"},
        [RPCERR_NODE_KEY_IN_USE] = {RPC_FAILED_PRECONDITION, "Public key already in use"},
        [RPCERR_NODE_KEY_INVALID] = {RPC_FAILED_PRECONDITION, "The provided public key is not valid"},
        [RPCERR_NODE_NOT_FOUND] = {RPC_NOT_FOUND, "Node ID not found for account"},
        [RPCERR_NODE_NO_SUCH_KEY] = {RPC_FAILED_PRECONDITION,
                "No SuperNode found with the given public key."},
        [RPCERR_NODE_NOT_DEACTIVATED] = {RPC_FAILED_PRECONDITION,
                "SuperNode with node ID %s could not be deactivated."},
        [RPCERR_NODE_HEARTBEAT_INTERVAL] = {RPC_INVALID_ARGUMENT, "Invalid heartbeat interval"},
        [RPCERR_NODE_REGISTER_BY_CLI] = {RPC_FAILED_PRECONDITION,
                "SuperNode authentication is enabled. All SuperNodes must be registered via the CLI."},
        [RPCERR_NODE_UNREGISTER_BY_CLI] = {RPC_FAILED_PRECONDITION,
                "SuperNode authentication is enabled. All SuperNodes must be unregistered via the CLI."},
        [RPCERR_RUN_PENDING] = {RPC_PERMISSION_DENIED, "Run is pending.%s"},
        [RPCERR_RUN_STARTING] = {RPC_PERMISSION_DENIED, "Run is starting.%s"},
        [RPCERR_RUN_FINISHED] = {RPC_PERMISSION_DENIED, "Run is finished.%s"},
        [RPCERR_RUN_UNKNOWN] = {RPC_PERMISSION_DENIED, "Run ID not found: %s"},
        [RPCERR_RUN_NOT_FOUND] = {RPC_NOT_FOUND, "Run ID not found"},
        [RPCERR_RUN_ALREADY_FINISHED] = {RPC_FAILED_PRECONDITION, "Run ID %s is already finished"},
        [RPCERR_RUN_START_REJECTED] = {RPC_FAILED_PRECONDITION, "Failed to start run %s"},
        [RPCERR_RUN_REFUSED] = {RPC_FAILED_PRECONDITION, "%s"},
        [RPCERR_FEDERATION_UNKNOWN] = {RPC_FAILED_PRECONDITION, "Federation '%s' does not exist"},
        [RPCERR_TOKEN] = {RPC_PERMISSION_DENIED, "Invalid token."},
        [RPCERR_FAB_UNKNOWN] = {RPC_PERMISSION_DENIED, "Found no FAB with hash: %s"},
        [RPCERR_OBJECT_STRUCTURE] = {RPC_FAILED_PRECONDITION,
                "Object with ID '%s' has an unexpected structure."},
        [RPCERR_UNEXPECTED_NODE] = {RPC_FAILED_PRECONDITION, "Unexpected node ID."},
        [RPCERR_MALFORMED_MESSAGES] = {RPC_UNKNOWN,
                "Exception calling application: Malformed PushMessages: %s"},
        [RPCERR_NO_LOGIN_EXEC] = {RPC_UNIMPLEMENTED, "ExecServicer initialized without user authentication"},
        [RPCERR_ENROL_REFUSED] = {RPC_FAILED_PRECONDITION, "%s"},
};

const RpcErrorRow *rpc_error_row(RpcErrorId id)
{
        assert(id < _RPCERR_MAX);
        return &rows[id];
}

char *rpc_error_format(RpcErrorId id, const char *detail)
{
        const char *text = rpc_error_row(id)->text, *mark = strstr(text, "%s");

        if (!mark)
                return strdup(text);
        return xasprintf("%.*s%s%s", (int) (mark - text), text, strempty(detail), mark + 2);
}
