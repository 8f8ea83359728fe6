#include "services/link.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model/node-auth.h"
#include "services/link-private.h"

/* Nodes and tokens are looked at when the first of them runs out, but at least this often (their clocks are
 * moved lazily). */
#define SWEEP_AT_LEAST (30 * USEC_PER_SEC)
/* While messages wait for a node that has left. */
#define LEAVERS_LOOK USEC_PER_SEC

struct AllowedKey {
        ObjectId fingerprint;
        UT_hash_handle hh;
};

bool link_key_is_listed(const Link *l, const ObjectId *fingerprint)
{
        AllowedKey *k;

        HASH_FIND(hh, l->allowed, fingerprint, sizeof(*fingerprint), k);
        return k;
}

bool link_key_is_allowed(const Link *l, const ObjectId *fingerprint)
{
        const StoreNode *n;

        if ((!l->has_allow_list && !l->registration_closed) || link_key_is_listed(l, fingerprint))
                return true;
        n = store_node_by_key(l->store, fingerprint);
        return n && !n->self_registered;
}

static void allowed_clear(Link *l)
{
        AllowedKey *k, *tmp;

        HASH_ITER (hh, l->allowed, k, tmp) {
                HASH_DEL(l->allowed, k);
                free(k);
        }
        l->has_allow_list = false;
}

static int allow_keys(Link *l, const KeyList *keys)
{
        l->has_allow_list = true;
        for (size_t i = 0; i < keys->n; i++) {
                ObjectId fingerprint;
                AllowedKey *k;

                key_pem_fingerprint(keys->pems[i], &fingerprint);
                HASH_FIND(hh, l->allowed, &fingerprint, sizeof(fingerprint), k);
                if (k)
                        continue;
                k = new0(AllowedKey, 1);
                if (!k)
                        return -ENOMEM;
                k->fingerprint = fingerprint;
                HASH_ADD(hh, l->allowed, fingerprint, sizeof(k->fingerprint), k);
                if (!k->hh.tbl) {
                        free(k);
                        return -ENOMEM;
                }
        }
        return 0;
}

/* ---- events of the store: remembered here, acted on when the loop turns, since the store must not be
 * changed from inside ---- */

static Link *event_link(void *userdata)
{
        return *(Link **) userdata;
}

static void mark(Link *l, IdSet **set, uint64_t id)
{
        if (!l)
                return;
        if (set)
                (void) id_set_add(set, id);
        (void) sd_event_source_set_enabled(l->wake, SD_EVENT_ONESHOT);
}

static void on_message_ready(uint64_t queue, void *userdata)
{
        Link *l = event_link(userdata);

        if (l)
                mark(l, &l->woken_nodes, queue);
}

static void on_reply_ready(uint64_t run_id, const ObjectId *instruction, void *userdata)
{
        Link *l = event_link(userdata);

        if (l)
                mark(l, &l->woken_runs, run_id);
}

static void on_object_available(const ObjectId *id, void *userdata)
{
        Link *l = event_link(userdata);

        if (l && held_count(l->object_pulls) > 0)
                mark(l, &l->woken_objects, objects_key(id));
}

static void on_run_changed(uint64_t run_id, void *userdata)
{
        Link *l = event_link(userdata);

        if (!l)
                return;
        l->wake_launchers = true;
        (void) id_set_add(&l->changed_runs, run_id);
        mark(l, &l->woken_runs, run_id);
        mark(l, &l->woken_logs, run_id);
}

static void on_log_added(uint64_t run_id, void *userdata)
{
        Link *l = event_link(userdata);

        if (l)
                mark(l, &l->woken_logs, run_id);
}

static void on_node_changed(uint64_t node_id, void *userdata)
{
        Link *l = event_link(userdata);

        if (l)
                mark(l, &l->changed_nodes, node_id);
}

const StoreEvents LINK_STORE_EVENTS = {
        .message_ready = on_message_ready,
        .reply_ready = on_reply_ready,
        .object_available = on_object_available,
        .run_changed = on_run_changed,
        .log_added = on_log_added,
        .node_changed = on_node_changed,
};

static void tell_run(Link *l, uint64_t run_id)
{
        const Run *run = store_run(l->store, run_id);

        if (!run || run->status == RUN_FINISHED)
                doors_close(l->launches.doors, run_id);
        if (run && l->run_changed)
                l->run_changed(run, l->userdata);
}

/* Pulls of ServerApps learn that a node has gone. */
static void wake_app_pulls(Link *l)
{
        for (HeldCall *h = held_any(l->app_pulls); h; h = held_next(h))
                mark(l, &l->woken_runs, h->key);
}

static void tell_node(Link *l, uint64_t node_id)
{
        const StoreNode *node = store_node(l->store, node_id);

        if (node && node->status == NODE_OFFLINE) {
                l->leavers_until = MAX(l->leavers_until, node->online_until + LINK_RETURN_PATIENCE);
                link_arm_sweep(l);
        } else
                wake_app_pulls(l);
        if (node && l->node_changed)
                l->node_changed(node, l->userdata);
}

static int on_wake(sd_event_source *s, void *userdata)
{
        Link *l = userdata;
        uint64_t id;

        while (id_set_pop(&l->changed_runs, &id))
                tell_run(l, id);
        while (id_set_pop(&l->changed_nodes, &id))
                tell_node(l, id);
        while (id_set_pop(&l->woken_objects, &id))
                objects_wake(l, id);
        while (id_set_pop(&l->woken_nodes, &id))
                fleet_wake_node(l, id);
        while (id_set_pop(&l->woken_runs, &id))
                serverappio_wake_run(l, id);
        while (id_set_pop(&l->woken_logs, &id))
                control_wake_logs(l, id);
        if (l->wake_launchers) {
                l->wake_launchers = false;
                launches_wake(&l->launches);
        }
        return 0;
}

/* ---- what runs out by itself ---- */

void link_finish_run(Link *l, uint64_t run_id, RunSubStatus sub, const char *details)
{
        (void) store_run_transition(l->store, run_id, RUN_FINISHED, sub, details, NULL, NULL);
}

void link_touch_token(Link *l, uint64_t run_id)
{
        if (store_token_of_run(l->store, run_id))
                (void) store_token_extend(l->store, run_id, now_realtime() + LINK_TOKEN_PATIENCE);
}

static int on_sweep(sd_event_source *s, uint64_t usec, void *userdata)
{
        Link *l = userdata;
        usec_t now = now_realtime(), next_node, next_token = USEC_INFINITY, wait;
        _cleanup_free_ uint64_t *expired = NULL;
        size_t n = 0;

        (void) store_nodes_sweep(l->store, now, &next_node);
        if (store_tokens_expired(l->store, now, &expired, &n, &next_token) >= 0)
                for (size_t i = 0; i < n; i++)
                        link_finish_run(l, expired[i], RUN_FAILED, RUN_DETAILS_NO_HEARTBEAT);
        wait = SWEEP_AT_LEAST;
        if (l->leavers_until > 0) {
                wait = MIN(wait, LEAVERS_LOOK);
                wake_app_pulls(l);
                if (l->leavers_until < now)
                        l->leavers_until = 0;
        }
        if (next_node > now)
                wait = MIN(wait, next_node - now);
        if (next_token != USEC_INFINITY && next_token > now)
                wait = MIN(wait, next_token - now);
        (void) sd_event_source_set_time(l->sweep, now_monotonic() + MAX(wait, USEC_PER_SEC / 10));
        (void) sd_event_source_set_enabled(l->sweep, SD_EVENT_ONESHOT);
        return 0;
}

void link_arm_sweep(Link *l)
{
        (void) sd_event_source_set_time(l->sweep, 0);
        (void) sd_event_source_set_enabled(l->sweep, SD_EVENT_ONESHOT);
}

/* ---- life ---- */

static int make_tables(Link *l)
{
        int r;

        if ((r = fleet_table(&l->fleet)) < 0 || (r = serverappio_table(&l->serverappio)) < 0 ||
                (r = control_table(&l->control)) < 0 || (r = health_table(&l->health)) < 0 ||
                (r = enrol_table(&l->enrolment)) < 0)
                return r;
        l->fleet_services[0] = l->fleet;
        l->fleet_services[1] = l->health;
        l->fleet_services[2] = l->enrolment;
        l->serverappio_services[0] = l->serverappio;
        l->serverappio_services[1] = l->health;
        l->control_services[0] = l->control;
        l->control_services[1] = l->health;
        return 0;
}

static int make_lists(Link *l)
{
        int r;

        if ((r = held_list_new(l->event, LINK_HOLD_LIMIT, fleet_pull_expired, l, &l->node_pulls)) < 0 ||
                (r = held_list_new(
                         l->event, LINK_HOLD_APP_LIMIT, serverappio_pull_expired, l, &l->app_pulls)) < 0 ||
                (r = held_list_new(l->event, LINK_HOLD_LIMIT, objects_pull_expired, l, &l->object_pulls)) <
                        0 ||
                (r = launches_init(&l->launches, l->event, LINK_HOLD_LIMIT)) < 0 ||
                (r = held_list_new(l->event, USEC_INFINITY / 4, control_logs_expired, l, &l->log_streams)) <
                        0)
                return r;
        return 0;
}

int link_new(const LinkConfig *config, Link **ret)
{
        _cleanup_(link_freep) Link *l = new0(Link, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->event = sd_event_ref(config->event);
        l->store = config->store;
        l->registration_closed = config->registration_closed;
        l->launches = (Launches){
                .store = l->store,
                .serverapps = true,
                .python_apps = config->python_apps,
                .wanted = serverappio_runs_to_launch,
        };
        l->run_changed = config->run_changed;
        l->node_changed = config->node_changed;
        l->node_unknown = config->node_unknown;
        l->userdata = config->userdata;
        if (config->allowed) {
                r = allow_keys(l, config->allowed);
                if (r < 0)
                        return r;
        }
        if (config->enrol) {
                r = enrol_new(config->enrol, &l->enrol);
                if (r < 0)
                        return r;
        }
        r = make_tables(l);
        if (r < 0)
                return r;
        r = make_lists(l);
        if (r < 0)
                return r;
        r = sd_event_add_defer(l->event, &l->wake, on_wake, l);
        if (r < 0)
                return r;
        r = sd_event_add_time(l->event, &l->slow_readers, CLOCK_MONOTONIC, 0, 0, control_slow_readers, l);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(l->slow_readers, SD_EVENT_OFF);
        r = sd_event_add_time(l->event, &l->sweep, CLOCK_MONOTONIC, 0, 0, on_sweep, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

void link_set_doors(Link *l, Doors *doors)
{
        launches_set_doors(&l->launches, doors);
}

int link_set_allowed(Link *l, const KeyList *allowed)
{
        HeldCall *h, *next;
        int r;

        allowed_clear(l);
        r = allowed ? allow_keys(l, allowed) : 0;
        for (h = held_any(l->node_pulls); h; h = next) {
                const FleetPrincipal *p = call_principal(h->call);

                next = held_next(h);
                if (!link_key_is_allowed(l, &p->fingerprint))
                        call_fail(held_take(h), RPCERR_AUTH_KEY_UNKNOWN, NULL);
        }
        return r;
}

void link_drain(Link *l)
{
        held_list_close(l->node_pulls);
        held_list_close(l->app_pulls);
        held_list_close(l->object_pulls);
        held_list_close(l->launches.waiting);
        held_list_close(l->log_streams);
}

Link *link_free(Link *l)
{
        if (!l)
                return NULL;
        held_list_free(l->node_pulls);
        held_list_free(l->app_pulls);
        held_list_free(l->object_pulls);
        launches_done(&l->launches);
        held_list_free(l->log_streams);
        sd_event_source_disable_unref(l->wake);
        sd_event_source_disable_unref(l->sweep);
        sd_event_source_disable_unref(l->slow_readers);
        id_set_clear(&l->slow_logs);
        id_set_clear(&l->woken_nodes);
        id_set_clear(&l->woken_runs);
        id_set_clear(&l->woken_logs);
        id_set_clear(&l->woken_objects);
        id_set_clear(&l->changed_runs);
        id_set_clear(&l->changed_nodes);
        allowed_clear(l);
        free(l->fleet);
        free(l->serverappio);
        free(l->control);
        free(l->health);
        free(l->enrolment);
        enrol_free(l->enrol);
        sd_event_unref(l->event);
        return mfree(l);
}

const Method *const *link_fleet_services(Link *l)
{
        return l->fleet_services;
}

const Method *const *link_serverappio_services(Link *l)
{
        return l->serverappio_services;
}

const Method *const *link_control_services(Link *l)
{
        return l->control_services;
}

void *link_worker_new(void)
{
        AuthCache *c;

        return auth_cache_new(&c) < 0 ? NULL : c;
}

void link_worker_free(void *worker_data)
{
        auth_cache_free(worker_data);
}

void link_status(Link *l, LinkStatus *ret)
{
        LinkStatus s = {};
        const StoreNode *n;
        const Run *r;
        size_t pos = 0;

        while ((n = store_node_next(l->store, &pos))) {
                s.nodes_known += n->status != NODE_UNREGISTERED;
                s.nodes_online += n->status == NODE_ONLINE;
        }
        pos = 0;
        while ((r = store_run_next(l->store, &pos)))
                s.runs_active += r->status != RUN_FINISHED;
        *ret = s;
}
