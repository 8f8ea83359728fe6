/* Requests and replies of every method, as plain structs of model types, and one table-driven pair of
 * functions that turns them into protobuf and back. Nobody outside codec sees a generated type.
 *
 * A kind names a message of the wire contract (proto/); several kinds share one struct where the meaning is
 * the same. What differs between Flower releases (layouts, field numbers) is decided in here, from data,
 * never in handlers.
 *
 * Decoding is bounded: nesting depth and counts are checked before protobuf-c sees the bytes, memory comes
 * from one arena that belongs to the request and is limited to a small multiple of the message, text must be
 * UTF-8 without NUL, ids must be ids. Object contents and FABs are slices of the message's Blob, never
 * copied. */
#pragma once

#include "model/message.h"
#include "model/run.h"

typedef enum RpcKind {
        RPC_EMPTY, /* no struct: NULL */

        /* NodeRequest */
        RPC_CREATE_NODE_REQUEST,
        RPC_DELETE_NODE_REQUEST,
        RPC_REGISTER_NODE_FLEET_REQUEST,
        RPC_ACTIVATE_NODE_REQUEST,
        RPC_DEACTIVATE_NODE_REQUEST,
        RPC_UNREGISTER_NODE_FLEET_REQUEST,
        RPC_SEND_NODE_HEARTBEAT_REQUEST,
        RPC_PULL_MESSAGES_REQUEST, /* Fleet */
        /* NodeReply */
        RPC_CREATE_NODE_RESPONSE,
        RPC_REGISTER_NODE_FLEET_RESPONSE,
        RPC_ACTIVATE_NODE_RESPONSE,

        /* BoolReply */
        RPC_SEND_NODE_HEARTBEAT_RESPONSE,
        RPC_SEND_APP_HEARTBEAT_RESPONSE,
        RPC_STOP_RUN_RESPONSE,

        /* MessageBatch */
        RPC_PULL_MESSAGES_RESPONSE, /* Fleet */
        RPC_PUSH_MESSAGES_REQUEST,  /* Fleet */
        RPC_PUSH_APP_MESSAGES_REQUEST,
        RPC_PULL_APP_MESSAGES_RESPONSE,
        /* PushReply */
        RPC_PUSH_MESSAGES_RESPONSE, /* Fleet: results map and reconnect 5 are made from it */
        RPC_PUSH_APP_MESSAGES_RESPONSE,
        /* IdsRequest */
        RPC_PULL_APP_MESSAGES_REQUEST,

        /* ObjectRequest */
        RPC_PUSH_OBJECT_REQUEST,
        RPC_PULL_OBJECT_REQUEST,
        RPC_CONFIRM_MESSAGE_RECEIVED_REQUEST,
        /* ObjectReply */
        RPC_PUSH_OBJECT_RESPONSE,
        RPC_PULL_OBJECT_RESPONSE,

        /* RunRequest */
        RPC_GET_RUN_REQUEST,
        RPC_GET_FAB_REQUEST,
        RPC_REQUEST_TOKEN_REQUEST,
        RPC_PULL_APP_INPUTS_REQUEST,
        RPC_SEND_APP_HEARTBEAT_REQUEST, /* run_id and interval up to 1.23, token later: told apart by the
                                           first tag */
        RPC_UPDATE_RUN_STATUS_REQUEST,
        RPC_GET_NODES_REQUEST,
        RPC_STOP_RUN_REQUEST,
        RPC_STREAM_LOGS_REQUEST,
        RPC_LIST_RUNS_REQUEST,
        /* Run* or NULL */
        RPC_GET_RUN_RESPONSE,
        /* Fab */
        RPC_GET_FAB_RESPONSE,
        /* AppInputs */
        RPC_PULL_APP_INPUTS_RESPONSE,
        /* AppOutputs */
        RPC_PUSH_APP_OUTPUTS_REQUEST,
        /* TokenReply */
        RPC_REQUEST_TOKEN_RESPONSE,
        /* NumbersReply */
        RPC_LIST_APPS_TO_LAUNCH_RESPONSE, /* run ids; also GetRunIdsWithPendingMessages of 1.20 */
        RPC_GET_NODES_RESPONSE,           /* node ids */
        /* LogsRequest */
        RPC_PUSH_LOGS_REQUEST,

        /* StartRunRequest, StartRunReply, LogsReply, RunsReply, LoginReply */
        RPC_START_RUN_REQUEST,
        RPC_START_RUN_RESPONSE,
        RPC_STREAM_LOGS_RESPONSE,
        RPC_LIST_RUNS_RESPONSE,
        RPC_GET_LOGIN_DETAILS_RESPONSE,

        /* HealthReply; the request is RPC_HEALTH_CHECK_REQUEST, whose contents do not matter: NULL */
        RPC_HEALTH_CHECK_REQUEST,
        RPC_HEALTH_CHECK_RESPONSE,

        /* EnrolRequest; the reply is a NodeReply */
        RPC_ENROL_REQUEST,
        RPC_ENROL_RESPONSE,

        /* NodesReply, FederationsReply; their requests are RPC_EMPTY */
        RPC_LIST_NODES_RESPONSE,
        RPC_LIST_FEDERATIONS_RESPONSE,
        /* FederationRequest, FederationReply */
        RPC_SHOW_FEDERATION_REQUEST,
        RPC_SHOW_FEDERATION_RESPONSE,
        _RPC_KIND_MAX,
} RpcKind;

typedef struct NodeRequest {
        uint64_t node_id;
        double heartbeat_interval; /* seconds */
        char *public_key;          /* PEM, or NULL */
} NodeRequest;

typedef struct NodeReply {
        uint64_t node_id;
} NodeReply;

typedef struct BoolReply {
        bool success;
} BoolReply;

/* trees[i] belongs to messages[i]; a peer that sends fewer trees than messages is refused while decoding. */
typedef struct MessageBatch {
        uint64_t node_id;
        uint64_t run_id;
        char *token; /* or NULL */
        Message *messages;
        ObjectTree *trees;
        size_t n;
        double *runtimes; /* seconds, of ClientApps */
        size_t n_runtimes;
} MessageBatch;

#define RPC_MESSAGES_MAX 200000 /* one message a node, ten thousand nodes, and room */

typedef struct PushReply {
        ObjectId *message_ids; /* none: refused */
        size_t n_message_ids;
        ObjectId *objects_to_push;
        size_t n_objects_to_push;
} PushReply;

typedef struct IdsRequest {
        char *token; /* or NULL */
        uint64_t run_id;
        ObjectId *ids; /* may contain none: genuine ServerApps ask for refused messages, too */
        size_t n;
} IdsRequest;

typedef struct ObjectRequest {
        uint64_t node_id;
        uint64_t run_id;
        ObjectId id;
        Blob *content; /* push only */
        BlobVec parts; /* to be sent without content: it in pieces; up to OBJECT_PARTS_MAX */
} ObjectRequest;
/* Beside them a message has room for its other fields. */
#define OBJECT_PARTS_MAX (BLOBVEC_MAX - 2)

typedef struct ObjectReply {
        bool stored;           /* push */
        bool found, available; /* pull */
        Blob *content;         /* or NULL */
} ObjectReply;

typedef struct RunRequest {
        uint64_t node_id;
        uint64_t run_id;
        bool has_run_id;
        uint64_t limit;
        bool has_limit;
        ObjectId fab_hash;
        char *token; /* or NULL */
        double heartbeat_interval;
        double after_timestamp;              /* seconds */
        char *status, *sub_status, *details; /* UpdateRunStatus; as received, to be checked by the service */
} RunRequest;

typedef struct KeyValue {
        char *key, *value;
} KeyValue;

typedef struct Fab {
        ObjectId hash; /* as received; servers compute their own */
        Blob *content; /* or NULL: none */
        KeyValue *verifications;
        size_t n_verifications;
} Fab;

typedef struct AppInputs {
        Blob *context; /* serialised Context, passed through */
        Run *run;
        Fab fab;
} AppInputs;

typedef struct AppOutputs {
        char *token;
        uint64_t run_id;
        Blob *context;
} AppOutputs;

/* Our extension, field 1000, unknown to genuine peers: what a daemon of ours says of the app to be launched.
 */
typedef enum RpcLaunch {
        RPC_LAUNCH_UNSAID, /* a genuine daemon */
        RPC_LAUNCH_PYTHON,
        RPC_LAUNCH_NATIVE, /* the FAB has a native side for this machine */
        _RPC_LAUNCH_MAX,
} RpcLaunch;

typedef struct TokenReply {
        char *token; /* "" when another launcher has it */
        RpcLaunch launch;
        char *app_address; /* our extension, field 1001: the app's own AppIo address; NULL: the launcher's */
        char *python_apps; /* field 1002: directory of genuine executors that the daemon is configured with,
                              or NULL */
} TokenReply;

typedef struct NumbersReply {
        uint64_t *numbers;
        size_t n;
} NumbersReply;

typedef struct LogsRequest {
        uint64_t node_id;
        uint64_t run_id;
        char *text; /* the strings, concatenated; bad UTF-8 replaced */
} LogsRequest;

typedef struct StartRunRequest {
        Fab fab;
        Config override_config;
        Blob *federation_options; /* field 3 as it is (its type differs between releases), or NULL */
        char *app_spec;
        char *federation;
} StartRunRequest;

typedef struct StartRunReply {
        bool has_run_id;
        uint64_t run_id;
} StartRunReply;

typedef struct LogsReply {
        char *log_output;
        double latest_timestamp;
} LogsReply;

typedef struct RunsReply {
        Run **runs;
        size_t n;
        char *now; /* ISO time */
} RunsReply;

typedef struct LoginReply {
        char *authn_type, *device_code, *verification_uri_complete;
        int64_t expires_in, interval;
} LoginReply;

/* A node as an account sees it. */
typedef struct NodeInfo {
        uint64_t node_id;
        char *owner_aid, *owner_name; /* the name is "" in 1.23 */
        char *status;                 /* as received, to be checked by who shows it */
        usec_t registered_at, last_activated_at, last_deactivated_at,
                unregistered_at;   /* wall clock, 0 = never */
        double online_until;       /* seconds since 1970, 0 = never */
        double heartbeat_interval; /* seconds */
        char *public_key;          /* PEM, or NULL */
} NodeInfo;

typedef struct NodesReply {
        NodeInfo *nodes;
        size_t n;
        char *now; /* ISO time */
} NodesReply;

typedef struct FederationMember {
        char *account_id, *account_name; /* releases to 1.25 know no names */
        char *role;                      /* "" to 1.26 */
} FederationMember;

/* The name that 1.24 and 1.25 have for the only federation of a hub without federation management; later
 * ones: RPC_FEDERATION_NAME. */
#define RPC_FEDERATION_NAME_OLD "default"
#define RPC_FEDERATION_NAME "@none/default"

/* Encoded in the layout of 1.24 if the name is RPC_FEDERATION_NAME_OLD, else in that of 1.27: nothing else
 * tells what the peer reads. With nothing but a name in it every release reads it. */
typedef struct Federation {
        char *name;
        char *description;
        FederationMember *members;
        size_t n_members;
        NodeInfo *nodes;
        size_t n_nodes;
        Run **runs;
        size_t n_runs;
        bool archived;
} Federation;

typedef struct FederationsReply {
        Federation *federations;
        size_t n;
} FederationsReply;

typedef struct FederationRequest {
        char *name;
} FederationRequest;

typedef struct FederationReply {
        Federation federation;
        char *now; /* ISO time */
} FederationReply;

typedef struct HealthReply {
        int status; /* 1 serving, 2 not serving */
} HealthReply;

/* Of our own service flwr.native.Enrol. The secret is wiped. */
typedef struct EnrolRequest {
        char *public_key; /* PEM */
        char *token_id, *secret;
} EnrolRequest;

/* 0, -EBADMSG with *reterr_text (owned by the caller: message, field, what is allowed), -ENOMEM. *ret is a
 * struct of the kind. */
int rpc_decode(RpcKind kind, Blob *wire, void **ret, char **reterr_text);
/* 0 or -ENOMEM (also beyond 2 GiB, where no message can go). No piece of *ret is empty; an empty message has
 * none. */
int rpc_encode(RpcKind kind, const void *message, BlobVec *ret);
void *rpc_free(RpcKind kind, void *message); /* returns NULL */
size_t rpc_struct_size(RpcKind kind);        /* for new0-like allocation of a reply */
void *rpc_new(RpcKind kind); /* zeroed, NULL when out of memory; strings that are "never NULL" in model types
                                are not set */

/* call_encode_t and call_free_t of wire/call.h need a function per kind: a reply is wrapped with its kind.
 */
typedef struct RpcReply {
        RpcKind kind;
        void *message;
} RpcReply;
RpcReply *rpc_reply_new(RpcKind kind, void *message); /* takes message, also on failure */
int rpc_reply_encode(const void *rpc_reply, BlobVec *ret);
void rpc_reply_free(void *rpc_reply);

/* One row a method: what travels on which path. */
typedef struct RpcMethod {
        const char *path;
        RpcKind request, reply;
        bool stream;
        size_t max_request; /* bytes */
} RpcMethod;
typedef enum RpcMethodId {
        RPC_FLEET_CREATE_NODE,
        RPC_FLEET_DELETE_NODE,
        RPC_FLEET_REGISTER_NODE,
        RPC_FLEET_ACTIVATE_NODE,
        RPC_FLEET_DEACTIVATE_NODE,
        RPC_FLEET_UNREGISTER_NODE,
        RPC_FLEET_SEND_NODE_HEARTBEAT,
        RPC_FLEET_PULL_MESSAGES,
        RPC_FLEET_PUSH_MESSAGES,
        RPC_FLEET_GET_RUN,
        RPC_FLEET_GET_FAB,
        RPC_FLEET_PUSH_OBJECT,
        RPC_FLEET_PULL_OBJECT,
        RPC_FLEET_CONFIRM_MESSAGE_RECEIVED,

        RPC_SERVERAPPIO_LIST_APPS_TO_LAUNCH,
        RPC_SERVERAPPIO_REQUEST_TOKEN,
        RPC_SERVERAPPIO_GET_RUN,
        RPC_SERVERAPPIO_PULL_APP_INPUTS,
        RPC_SERVERAPPIO_PUSH_APP_OUTPUTS,
        RPC_SERVERAPPIO_UPDATE_RUN_STATUS,
        RPC_SERVERAPPIO_PUSH_LOGS,
        RPC_SERVERAPPIO_SEND_APP_HEARTBEAT,
        RPC_SERVERAPPIO_PUSH_OBJECT,
        RPC_SERVERAPPIO_PULL_OBJECT,
        RPC_SERVERAPPIO_CONFIRM_MESSAGE_RECEIVED,
        RPC_SERVERAPPIO_PUSH_MESSAGES,
        RPC_SERVERAPPIO_PULL_MESSAGES,
        RPC_SERVERAPPIO_GET_NODES,

        RPC_CLIENTAPPIO_GET_RUN_IDS_WITH_PENDING_MESSAGES, /* 1.20 */
        RPC_CLIENTAPPIO_LIST_APPS_TO_LAUNCH,
        RPC_CLIENTAPPIO_REQUEST_TOKEN,
        RPC_CLIENTAPPIO_GET_RUN,
        RPC_CLIENTAPPIO_PULL_CLIENT_APP_INPUTS, /* to 1.25 */
        RPC_CLIENTAPPIO_PULL_APP_INPUTS,
        RPC_CLIENTAPPIO_PUSH_CLIENT_APP_OUTPUTS, /* to 1.25 */
        RPC_CLIENTAPPIO_PUSH_APP_OUTPUTS,
        RPC_CLIENTAPPIO_PULL_MESSAGE,
        RPC_CLIENTAPPIO_PUSH_MESSAGE,
        RPC_CLIENTAPPIO_PUSH_OBJECT,
        RPC_CLIENTAPPIO_PULL_OBJECT,
        RPC_CLIENTAPPIO_CONFIRM_MESSAGE_RECEIVED,
        RPC_CLIENTAPPIO_SEND_APP_HEARTBEAT,

        RPC_CONTROL_START_RUN, /* each Control row has its Exec twin (1.20) behind it */
        RPC_EXEC_START_RUN,
        RPC_CONTROL_STOP_RUN,
        RPC_EXEC_STOP_RUN,
        RPC_CONTROL_STREAM_LOGS,
        RPC_EXEC_STREAM_LOGS,
        RPC_CONTROL_LIST_RUNS,
        RPC_EXEC_LIST_RUNS,
        RPC_CONTROL_GET_LOGIN_DETAILS,
        RPC_EXEC_GET_LOGIN_DETAILS,
        RPC_CONTROL_REGISTER_NODE, /* these have none */
        RPC_CONTROL_UNREGISTER_NODE,
        RPC_CONTROL_LIST_NODES,
        RPC_CONTROL_LIST_FEDERATIONS,
        RPC_CONTROL_SHOW_FEDERATION,

        RPC_HEALTH_CHECK,
        RPC_NATIVE_ENROL,
        _RPC_METHOD_MAX,
} RpcMethodId;
extern const RpcMethod RPC_METHODS[_RPC_METHOD_MAX];

/* Headers of our own executors and launcher; genuine peers neither send them nor look at them. */
#define RPC_HEADER_PARTIAL                                                                                  \
        "flwr-partial"              /* PullMessages of a ServerApp: answer as soon as one reply is there */
#define RPC_HEADER_WAIT "flwr-wait" /* PullMessage of a ClientApp: hold until there is one */
#define RPC_HEADER_KEEP_TOKEN "flwr-keep-token" /* PushAppOutputs: more messages of the run are welcome */
#define RPC_HEADER_APP_EXIT                                                                                 \
        "flwr-app-exit" /* PushAppOutputs: the app's process has ended; the value says how */

#define RPC_ENROL_REQUEST_MAX ((size_t) 4096) /* a key in PEM, an id, a secret: comes from anybody */
/* Limits of requests that carry bulk; everything else is RPC_REQUEST_MAX. */
#define RPC_REQUEST_MAX ((size_t) 4 * 1024 * 1024)
#define RPC_OBJECT_REQUEST_MAX                                                                              \
        ((size_t) 2147483647) /* gRPC's own limit: chunks have 5 or 20 MiB by default, but a variable of    \
                                 the peer sets them */
#define RPC_MESSAGES_REQUEST_MAX ((size_t) 512 * 1024 * 1024) /* object trees of big models, many nodes */
#define RPC_CONTEXT_REQUEST_MAX ((size_t) 2147483647)         /* contexts travel inline */
#define RPC_FAB_REQUEST_MAX ((size_t) 12 * 1024 * 1024)       /* FAB_SIZE_MAX and the rest of StartRun */
