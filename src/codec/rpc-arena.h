/* Memory of one decoding or encoding: allocations are never freed one by one, but all with the arena, and
 * together stay under a limit.
 *
 * Large blocks are an exception: they return their quota when freed early, because protobuf-c frees its
 * scratch tables, which grow by doubling. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/macro.h"

typedef struct RpcArena {
        ProtobufCAllocator allocator; /* for protobuf-c; set by rpc_arena_init() */
        struct RpcArenaChunk *chunks; /* small allocations */
        struct RpcArenaBlock *blocks; /* large ones */
        size_t used;
        size_t limit;
        int error; /* why an allocation failed: -ENOMEM, -ENOBUFS (the limit); else 0 */
} RpcArena;

/* The arena must not move afterwards. */
void rpc_arena_init(RpcArena *a, size_t limit);
void rpc_arena_done(RpcArena *a);
#define _cleanup_arena_ _cleanup_(rpc_arena_done)
/* Zeroed memory; NULL when out of memory or beyond the limit. n 0 gives a valid pointer. */
void *rpc_arena_alloc(RpcArena *a, size_t n, size_t item_size);
