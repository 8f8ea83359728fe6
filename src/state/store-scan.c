/* What a node looks for after a restart or a crash of an app. */
#include "state/store-private.h"

const StoreMessage *store_message_next(Store *s, const StoreMessage *previous)
{
        MessageEntry *e = previous ? CONTAINER_OF(previous, MessageEntry, m)->hh.next : s->messages;

        return e ? &e->m : NULL;
}

const StoreMessage *store_message_unanswered(Store *s, uint64_t queue)
{
        Queue *q = queue_find(s->queues, queue);
        MessageEntry *e;

        if (!q)
                return NULL;
        DL_FOREACH (q->given, e)
                if (!e->partner)
                        return &e->m;
        return NULL;
}
