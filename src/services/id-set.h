/* A set of 64-bit ids: what events have marked until the loop turns. */
#pragma once

#include "base/macro.h"

typedef struct IdSet IdSet;

int id_set_add(IdSet **set, uint64_t id); /* 0: added, 1: was there, -ENOMEM */
bool id_set_has(IdSet *set, uint64_t id);
void id_set_remove(IdSet **set, uint64_t id);
bool id_set_pop(IdSet **set, uint64_t *ret); /* takes one out; false when empty */
void id_set_clear(IdSet **set);
