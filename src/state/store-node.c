#include "state/store-private.h"

#include <math.h>

#include "base/text.h"
#include "model/key.h"

static NodeEntry *node_entry_free(NodeEntry *n)
{
        if (!n)
                return NULL;
        free(n->node.public_key);
        free(n->node.owner_aid);
        free(n->node.owner_name);
        return mfree(n);
}
DEFINE_CLEANUP(NodeEntry *, node_entry_free);

static const char *const status_names[_NODE_STATUS_MAX] = {
        [NODE_REGISTERED] = "registered",
        [NODE_ONLINE] = "online",
        [NODE_OFFLINE] = "offline",
        [NODE_UNREGISTERED] = "unregistered",
};

const char *node_status_to_string(NodeStatus status)
{
        return status >= 0 && status < _NODE_STATUS_MAX ? status_names[status] : NULL;
}

static NodeEntry *node_find(Store *s, uint64_t node_id)
{
        NodeEntry *n;

        HASH_FIND(by_id, s->nodes, &node_id, sizeof(node_id), n);
        return n;
}

static NodeEntry *node_find_key(Store *s, const ObjectId *fingerprint)
{
        NodeEntry *n;

        HASH_FIND(by_key, s->nodes_by_key, fingerprint, sizeof(*fingerprint), n);
        return n;
}

const StoreNode *store_node(Store *s, uint64_t node_id)
{
        NodeEntry *n = node_find(s, node_id);

        return n ? &n->node : NULL;
}

const StoreNode *store_node_by_key(Store *s, const ObjectId *fingerprint)
{
        NodeEntry *n = node_find_key(s, fingerprint);

        return n && n->node.status != NODE_UNREGISTERED ? &n->node : NULL;
}

const StoreNode *store_node_next(Store *s, size_t *pos)
{
        NodeEntry *n = seq_list_next(&s->node_list, pos);

        return n ? &n->node : NULL;
}

static void mark_clean(Store *s, NodeEntry *n)
{
        if (!n->dirty)
                return;
        n->dirty = false;
        DL_DELETE(s->dirty_nodes, n);
}

static void mark_dirty(Store *s, NodeEntry *n)
{
        if (n->dirty || !store_is_durable(s))
                return;
        n->dirty = true;
        DL_APPEND(s->dirty_nodes, n);
        store_lazy(s);
}

void node_write(Store *s, NodeEntry *n)
{
        const StoreNode *d = &n->node;

        mark_clean(s, n);
        store_write(s, DB_NODE_PUT, DB_I(d->node_id), DB_I(n->seq), DB_T(d->public_key),
                DB_H(d->fingerprint), DB_I(d->status), DB_T(d->owner_aid), DB_T(d->owner_name),
                DB_I(d->registered_at), DB_I(d->last_activated_at), DB_I(d->last_deactivated_at),
                DB_I(d->unregistered_at), DB_I(d->online_until), DB_D(d->heartbeat_interval),
                DB_I(d->self_registered));
}

static void node_remove(Store *s, NodeEntry *n)
{
        mark_clean(s, n);
        if (n->by_id.tbl)
                HASH_DELETE(by_id, s->nodes, n);
        if (n->by_key.tbl)
                HASH_DELETE(by_key, s->nodes_by_key, n);
        seq_list_remove(&s->node_list, n->seq);
        node_entry_free(n);
}

int node_insert(Store *s, NodeEntry *n)
{
        int r;

        HASH_ADD(by_id, s->nodes, node.node_id, sizeof(n->node.node_id), n);
        if (n->by_id.tbl)
                HASH_ADD(by_key, s->nodes_by_key, node.fingerprint, sizeof(n->node.fingerprint), n);
        r = n->by_key.tbl ? seq_list_append(&s->node_list, n->seq, n) : -ENOMEM;
        if (r < 0)
                node_remove(s, n);
        return r;
}

void nodes_free(Store *s)
{
        NodeEntry *n, *next;

        HASH_CLEAR(by_key, s->nodes_by_key);
        HASH_ITER (by_id, s->nodes, n, next) {
                HASH_DELETE(by_id, s->nodes, n);
                node_entry_free(n);
        }
        seq_list_done(&s->node_list);
}

static void tell_changed(Store *s, uint64_t node_id)
{
        if (s->events.node_changed)
                s->events.node_changed(node_id, s->events.userdata);
}

static uint64_t new_node_id(Store *s)
{
        uint64_t id;

        do
                id = random_u64();
        while (id == 0 || id == SUPERLINK_NODE_ID || node_find(s, id));
        return id;
}

int store_node_register(Store *s, const char *public_key, const char *owner_aid, const char *owner_name,
        bool self_registered, StoreDone done, void *userdata, uint64_t *ret_node_id)
{
        _cleanup_(node_entry_freep) NodeEntry *n = NULL;
        _cleanup_(waiting_freep) Waiting *w = NULL;
        uint64_t node_id;
        int r;

        n = new0(NodeEntry, 1);
        if (!n)
                return -ENOMEM;
        key_pem_fingerprint(public_key, &n->node.fingerprint);
        if (node_find_key(s, &n->node.fingerprint))
                return -EEXIST;
        n->node.node_id = node_id = new_node_id(s);
        n->node.registered_at = now_realtime();
        n->node.self_registered = self_registered;
        if (free_and_strdup(&n->node.public_key, public_key) < 0 ||
                free_and_strdup(&n->node.owner_aid, strempty(owner_aid)) < 0 ||
                free_and_strdup(&n->node.owner_name, strempty(owner_name)) < 0)
                return -ENOMEM;
        n->seq = s->next_seq;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        r = node_insert(s, TAKE_PTR(n));
        if (r < 0)
                return r;
        s->next_seq++;
        node_write(s, node_find(s, node_id));
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, node_id);
        *ret_node_id = node_id;
        return 0;
}

static usec_t patience(double interval)
{
        return seconds_to_usec(interval * NODE_HEARTBEAT_PATIENCE);
}

static usec_t add_time(usec_t a, usec_t b)
{
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static void set_online(NodeEntry *n, usec_t now, double interval)
{
        n->node.heartbeat_interval = interval;
        n->node.online_until = add_time(now, patience(interval));
        if (n->node.status == NODE_ONLINE)
                return;
        n->node.status = NODE_ONLINE;
        n->node.last_activated_at = now;
}

static void set_offline(NodeEntry *n, NodeStatus status, usec_t now)
{
        if (n->node.status == NODE_ONLINE)
                n->node.last_deactivated_at = now;
        if (status == NODE_UNREGISTERED)
                n->node.unregistered_at = now;
        n->node.online_until = MIN(n->node.online_until, now);
        n->node.status = status;
}

int store_node_activate(Store *s, uint64_t node_id, double interval, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        NodeEntry *n = node_find(s, node_id);
        usec_t now = now_realtime();
        int r;

        if (!n)
                return -ENOENT;
        if (n->node.status == NODE_UNREGISTERED)
                return -EPERM;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        set_online(n, now, interval);
        n->node.last_activated_at = now;
        node_write(s, n);
        if (s->queue_kind == STORE_QUEUE_BY_DESTINATION)
                queue_release(s, node_id);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, node_id);
        return 0;
}

static int leave(Store *s, uint64_t node_id, NodeStatus status, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        NodeEntry *n = node_find(s, node_id);
        int r;

        if (!n)
                return -ENOENT;
        if (n->node.status == NODE_UNREGISTERED || (status == NODE_OFFLINE && n->node.status != NODE_ONLINE))
                return -EPERM;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        set_offline(n, status, now_realtime());
        node_write(s, n);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, node_id);
        return 0;
}

int store_node_deactivate(Store *s, uint64_t node_id, StoreDone done, void *userdata)
{
        return leave(s, node_id, NODE_OFFLINE, done, userdata);
}

int store_node_unregister(Store *s, uint64_t node_id, StoreDone done, void *userdata)
{
        return leave(s, node_id, NODE_UNREGISTERED, done, userdata);
}

int store_node_heartbeat(Store *s, uint64_t node_id, double interval)
{
        NodeEntry *n = node_find(s, node_id);
        bool was_online, news;

        if (!n)
                return -ENOENT;
        if (n->node.status == NODE_UNREGISTERED)
                return -EPERM;
        was_online = n->node.status == NODE_ONLINE;
        news = !was_online || n->node.heartbeat_interval != interval;
        set_online(n, now_realtime(), interval);
        /* online_until starts anew with every start, so the common heartbeat need not reach the disk. */
        if (news)
                mark_dirty(s, n);
        if (!was_online)
                tell_changed(s, node_id);
        return 0;
}

int store_node_forget(Store *s, uint64_t node_id, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        NodeEntry *n = node_find(s, node_id);
        int r;

        if (!n)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        node_remove(s, n);
        store_write(s, DB_NODE_DELETE, DB_I(node_id));
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, node_id);
        return 0;
}

unsigned store_nodes_sweep(Store *s, usec_t now, usec_t *ret_next)
{
        usec_t next = 0;
        unsigned n_swept = 0;

        for (size_t i = 0; i < s->node_list.n; i++) {
                NodeEntry *n = s->node_list.items[i].entry;

                if (n->node.status != NODE_ONLINE)
                        continue;
                if (n->node.online_until > now) {
                        next = next == 0 ? n->node.online_until : MIN(next, n->node.online_until);
                        continue;
                }
                set_offline(n, NODE_OFFLINE, n->node.online_until);
                node_write(s, n);
                n_swept++;
                tell_changed(s, n->node.node_id);
        }
        *ret_next = next;
        return n_swept;
}
