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
                if (!e->partner || !e->partner->m.complete)
                        return &e->m;
        return NULL;
}

bool store_object_is_proven(Store *s, uint64_t run_id, const ObjectId *id)
{
        RunEntry *r = run_find(s, run_id);
        ObjectEntry *o = object_find(s, id);
        ObjectHold *h = r && o ? hold_find(o, r) : NULL;

        return h && h->proven;
}

void store_object_drop(Store *s, uint64_t run_id, const ObjectId *root)
{
        RunEntry *r = run_find(s, run_id);

        if (r && !message_find(s, root))
                object_drop_root(s, r, root);
}

int store_reply_check(Store *s, const Message *reply)
{
        const Metadata *m = &reply->metadata;
        MessageEntry *e = message_find(s, &m->reply_to);

        if (!e || !object_id_is_none(&e->m.message.metadata.reply_to) ||
                message_has_expired(e, now_realtime()))
                return -ENOENT;
        if (e->m.message.metadata.run_id != m->run_id || e->m.message.metadata.dst_node_id != m->src_node_id)
                return -EINVAL;
        if (e->partner && !object_id_equal(&e->partner->m.message.metadata.message_id, &m->message_id))
                return -EEXIST;
        return 0;
}
