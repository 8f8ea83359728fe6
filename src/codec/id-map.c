#include "codec/id-map.h"

#define SLOTS_FIRST 64

/* The slot of an id, or the free one where it belongs. There is always a free one. */
static uint32_t *find_slot(const IdMap *m, const ObjectId *id)
{
        uint64_t hash;
        size_t i;

        memcpy(&hash, id->bytes, sizeof(hash));
        for (i = hash & (m->n_slots - 1); m->slots[i] != 0; i = (i + 1) & (m->n_slots - 1))
                if (object_id_equal(&m->ids[m->slots[i] - 1], id))
                        break;
        return &m->slots[i];
}

static int grow_slots(IdMap *m)
{
        const size_t n = MAX(m->n_slots * 2, (size_t) SLOTS_FIRST);
        uint32_t *slots = new0(uint32_t, n);

        if (!slots)
                return -ENOMEM;
        free(m->slots);
        m->slots = slots;
        m->n_slots = n;
        for (size_t i = 0; i < m->n; i++)
                *find_slot(m, &m->ids[i]) = (uint32_t) i + 1;
        return 0;
}

int id_map_put(IdMap *m, const ObjectId *id, size_t *ret_index)
{
        uint32_t *slot;
        int r;

        if (2 * (m->n + 1) > m->n_slots) {
                r = grow_slots(m);
                if (r < 0)
                        return r;
        }
        slot = find_slot(m, id);
        if (*slot != 0) {
                *ret_index = *slot - 1;
                return 0;
        }
        if (m->n >= UINT32_MAX - 1 || GROW_ARRAY(m->ids, m->n) < 0)
                return -ENOMEM;
        m->ids[m->n] = *id;
        *ret_index = m->n++;
        *slot = (uint32_t) m->n;
        return 1;
}

bool id_map_find(const IdMap *m, const ObjectId *id, size_t *ret_index)
{
        uint32_t *slot = m->n_slots > 0 ? find_slot(m, id) : NULL;

        if (!slot || *slot == 0)
                return false;
        *ret_index = *slot - 1;
        return true;
}

void id_map_done(IdMap *m)
{
        free(m->ids);
        free(m->slots);
        *m = (IdMap){};
}
