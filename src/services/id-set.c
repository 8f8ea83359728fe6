#include "services/id-set.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct IdSet {
        uint64_t id;
        UT_hash_handle hh;
};

bool id_set_has(IdSet *set, uint64_t id)
{
        IdSet *i;

        HASH_FIND(hh, set, &id, sizeof(id), i);
        return i;
}

int id_set_add(IdSet **set, uint64_t id)
{
        IdSet *i;

        if (id_set_has(*set, id))
                return 1;
        i = new0(IdSet, 1);
        if (!i)
                return -ENOMEM;
        i->id = id;
        HASH_ADD(hh, *set, id, sizeof(i->id), i);
        if (!i->hh.tbl) {
                free(i);
                return -ENOMEM;
        }
        return 0;
}

void id_set_remove(IdSet **set, uint64_t id)
{
        IdSet *i;

        HASH_FIND(hh, *set, &id, sizeof(id), i);
        if (!i)
                return;
        HASH_DEL(*set, i);
        free(i);
}

bool id_set_pop(IdSet **set, uint64_t *ret)
{
        IdSet *i = *set;

        if (!i)
                return false;
        *ret = i->id;
        HASH_DEL(*set, i);
        free(i);
        return true;
}

void id_set_clear(IdSet **set)
{
        uint64_t id;

        while (id_set_pop(set, &id))
                ;
}
