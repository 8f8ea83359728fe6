#include "codec/rpc-arena.h"

#define CHUNK_SIZE ((size_t) 32 * 1024)
#define LARGE_SIZE ((size_t) 4 * 1024)
/* Enough for every type in generated structs. */
#define ALIGNMENT ((size_t) 8)

typedef struct RpcArenaChunk {
        struct RpcArenaChunk *next;
        size_t fill;
        uint8_t data[CHUNK_SIZE];
} RpcArenaChunk;

/* Directly before every piece of memory given out, so that a free can tell large from small. */
typedef uint64_t Tag;
enum {
        TAG_SMALL = 1,
        TAG_LARGE,
};

typedef struct RpcArenaBlock {
        struct RpcArenaBlock *next, *prev;
        size_t size;
        Tag tag;
        uint8_t data[];
} RpcArenaBlock;

static void *alloc_large(RpcArena *a, size_t size)
{
        RpcArenaBlock *b = malloc(sizeof(RpcArenaBlock) + size);
        if (!b)
                return NULL;

        *b = (RpcArenaBlock){.next = a->blocks, .size = size, .tag = TAG_LARGE};
        if (a->blocks)
                a->blocks->prev = b;
        a->blocks = b;
        a->used += size;
        return b->data;
}

static void *alloc_small(RpcArena *a, size_t size)
{
        size_t need = sizeof(Tag) + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

        if (!a->chunks || CHUNK_SIZE - a->chunks->fill < need) {
                RpcArenaChunk *c = malloc(sizeof(RpcArenaChunk));
                if (!c)
                        return NULL;
                c->next = a->chunks;
                c->fill = 0;
                a->chunks = c;
        }

        uint8_t *p = a->chunks->data + a->chunks->fill;
        *(Tag *) p = TAG_SMALL;
        a->chunks->fill += need;
        a->used += need;
        return p + sizeof(Tag);
}

static void *arena_alloc(void *userdata, size_t size)
{
        RpcArena *a = userdata;

        if (size > a->limit - MIN(a->used, a->limit)) {
                a->error = -ENOBUFS;
                return NULL;
        }

        void *p = size >= LARGE_SIZE ? alloc_large(a, size) : alloc_small(a, size);
        if (!p)
                a->error = -ENOMEM;
        return p;
}

static void arena_free(void *userdata, void *p)
{
        RpcArena *a = userdata;

        if (!p || ((Tag *) p)[-1] != TAG_LARGE)
                return;

        RpcArenaBlock *b = CONTAINER_OF(p, RpcArenaBlock, data);
        if (b->next)
                b->next->prev = b->prev;
        if (b->prev)
                b->prev->next = b->next;
        else
                a->blocks = b->next;
        a->used -= b->size;
        free(b);
}

void rpc_arena_init(RpcArena *a, size_t limit)
{
        *a = (RpcArena){
                .allocator = {.alloc = arena_alloc, .free = arena_free, .allocator_data = a},
                .limit = limit,
        };
}

void rpc_arena_done(RpcArena *a)
{
        for (RpcArenaChunk *c = a->chunks, *next; c; c = next) {
                next = c->next;
                free(c);
        }
        for (RpcArenaBlock *b = a->blocks, *next; b; b = next) {
                next = b->next;
                free(b);
        }
        a->chunks = NULL;
        a->blocks = NULL;
        a->used = 0;
}

void *rpc_arena_alloc(RpcArena *a, size_t n, size_t item_size)
{
        size_t size;
        if (__builtin_mul_overflow(n, item_size, &size))
                return NULL;

        void *p = arena_alloc(a, size);
        return p ? memset(p, 0, size) : NULL;
}
