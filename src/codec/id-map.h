/* A set of object ids that remembers their order: id -> number of its first appearance.
 *
 * The hash of an id is a part of it, so put only ids whose objects were seen, or our own: others choose
 * theirs. */
#pragma once

#include "model/hash.h"

typedef struct IdMap {
        ObjectId *ids; /* in order of appearance */
        size_t n;
        /* private */
        uint32_t *slots; /* number + 1; 0: free */
        size_t n_slots;  /* a power of two */
} IdMap;

/* 1: new, 0: was there already; *ret_index in both cases. -ENOMEM. */
int id_map_put(IdMap *m, const ObjectId *id, size_t *ret_index);
bool id_map_find(const IdMap *m, const ObjectId *id, size_t *ret_index);
void id_map_done(IdMap *m);
#define _cleanup_id_map_ _cleanup_(id_map_done)
