/* Nodes and federations as the command line sees them. */
#include "services/control.h"

/* The account of a hub without account authentication, as in releases since 1.26. */
#define OWNER_ROLE "owner"
#define FEDERATION_DESCRIPTION "All nodes and runs of this SuperLink."
/* Of a node that has never said its own, in seconds: what releases of the command line expect to see. */
#define INTERVAL_DEFAULT 30.0

/* Curve arithmetic is the worker's business. */
int control_prepare_register_node(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        _cleanup_(public_key_freep) PublicKey *key = NULL;
        const NodeRequest *m;
        void *request;
        int r;

        r = service_prepare(c, message, &request, ret_error, ret_detail);
        if (r < 0)
                return r;
        m = ((Request *) request)->message;
        r = public_key_from_pem(strempty(m->public_key), strlen(strempty(m->public_key)), &key);
        if (r < 0) {
                service_request_free(request);
                *ret_error = r == -ENOMEM ? RPCERR_BUSY : RPCERR_NODE_KEY_INVALID;
                return r;
        }
        *ret_request = request;
        return 0;
}

void control_register_node(Call *c, void *request)
{
        Request *req = request;
        const NodeRequest *m = req->message;
        Link *l = call_link(c);
        NodeReply *reply;
        uint64_t id;
        int r;

        r = store_node_register(l->store, m->public_key, OWNER_AID, OWNER_NAME, false, NULL, NULL, &id);
        if (r == -EEXIST)
                call_fail(c, RPCERR_NODE_KEY_IN_USE, NULL);
        else if (r < 0)
                service_fail_errno(c, r, "The node could not be registered");
        else {
                reply = rpc_new(RPC_REGISTER_NODE_FLEET_RESPONSE);
                if (reply)
                        reply->node_id = id;
                service_reply_durable(c, l->store, RPC_REGISTER_NODE_FLEET_RESPONSE, reply);
        }
        service_request_free(req);
}

void control_unregister_node(Call *c, void *request)
{
        Request *req = request;
        const NodeRequest *m = req->message;
        Link *l = call_link(c);
        HeldCall *h;
        int r;

        r = store_node_unregister(l->store, m->node_id, NULL, NULL);
        if (r == -ENOENT || r == -EPERM)
                call_fail(c, RPCERR_NODE_NOT_FOUND, NULL);
        else if (r < 0)
                service_fail_errno(c, r, "The node could not be unregistered");
        else {
                while ((h = held_first(l->node_pulls, m->node_id)))
                        call_fail(held_take(h), RPCERR_AUTH_NODE_ID, NULL);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
        }
        service_request_free(req);
}

/* ---- lists ---- */

/* What is in there after a failure belongs to the reply, too. */
static int append_node(NodeInfo **nodes, size_t *n, const StoreNode *node)
{
        NodeInfo *info;

        if (GROW_ARRAY(*nodes, *n) < 0)
                return -ENOMEM;
        info = &(*nodes)[*n];
        *info = (NodeInfo){
                .node_id = node->node_id,
                .owner_aid = strdup(node->owner_aid),
                .owner_name = strdup(node->owner_name),
                .status = strdup(node_status_to_string(node->status)),
                .registered_at = node->registered_at,
                .last_activated_at = node->last_activated_at,
                .last_deactivated_at = node->last_deactivated_at,
                .unregistered_at = node->unregistered_at,
                .online_until = usec_to_seconds(node->online_until),
                .heartbeat_interval =
                        node->heartbeat_interval > 0 ? node->heartbeat_interval : INTERVAL_DEFAULT,
                .public_key = strdup(node->public_key),
        };
        (*n)++;
        return info->owner_aid && info->owner_name && info->status && info->public_key ? 0 : -ENOMEM;
}

static int append_nodes(Store *store, NodeInfo **nodes, size_t *n)
{
        const StoreNode *node;
        size_t pos = 0;
        int r = 0;

        while (r >= 0 && (node = store_node_next(store, &pos)))
                r = append_node(nodes, n, node);
        return r;
}

static char *now_text(void)
{
        char now[ISO_TIME_MAX];

        return strdup(iso_time_format(now_realtime(), now));
}

/* Unregistered ones, too: the command line hides them. */
void control_list_nodes(Call *c, void *request)
{
        NodesReply *reply = rpc_new(RPC_LIST_NODES_RESPONSE);

        if (reply && (!(reply->now = now_text()) ||
                             append_nodes(call_link(c)->store, &reply->nodes, &reply->n) < 0))
                reply = rpc_free(RPC_LIST_NODES_RESPONSE, reply);
        service_reply(c, RPC_LIST_NODES_RESPONSE, reply);
        service_request_free(request);
}

/* Without description: releases with another layout look for something else at its place. */
void control_list_federations(Call *c, void *request)
{
        FederationsReply *reply = rpc_new(RPC_LIST_FEDERATIONS_RESPONSE);

        if (reply) {
                reply->federations = new0(Federation, 1);
                reply->n = reply->federations != NULL;
        }
        if (reply && (reply->n == 0 || !(reply->federations[0].name = strdup(RPC_FEDERATION_NAME))))
                reply = rpc_free(RPC_LIST_FEDERATIONS_RESPONSE, reply);
        service_reply(c, RPC_LIST_FEDERATIONS_RESPONSE, reply);
        service_request_free(request);
}

static int append_runs(Store *store, Federation *f)
{
        const Run *run;
        size_t pos = 0;

        while ((run = store_run_next(store, &pos))) {
                if (GROW_ARRAY(f->runs, f->n_runs) < 0 || !(f->runs[f->n_runs] = control_run_copy_new(run)))
                        return -ENOMEM;
                f->n_runs++;
        }
        return 0;
}

static int fill_federation(Store *store, const char *name, Federation *f)
{
        f->members = new0(FederationMember, 1);
        if (!f->members)
                return -ENOMEM;
        f->n_members = 1;
        f->name = strdup(isempty(name) ? RPC_FEDERATION_NAME : name);
        f->description = strdup(FEDERATION_DESCRIPTION);
        f->members[0] = (FederationMember){strdup(OWNER_AID), strdup(OWNER_NAME), strdup(OWNER_ROLE)};
        if (!f->name || !f->description || !f->members[0].account_id || !f->members[0].account_name ||
                !f->members[0].role || append_nodes(store, &f->nodes, &f->n_nodes) < 0)
                return -ENOMEM;
        return append_runs(store, f);
}

void control_show_federation(Call *c, void *request)
{
        Request *req = request;
        const FederationRequest *m = req->message;
        FederationReply *reply;

        if (!control_federation_is_ours(m->name)) {
                call_fail(c, RPCERR_FEDERATION_UNKNOWN, m->name);
                goto finish;
        }
        reply = rpc_new(RPC_SHOW_FEDERATION_RESPONSE);
        if (reply && (!(reply->now = now_text()) ||
                             fill_federation(call_link(c)->store, m->name, &reply->federation) < 0))
                reply = rpc_free(RPC_SHOW_FEDERATION_RESPONSE, reply);
        service_reply(c, RPC_SHOW_FEDERATION_RESPONSE, reply);
finish:
        service_request_free(req);
}
