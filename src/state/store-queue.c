#include "state/store-private.h"

Queue *queue_find(Queue *queues, uint64_t id)
{
        Queue *q;

        HASH_FIND(hh, queues, &id, sizeof(id), q);
        return q;
}

int queue_get(Queue **queues, uint64_t id, Queue **ret)
{
        Queue *q = queue_find(*queues, id);

        if (!q) {
                q = new0(Queue, 1);
                if (!q)
                        return -ENOMEM;
                q->id = id;
                HASH_ADD(hh, *queues, id, sizeof(q->id), q);
                if (!q->hh.tbl) {
                        free(q);
                        return -ENOMEM;
                }
        }
        *ret = q;
        return 0;
}

void queue_trim(Queue **queues, Queue *q)
{
        if (q->ready || q->given || q->n_parked > 0)
                return;
        HASH_DEL(*queues, q);
        free(q);
}

/* Nearly always at the end, or (given back) at the head. */
static void insert_ready(Queue *q, MessageEntry *e)
{
        MessageEntry *before = q->ready;

        if (!before || before->prev->seq < e->seq) {
                DL_APPEND(q->ready, e);
                return;
        }
        while (before->seq < e->seq)
                before = before->next;
        DL_PREPEND_ELEM(q->ready, before, e);
}

static void leave_list(MessageEntry *e)
{
        Queue *q = e->queue;

        switch (e->state) {
        case MESSAGE_PARKED:
                q->n_parked--;
                break;
        case MESSAGE_READY:
                DL_DELETE(q->ready, e);
                break;
        case MESSAGE_GIVEN:
                DL_DELETE(q->given, e);
                break;
        }
}

void queue_set_state(Store *s, MessageEntry *e, MessageState state)
{
        Queue *q = e->queue;

        leave_list(e);
        e->state = state;
        switch (state) {
        case MESSAGE_PARKED:
                q->n_parked++;
                break;
        case MESSAGE_READY:
                insert_ready(q, e);
                if (s->events.message_ready)
                        s->events.message_ready(q->id, s->events.userdata);
                break;
        case MESSAGE_GIVEN:
                DL_APPEND(q->given, e);
                break;
        }
}

bool message_make_ready(Store *s, MessageEntry *e)
{
        if (e->state == MESSAGE_READY || !e->m.complete || e->m.confirmed || e->partner)
                return false;
        queue_set_state(s, e, MESSAGE_READY);
        return true;
}

/* On a node an unfinished reply is worth nothing once its app is gone. The hub cannot know: the node may be
 * pushing it. */
static void release(Store *s, MessageEntry *e)
{
        if (e->m.confirmed)
                return;
        if (s->queue_kind == STORE_QUEUE_BY_RUN && e->partner && !e->partner->m.complete)
                message_drop(s, e->partner);
        if (!message_make_ready(s, e))
                return;
        e->m.delivered_at = 0;
        message_write_state(s, e);
}

void queue_release(Store *s, uint64_t id)
{
        Queue *q = queue_find(s->queues, id);
        MessageEntry *e, *next;

        if (!q)
                return;
        DL_FOREACH_SAFE (q->given, e, next)
                release(s, e);
}

void store_queue_release(Store *s, uint64_t queue)
{
        queue_release(s, queue);
}

void store_message_release(Store *s, const ObjectId *id)
{
        MessageEntry *e = message_find(s, id);

        if (e && e->state == MESSAGE_GIVEN && object_id_is_none(&e->m.message.metadata.reply_to))
                release(s, e);
}

/* The oldest that has not expired; expired ones before it go. */
static MessageEntry *first_ready(Store *s, uint64_t queue, usec_t now)
{
        for (;;) {
                Queue *q = queue_find(s->queues, queue);

                if (!q || !q->ready)
                        return NULL;
                if (!message_has_expired(q->ready, now))
                        return q->ready;
                message_drop(s, q->ready);
        }
}

bool store_queue_is_ready(Store *s, uint64_t queue, usec_t now)
{
        return !!first_ready(s, queue, now);
}

void queue_mark_given(Store *s, MessageEntry *e, usec_t now)
{
        e->m.delivered_at = now;
        queue_set_state(s, e, MESSAGE_GIVEN);
        message_write_state(s, e);
}

const StoreMessage *store_message_take(Store *s, uint64_t queue, usec_t now, StoreDone done, void *userdata)
{
        MessageEntry *e = first_ready(s, queue, now);
        Waiting *w;

        if (!e || store_wait_new(done, userdata, &w) < 0)
                return NULL;
        queue_mark_given(s, e, now);
        store_wait(s, w);
        return &e->m;
}

typedef struct ReadyQueue {
        uint64_t seq, id;
} ReadyQueue;

static int compare_ready(const void *a, const void *b)
{
        const ReadyQueue *x = a, *y = b;

        return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int store_queues_ready(Store *s, usec_t now, uint64_t **ret, size_t *ret_n)
{
        _cleanup_free_ ReadyQueue *ready = NULL;
        _cleanup_free_ uint64_t *ids = NULL;
        Queue *q, *next;
        size_t n = 0;

        HASH_ITER (hh, s->queues, q, next) {
                uint64_t id = q->id;
                const MessageEntry *e = first_ready(s, id, now);

                if (!e)
                        continue;
                if (GROW_ARRAY(ready, n) < 0)
                        return -ENOMEM;
                ready[n++] = (ReadyQueue){.seq = e->seq, .id = id};
        }
        ids = new0(uint64_t, n);
        if (!ids)
                return -ENOMEM;
        if (n > 0)
                qsort(ready, n, sizeof(ReadyQueue), compare_ready);
        for (size_t i = 0; i < n; i++)
                ids[i] = ready[i].id;
        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}

static bool holds(Store *s, MessageEntry *e, const ObjectEntry *o)
{
        ObjectEntry *root = object_find(s, &e->m.message.metadata.message_id);

        return root && hold_find(root, e->run) && object_is_below(s, root, o);
}

/* Newest first: what is under way is younger than what nobody has fetched yet. */
static const StoreMessage *given_holding(Store *s, Queue *q, const ObjectId *object)
{
        ObjectEntry *o = object_find(s, object);
        MessageEntry *e = q && o && q->given ? q->given->prev : NULL;

        while (e) {
                if (holds(s, e, o))
                        return &e->m;
                e = e == q->given ? NULL : e->prev;
        }
        return NULL;
}

/* A crash may have taken the mark of the last deliveries along, and the contents that were not durable yet,
 * while the receiver is in the middle of fetching. */
static const StoreMessage *waiting_holding(Store *s, Queue *q, const ObjectId *object)
{
        ObjectEntry *o = object_find(s, object);
        MessageEntry *e, *next;

        if (!q || !o)
                return NULL;
        DL_FOREACH (q->ready, e)
                if (holds(s, e, o))
                        return &e->m;
        if (q->n_parked == 0)
                return NULL;
        HASH_ITER (hh, s->messages, e, next)
                if (e->queue == q && e->state == MESSAGE_PARKED && !e->m.confirmed && holds(s, e, o))
                        return &e->m;
        return NULL;
}

const StoreMessage *store_message_holding(Store *s, uint64_t queue, const ObjectId *object)
{
        Queue *q = queue_find(s->queues, queue);

        return given_holding(s, q, object) ?: waiting_holding(s, q, object);
}

const StoreMessage *store_reply_holding(Store *s, uint64_t src_node_id, const ObjectId *object)
{
        return given_holding(s, queue_find(s->sources, src_node_id), object);
}
