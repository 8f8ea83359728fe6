#include "state/store-private.h"

MessageEntry *message_entry_free(MessageEntry *e)
{
        if (!e)
                return NULL;
        message_done(&e->m.message);
        return mfree(e);
}

static bool is_reply(const MessageEntry *e)
{
        return !object_id_is_none(&e->m.message.metadata.reply_to);
}

MessageEntry *message_find(Store *s, const ObjectId *id)
{
        MessageEntry *e;

        HASH_FIND(hh, s->messages, id, sizeof(*id), e);
        return e;
}

const StoreMessage *store_message(Store *s, const ObjectId *id)
{
        MessageEntry *e = message_find(s, id);

        return e ? &e->m : NULL;
}

static double ends_at(const Metadata *m)
{
        return m->created_at + m->ttl;
}

bool message_has_expired(const MessageEntry *e, usec_t now)
{
        return ends_at(&e->m.message.metadata) <= usec_to_seconds(now);
}

static bool root_is_whole(Store *s, const RunEntry *r, const ObjectId *id)
{
        ObjectEntry *o = object_find(s, id);
        ObjectHold *h = o ? hold_find(o, r) : NULL;

        return h && h->n_missing == 0;
}

static bool root_is_held(Store *s, const RunEntry *r, const ObjectId *id)
{
        ObjectEntry *o = object_find(s, id);
        ObjectHold *h = o ? hold_find(o, r) : NULL;

        return h && h->root;
}

/* ---- the image ---- */

static int join_queue(Store *s, MessageEntry *e)
{
        const Metadata *m = &e->m.message.metadata;
        int r;

        if (is_reply(e)) {
                r = queue_get(&s->sources, m->src_node_id, &e->queue);
                if (r < 0)
                        return r;
                e->state = e->m.confirmed ? MESSAGE_PARKED : MESSAGE_GIVEN;
        } else {
                r = queue_get(&s->queues, s->queue_kind == STORE_QUEUE_BY_RUN ? m->run_id : m->dst_node_id,
                        &e->queue);
                if (r < 0)
                        return r;
                e->state = e->m.delivered_at != 0 && !e->m.confirmed ? MESSAGE_GIVEN : MESSAGE_PARKED;
        }
        if (e->state == MESSAGE_GIVEN)
                DL_APPEND(e->queue->given, e);
        else
                e->queue->n_parked++;
        return 0;
}

static void join_partner(Store *s, MessageEntry *e)
{
        MessageEntry *instruction = is_reply(e) ? message_find(s, &e->m.message.metadata.reply_to) : NULL;

        if (!instruction)
                return;
        e->partner = instruction;
        instruction->partner = e;
        instruction->m.reply = e->m.message.metadata.message_id;
}

int message_insert(Store *s, MessageEntry *e)
{
        int r;

        HASH_ADD(hh, s->messages, m.message.metadata.message_id, sizeof(ObjectId), e);
        if (!e->hh.tbl) {
                message_entry_free(e);
                return -ENOMEM;
        }
        r = join_queue(s, e);
        if (r < 0) {
                HASH_DEL(s->messages, e);
                message_entry_free(e);
                return r;
        }
        DL_APPEND2(e->run->messages, e, run_prev, run_next);
        join_partner(s, e);
        e->m.complete = e->m.confirmed || root_is_whole(s, e->run, &e->m.message.metadata.message_id);
        return 0;
}

static void unlink_entry(Store *s, MessageEntry *e)
{
        Queue *q = e->queue;

        queue_set_state(s, e, MESSAGE_PARKED);
        q->n_parked--;
        queue_trim(is_reply(e) ? &s->sources : &s->queues, q);
        DL_DELETE2(e->run->messages, e, run_prev, run_next);
        HASH_DEL(s->messages, e);
        if (e->partner) {
                e->partner->partner = NULL;
                if (!is_reply(e->partner))
                        e->partner->m.reply = OBJECT_ID_NONE;
        }
}

void message_drop(Store *s, MessageEntry *e)
{
        if (!is_reply(e) && e->partner)
                message_drop(s, e->partner);
        unlink_entry(s, e);
        store_write(s, DB_MESSAGE_DELETE, DB_I(e->seq));
        object_drop_root(s, e->run, &e->m.message.metadata.message_id);
        message_entry_free(e);
}

void run_drop_messages(Store *s, RunEntry *r)
{
        while (r->messages)
                message_drop(s, r->messages);
}

void messages_drop_expired(Store *s, usec_t now)
{
        MessageEntry *e = s->messages;

        while (e) {
                MessageEntry *next = e->hh.next;

                if (message_has_expired(e, now)) {
                        /* Its reply goes, too, and may be the next one. */
                        if (next && next == e->partner)
                                next = next->hh.next;
                        message_drop(s, e);
                }
                e = next;
        }
}

void messages_free(Store *s)
{
        MessageEntry *e, *next;
        Queue *q, *next_queue;

        HASH_ITER (hh, s->messages, e, next) {
                HASH_DEL(s->messages, e);
                message_entry_free(e);
        }
        HASH_ITER (hh, s->queues, q, next_queue) {
                HASH_DEL(s->queues, q);
                free(q);
        }
        HASH_ITER (hh, s->sources, q, next_queue) {
                HASH_DEL(s->sources, q);
                free(q);
        }
}

/* ---- becoming complete ---- */

static void tell_complete(Store *s, MessageEntry *e)
{
        if (!is_reply(e))
                message_make_ready(s, e);
        else if (s->events.reply_ready)
                s->events.reply_ready(
                        e->run->run.run_id, &e->m.message.metadata.reply_to, s->events.userdata);
}

void message_became_whole(Store *s, RunEntry *r, const ObjectId *id)
{
        MessageEntry *e = message_find(s, id);

        if (!e || e->run != r || e->m.complete)
                return;
        e->m.complete = true;
        tell_complete(s, e);
}

/* ---- storing ---- */

static void message_write(Store *s, const MessageEntry *e)
{
        const Message *m = &e->m.message;
        const Metadata *d = &m->metadata;

        store_write(s, DB_MESSAGE_PUT, DB_I(e->seq), DB_H(d->message_id), DB_I(d->run_id),
                DB_I(d->src_node_id), DB_I(d->dst_node_id), DB_H(d->reply_to), DB_T(d->group_id),
                DB_D(d->ttl), DB_T(d->message_type), DB_D(d->created_at), DB_I(m->has_content),
                DB_I(m->has_error), DB_I(m->error_code), DB_T(m->error_reason), DB_I(e->m.delivered_at),
                DB_I(e->m.confirmed));
}

void message_write_state(Store *s, const MessageEntry *e)
{
        store_write(s, DB_MESSAGE_STATE, DB_I(e->m.delivered_at), DB_I(e->m.confirmed), DB_I(e->seq));
}

static int message_add(Store *s, RunEntry *run, const Message *m, StoreDone done, void *userdata)
{
        _cleanup_(message_entry_freep) MessageEntry *e = NULL;
        _cleanup_(waiting_freep) Waiting *w = NULL;
        MessageEntry *added;
        int r;

        e = new0(MessageEntry, 1);
        if (!e)
                return -ENOMEM;
        r = message_copy(m, &e->m.message);
        if (r < 0)
                return r;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        e->run = run;
        e->seq = s->next_seq;
        added = e;
        r = message_insert(s, TAKE_PTR(e));
        if (r < 0)
                return r;
        s->next_seq++;
        message_write(s, added);
        store_wait(s, TAKE_PTR(w));
        if (added->m.complete)
                tell_complete(s, added);
        return 0;
}

/* The same message again only has to be durable. */
static int again(Store *s, StoreDone done, void *userdata)
{
        Waiting *w;
        int r;

        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        store_wait(s, w);
        return 0;
}

int store_message_put(Store *s, const Message *m, StoreDone done, void *userdata)
{
        const Metadata *d = &m->metadata;
        MessageEntry *known = message_find(s, &d->message_id);
        RunEntry *run = run_find(s, d->run_id);
        int r;

        if (!run)
                return -ENOENT;
        if (known)
                return known->run == run && !is_reply(known) ? again(s, done, userdata) : -EEXIST;
        if (!object_id_is_none(&d->reply_to))
                return -EINVAL;
        if (run->run.status == RUN_FINISHED)
                return -EPERM;
        if (!root_is_held(s, run, &d->message_id))
                return -ENODATA;
        r = store_check_space(s);
        if (r < 0)
                return r;
        return message_add(s, run, m, done, userdata);
}

static bool mirrors(const Metadata *reply, const Metadata *instruction)
{
        return reply->src_node_id == instruction->dst_node_id &&
               reply->dst_node_id == instruction->src_node_id && reply->run_id == instruction->run_id &&
               reply->ttl <= ends_at(instruction) - reply->created_at + MESSAGE_TTL_TOLERANCE;
}

int store_reply_put(Store *s, const Message *reply, StoreDone done, void *userdata)
{
        const Metadata *d = &reply->metadata;
        MessageEntry *instruction = message_find(s, &d->reply_to);
        int r;

        if (!instruction || is_reply(instruction) || message_has_expired(instruction, now_realtime()))
                return -ENOENT;
        if (!mirrors(d, &instruction->m.message.metadata))
                return -EINVAL;
        if (instruction->partner)
                return object_id_equal(&instruction->m.reply, &d->message_id) ? again(s, done, userdata)
                                                                              : -EEXIST;
        if (message_find(s, &d->message_id))
                return -EEXIST;
        if (!root_is_held(s, instruction->run, &d->message_id))
                return -ENODATA;
        r = store_check_space(s);
        if (r < 0)
                return r;
        r = message_add(s, instruction->run, reply, done, userdata);
        /* Who answers has it, even when the mark of its delivery was lost with a crash. */
        if (r >= 0 && instruction->state == MESSAGE_READY)
                queue_mark_given(s, instruction, now_realtime());
        return r;
}

int store_message_confirm(Store *s, const ObjectId *id, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        MessageEntry *e = message_find(s, id);
        int r;

        if (!e)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        if (!e->m.confirmed) {
                e->m.confirmed = true;
                queue_set_state(s, e, MESSAGE_PARKED);
                message_write_state(s, e);
                object_drop_root(s, e->run, id);
        }
        store_wait(s, TAKE_PTR(w));
        return 0;
}

int store_message_delete(Store *s, const ObjectId *id, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        MessageEntry *e = message_find(s, id);
        int r;

        if (!e)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        message_drop(s, e);
        store_wait(s, TAKE_PTR(w));
        return 0;
}
