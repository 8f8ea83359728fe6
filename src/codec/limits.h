/* What one message of a peer may hold, whatever its size in bytes. rpc.h and model/ have the limits that
 * others need, too. */
#pragma once

#include "model/message.h"

/* Nesting of messages on the wire; an object tree is the deepest thing that we read, inside a list inside a
 * request. */
#define RPC_DEPTH_MAX 16
/* Items of one repeated field that has no limit of its own (ids, records, numbers): as many ids as a tree
 * may have. */
#define RPC_ITEMS_MAX ((size_t) OBJECT_TREE_NODES_MAX)
/* Entries of one configuration: written by people. Setting a key walks all others, so this bounds a square.
 */
#define RPC_CONFIG_ENTRIES_MAX ((size_t) 4096)
/* Signatures on one FAB. */
#define RPC_VERIFICATIONS_MAX ((size_t) 256)
/* Runs in one list; the CLI shows them all. */
#define RPC_RUNS_MAX ((size_t) 100000)
/* Tokens are 64 hex digits in genuine releases. */
#define RPC_TOKEN_LENGTH_MAX ((size_t) 1024)
/* What stands beside object contents, FABs and contexts in one message: ids, a run, its configuration. */
#define RPC_ENVELOPE_MAX ((size_t) 4 * 1024 * 1024)
/* Memory of one decoding: protobuf-c needs 2 bytes for one in lists of messages and ids. The factor is room
 * for short items, the slack for small messages made of the shortest (an empty string: 2 bytes on the wire,
 * 100 in memory). */
#define RPC_ARENA_FACTOR ((size_t) 8)
#define RPC_ARENA_SLACK ((size_t) 16 * 1024 * 1024)
