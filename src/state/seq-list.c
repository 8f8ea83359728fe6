#include "state/seq-list.h"

int seq_list_append(SeqList *l, uint64_t seq, void *entry)
{
        int r = GROW_ARRAY(l->items, l->n);

        if (r < 0)
                return r;
        l->items[l->n++] = (SeqItem){.seq = seq, .entry = entry};
        return 0;
}

/* Index of the first item with that number or a larger one. */
static size_t lower_bound(const SeqList *l, uint64_t seq)
{
        size_t low = 0, high = l->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (l->items[middle].seq < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void seq_list_remove(SeqList *l, uint64_t seq)
{
        size_t i = lower_bound(l, seq);

        if (i >= l->n || l->items[i].seq != seq)
                return;
        l->n--;
        memmove(l->items + i, l->items + i + 1, (l->n - i) * sizeof(SeqItem));
}

void *seq_list_next(const SeqList *l, size_t *pos)
{
        size_t i = lower_bound(l, *pos);

        if (i >= l->n)
                return NULL;
        *pos = l->items[i].seq + 1;
        return l->items[i].entry;
}

void seq_list_done(SeqList *l)
{
        free(l->items);
        *l = (SeqList){};
}
