/* Messages between ServerApp and ClientApps, and the trees of objects that carry their contents. */
#pragma once

#include "model/hash.h"
#include "model/record.h"

#define SUPERLINK_NODE_ID UINT64_C(1)
#define MESSAGE_TTL_DEFAULT 43200.0         /* seconds */
#define MESSAGE_CREATED_AT_MIN 1740700800.0 /* genuine peers refuse older ones */
#define MESSAGE_TTL_TOLERANCE 0.1           /* seconds a reply may outlast its instruction */
#define MESSAGE_TYPE_LENGTH_MAX 256
#define MESSAGE_GROUP_LENGTH_MAX 1024
#define MESSAGE_REASON_LENGTH_MAX (64 * 1024)

typedef struct Metadata {
        uint64_t run_id;
        ObjectId message_id;
        uint64_t src_node_id;
        uint64_t dst_node_id;
        ObjectId reply_to;
        char *group_id;     /* never NULL */
        double ttl;         /* seconds */
        char *message_type; /* never NULL */
        double created_at;  /* seconds since 1970 */
} Metadata;

typedef enum MessageErrorCode {
        MESSAGE_ERROR_UNKNOWN,
        MESSAGE_ERROR_LOAD_CLIENT_APP,
        MESSAGE_ERROR_CLIENT_APP_RAISED,
        MESSAGE_ERROR_MESSAGE_UNAVAILABLE,
        MESSAGE_ERROR_REPLY_UNAVAILABLE,
        MESSAGE_ERROR_NODE_UNAVAILABLE,
        MESSAGE_ERROR_MOD_FAILED_PRECONDITION,
        MESSAGE_ERROR_INVALID_FAB,
        MESSAGE_ERROR_CLIENT_APP_CRASHED,
} MessageErrorCode;

/* Exactly one of has_content and has_error holds for a valid message. content is NULL where it travels as
 * objects. */
typedef struct Message {
        Metadata metadata;
        bool has_content;
        bool has_error;
        RecordDict *content;
        int64_t error_code;
        char *error_reason;
} Message;

int metadata_copy(const Metadata *m, Metadata *ret);
void metadata_done(Metadata *m);
int message_copy(const Message *m, Message *ret); /* content is not copied */
void message_done(Message *m);
#define _cleanup_message_ _cleanup_(message_done)

/* "train", "evaluate", "query", "system", "train.<identifier>", or a legacy type. */
bool message_type_is_valid(const char *type);
/* NULL when the message is valid for that direction (superlink-wire 6.7), else a static text that names the
 * field. */
const char *message_check(const Message *m, bool is_reply, double now);
/* Sets run, ids, group, type, ttl and created_at of a reply from its instruction. */
int message_init_reply(const Message *instruction, double now, Message *ret);

/* A tree of object ids; children before parents when walked in post-order. */
typedef struct ObjectTree {
        ObjectId id;
        struct ObjectTree *children;
        size_t n_children;
} ObjectTree;

#define OBJECT_TREE_DEPTH_MAX 8 /* legal trees are 5 deep */
#define OBJECT_TREE_NODES_MAX                                                                               \
        (1u << 20) /* 5 TB of 5 MiB chunks: no model is larger, every id costs us memory */

void object_tree_done(ObjectTree *t);
int object_tree_copy(const ObjectTree *t, ObjectTree *ret);
size_t object_tree_count(const ObjectTree *t);
/* Calls visit for every node in post-order; stops at the first negative return and gives it back. */
int object_tree_walk(
        const ObjectTree *t, int (*visit)(const ObjectTree *node, void *userdata), void *userdata);
