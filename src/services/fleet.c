#include "services/fleet.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/node-auth.h"

static void principal_free(void *principal)
{
        FleetPrincipal *p = principal;

        free(p->pem);
        free(p);
}

static int set_principal(Call *c, const AuthHeaders *h, const ObjectId *fingerprint)
{
        FleetPrincipal *p = new0(FleetPrincipal, 1);

        if (!p)
                return -ENOMEM;
        p->fingerprint = *fingerprint;
        p->pem = strndup(h->pem, h->pem_size);
        if (!p->pem) {
                free(p);
                return -ENOMEM;
        }
        call_set_principal(c, p, principal_free);
        return 0;
}

static int authenticate(Call *c, RpcErrorId *ret_error)
{
        AuthHeaders h = {};
        ObjectId fingerprint;
        int r;

        h.pem = call_metadata(c, AUTH_HEADER_KEY, &h.pem_size);
        h.timestamp = call_metadata(c, AUTH_HEADER_TIMESTAMP, &h.timestamp_size);
        h.signature = call_metadata(c, AUTH_HEADER_SIGNATURE, &h.signature_size);
        r = auth_verify(call_worker_data(c), &h, now_realtime(), &fingerprint, ret_error);
        if (r < 0)
                return r;
        return set_principal(c, &h, &fingerprint);
}

int fleet_prepare(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        int r = authenticate(c, ret_error);

        return r < 0 ? r : service_prepare(c, message, ret_request, ret_error, ret_detail);
}

int fleet_prepare_object(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        int r = authenticate(c, ret_error);

        return r < 0 ? r : service_prepare_object(c, message, ret_request, ret_error, ret_detail);
}

static void tell_unknown(Call *c)
{
        const FleetPrincipal *p = call_principal(c);
        Link *l = call_link(c);

        if (l->node_unknown)
                l->node_unknown(&p->fingerprint, call_peer(c), l->userdata);
}

/* A key that may talk to this hub; false: the call has been failed. */
static bool check_allowed(Call *c)
{
        const FleetPrincipal *p = call_principal(c);

        if (link_key_is_allowed(call_link(c), &p->fingerprint))
                return true;
        tell_unknown(c);
        call_fail(c, RPCERR_AUTH_KEY_UNKNOWN, NULL);
        return false;
}

const StoreNode *fleet_caller(Call *c, uint64_t node_id)
{
        const FleetPrincipal *p = call_principal(c);
        const StoreNode *n;

        if (!check_allowed(c))
                return NULL;
        n = store_node_by_key(call_link(c)->store, &p->fingerprint);
        if (n && n->node_id == node_id)
                return n;
        call_fail(c, RPCERR_AUTH_NODE_ID, NULL);
        return NULL;
}

static void reply_node_id(Call *c, RpcKind kind, uint64_t node_id)
{
        NodeReply *reply = rpc_new(kind);

        if (reply)
                reply->node_id = node_id;
        service_reply_durable(c, call_link(c)->store, kind, reply);
}

static int find_or_register(Link *l, const FleetPrincipal *p, uint64_t *ret)
{
        const StoreNode *n = store_node_by_key(l->store, &p->fingerprint);

        if (n) {
                *ret = n->node_id;
                return 0;
        }
        return store_node_register(l->store, p->pem, OWNER_AID, OWNER_NAME, true, NULL, NULL, ret);
}

static void create_node(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);
        uint64_t id;
        int r;

        if (!check_allowed(c))
                goto finish;
        r = find_or_register(l, call_principal(c), &id);
        if (r >= 0)
                r = store_node_activate(l->store, id,
                        CLAMP(m->heartbeat_interval, HEARTBEAT_INTERVAL_MIN, HEARTBEAT_INTERVAL_MAX), NULL,
                        NULL);
        if (r == -EEXIST)
                call_fail(c, RPCERR_AUTH_KEY_IN_USE, NULL);
        else if (r < 0)
                service_fail_errno(c, r, "The node could not be registered");
        else {
                link_arm_sweep(l);
                reply_node_id(c, RPC_CREATE_NODE_RESPONSE, id);
        }
finish:
        service_request_free(req);
}

static void delete_node(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);
        const StoreNode *n = fleet_caller(c, m->node_id);

        if (n) {
                if (n->self_registered)
                        (void) store_node_forget(l->store, m->node_id, NULL, NULL);
                else
                        (void) store_node_deactivate(l->store, m->node_id, NULL, NULL);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
        }
        service_request_free(req);
}

/* The key in the body must be the key that signed. */
static bool check_body_key(Call *c, const NodeRequest *m)
{
        const FleetPrincipal *p = call_principal(c);

        if (streq_ptr(m->public_key, p->pem))
                return true;
        call_fail(c, RPCERR_AUTH_NODE_ID, NULL);
        return false;
}

static void register_node(Call *c, void *request)
{
        Request *req = request;
        const FleetPrincipal *p = call_principal(c);
        Link *l = call_link(c);
        const StoreNode *known;
        uint64_t id;
        int r;

        if (l->registration_closed)
                call_fail(c, RPCERR_NODE_REGISTER_BY_CLI, NULL);
        else if (check_allowed(c) && check_body_key(c, req->message)) {
                r = store_node_register(l->store, p->pem, OWNER_AID, OWNER_NAME, true, NULL, NULL, &id);
                /* Its answer was lost: the same one again. */
                known = r == -EEXIST ? store_node_by_key(l->store, &p->fingerprint) : NULL;
                if (known && known->status == NODE_REGISTERED)
                        reply_node_id(c, RPC_REGISTER_NODE_FLEET_RESPONSE, known->node_id);
                else if (r == -EEXIST)
                        call_fail(c, RPCERR_NODE_KEY_IN_USE, NULL);
                else if (r < 0)
                        service_fail_errno(c, r, "The node could not be registered");
                else
                        reply_node_id(c, RPC_REGISTER_NODE_FLEET_RESPONSE, id);
        }
        service_request_free(req);
}

static bool interval_is_valid(double interval)
{
        return interval >= HEARTBEAT_INTERVAL_MIN && interval <= HEARTBEAT_INTERVAL_MAX;
}

static void activate_node(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        const FleetPrincipal *p = call_principal(c);
        Link *l = call_link(c);
        uint64_t id;
        int r = -ENOENT;

        if (!check_allowed(c) || !check_body_key(c, m))
                goto finish;
        /* A listed key counts as registered, and so does every key where nothing restricts them. */
        if (link_key_is_listed(l, &p->fingerprint) || !l->registration_closed)
                r = find_or_register(l, p, &id);
        else if (store_node_by_key(l->store, &p->fingerprint)) {
                id = store_node_by_key(l->store, &p->fingerprint)->node_id;
                r = 0;
        }
        if (r == -ENOENT || r == -EEXIST) {
                tell_unknown(c);
                call_fail(c, RPCERR_NODE_NO_SUCH_KEY, NULL);
        } else if (r < 0)
                service_fail_errno(c, r, "The node could not be registered");
        else if (!interval_is_valid(m->heartbeat_interval))
                call_fail(c, RPCERR_NODE_HEARTBEAT_INTERVAL, NULL);
        else {
                (void) store_node_activate(l->store, id, m->heartbeat_interval, NULL, NULL);
                link_arm_sweep(l);
                reply_node_id(c, RPC_ACTIVATE_NODE_RESPONSE, id);
        }
finish:
        service_request_free(req);
}

static void deactivate_node(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);
        const StoreNode *n = fleet_caller(c, m->node_id);
        char id[24];

        if (n && n->status != NODE_ONLINE) {
                snprintf(id, sizeof(id), "%" PRIu64, m->node_id);
                call_fail(c, RPCERR_NODE_NOT_DEACTIVATED, id);
        } else if (n) {
                (void) store_node_deactivate(l->store, m->node_id, NULL, NULL);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
        }
        service_request_free(req);
}

static void unregister_node(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);

        if (l->registration_closed)
                call_fail(c, RPCERR_NODE_UNREGISTER_BY_CLI, NULL);
        else if (fleet_caller(c, m->node_id)) {
                /* The key of a node that registered itself may come back. */
                if (store_node(l->store, m->node_id)->self_registered)
                        (void) store_node_forget(l->store, m->node_id, NULL, NULL);
                else
                        (void) store_node_unregister(l->store, m->node_id, NULL, NULL);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
        }
        service_request_free(req);
}

static void send_node_heartbeat(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);
        BoolReply *reply;

        if (!fleet_caller(c, m->node_id))
                goto finish;
        if (!interval_is_valid(m->heartbeat_interval)) {
                call_fail(c, RPCERR_NODE_HEARTBEAT_INTERVAL, NULL);
                goto finish;
        }
        reply = rpc_new(RPC_SEND_NODE_HEARTBEAT_RESPONSE);
        if (reply)
                reply->success = store_node_heartbeat(l->store, m->node_id, m->heartbeat_interval) >= 0;
        service_reply(c, RPC_SEND_NODE_HEARTBEAT_RESPONSE, reply);
finish:
        service_request_free(req);
}

int fleet_table(Method **ret)
{
        static const ServiceRow rows[] = {
                {RPC_FLEET_CREATE_NODE, fleet_prepare, create_node},
                {RPC_FLEET_DELETE_NODE, fleet_prepare, delete_node},
                {RPC_FLEET_REGISTER_NODE, fleet_prepare, register_node},
                {RPC_FLEET_ACTIVATE_NODE, fleet_prepare, activate_node},
                {RPC_FLEET_DEACTIVATE_NODE, fleet_prepare, deactivate_node},
                {RPC_FLEET_UNREGISTER_NODE, fleet_prepare, unregister_node},
                {RPC_FLEET_SEND_NODE_HEARTBEAT, fleet_prepare, send_node_heartbeat},
                {RPC_FLEET_PULL_MESSAGES, fleet_prepare, fleet_pull_messages},
                {RPC_FLEET_PUSH_MESSAGES, fleet_prepare, fleet_push_messages},
                {RPC_FLEET_GET_RUN, fleet_prepare, fleet_get_run},
                {RPC_FLEET_GET_FAB, fleet_prepare, fleet_get_fab},
                {RPC_FLEET_PUSH_OBJECT, fleet_prepare_object, fleet_push_object},
                {RPC_FLEET_PULL_OBJECT, fleet_prepare, fleet_pull_object},
                {RPC_FLEET_CONFIRM_MESSAGE_RECEIVED, fleet_prepare, fleet_confirm_message_received},
        };

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}
