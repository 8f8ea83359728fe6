/* Objects, as Fleet and ServerAppIo push and pull them; who may has been decided by the caller. */
#include "services/link-private.h"

uint64_t objects_key(const ObjectId *id)
{
        uint64_t key;

        memcpy(&key, id->bytes, sizeof(key));
        return key;
}

/* False: announced, not here yet, and nothing has been answered. */
static bool answer(Link *l, Call *c, const ObjectRequest *m, bool last)
{
        ObjectReply *reply = rpc_new(RPC_PULL_OBJECT_RESPONSE);
        int r;

        if (!reply) {
                call_fail(c, RPCERR_BUSY, "Out of memory");
                return true;
        }
        r = store_object_get(l->store, &m->id, &reply->content);
        if (r == -EAGAIN && !last) {
                rpc_free(RPC_PULL_OBJECT_RESPONSE, reply);
                return false;
        }
        if (r < 0 && r != -EAGAIN && r != -ENOENT) {
                rpc_free(RPC_PULL_OBJECT_RESPONSE, reply);
                service_fail_errno(c, r, "The object cannot be read");
                return true;
        }
        reply->available = r >= 0;
        reply->found = r >= 0 || r == -EAGAIN;
        if (r >= 0 && m->node_id != SUPERLINK_NODE_ID)
                store_run_add_traffic(l->store, m->run_id, reply->content->size, 0, 0);
        service_reply(c, RPC_PULL_OBJECT_RESPONSE, reply);
        return true;
}

void objects_pull(Link *l, Call *c, Request *request)
{
        ObjectRequest *m = request->message;

        if (answer(l, c, m, false)) {
                service_request_free(request);
                return;
        }
        (void) held_list_add(l->object_pulls, c, objects_key(&m->id), request, NULL);
}

void objects_wake(Link *l, uint64_t key)
{
        HeldCall *h = held_first(l->object_pulls, key), *next;

        for (; h; h = next) {
                ObjectRequest *m = h->request->message;
                _cleanup_blob_ Blob *content = NULL;
                Request *request;
                Call *c;

                next = held_next_of_key(h);
                if (store_object_get(l->store, &m->id, &content) == -EAGAIN)
                        continue;
                c = held_take_with_request(h, &request);
                (void) answer(l, c, request->message, true);
                service_request_free(request);
        }
}

void objects_pull_expired(HeldCall *h, void *userdata)
{
        (void) answer(userdata, h->call, h->request->message, true);
}

/* A push whose first answer was lost comes again when its message may be long received: to say "not stored"
 * would end the sender. */
void objects_push_unneeded(Call *c, Request *request)
{
        const ObjectCheck *check = request->extra;
        ObjectReply *reply = rpc_new(RPC_PUSH_OBJECT_RESPONSE);

        if (reply)
                reply->stored = check->hash_matches && !check->structure_error;
        service_reply(c, RPC_PUSH_OBJECT_RESPONSE, reply);
        service_request_free(request);
}

void objects_push(Link *l, Call *c, Request *request, bool *ret_stored)
{
        ObjectRequest *m = request->message;
        const ObjectCheck *check = request->extra;
        ObjectReply *reply = rpc_new(RPC_PUSH_OBJECT_RESPONSE);
        char hex[OBJECT_ID_HEX_MAX];
        int r = -ENOENT;

        *ret_stored = false;
        if (!reply)
                call_fail(c, RPCERR_BUSY, "Out of memory");
        else if (check->hash_matches && check->structure_error) {
                rpc_free(RPC_PUSH_OBJECT_RESPONSE, reply);
                call_fail(c, RPCERR_OBJECT_STRUCTURE, object_id_format(&m->id, hex));
        } else {
                if (check->hash_matches)
                        r = store_object_put(l->store, m->run_id, &m->id, m->content, NULL, NULL);
                /* Nobody waits for it: its message has been received whole, and the answer to the first push
                 * was lost. */
                if (r == -ENOENT && check->hash_matches)
                        r = 0;
                if (r < 0 && r != -ENOENT) {
                        rpc_free(RPC_PUSH_OBJECT_RESPONSE, reply);
                        service_fail_errno(c, r, "The object could not be stored");
                } else {
                        *ret_stored = reply->stored = r >= 0;
                        service_reply_durable(c, l->store, RPC_PUSH_OBJECT_RESPONSE, reply);
                }
        }
        service_request_free(request);
}
