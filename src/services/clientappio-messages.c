/* ClientAppIo: the messages and objects of ClientApps. */
#include "codec/inflate.h"
#include "services/clientappio-private.h"

static bool answer_pull(ClientAppIo *a, Call *c, uint64_t run_id)
{
        const StoreMessage *m = store_message_take(a->store, run_id, now_realtime(), NULL, NULL);

        if (!m)
                return false;
        service_reply(c, RPC_PULL_APP_MESSAGES_RESPONSE,
                service_batch_of(a->store, RPC_PULL_APP_MESSAGES_RESPONSE, m));
        return true;
}

void clientappio_pull_message(Call *c, void *request)
{
        Request *req = request;
        IdsRequest *m = req->message;
        ClientAppIo *a = call_clientappio(c);
        uint64_t run_id;

        if (!clientappio_run_of_token(c, m->token, &run_id)) {
                service_request_free(req);
                return;
        }
        /* An app that asks has answered the last one, or has lost it. */
        store_queue_release(a->store, run_id);
        if (answer_pull(a, c, run_id)) {
                service_request_free(req);
                return;
        }
        if (!call_metadata(c, RPC_HEADER_WAIT, NULL)) {
                call_fail(c, RPCERR_UNKNOWN, "No message is waiting for this run");
                service_request_free(req);
                return;
        }
        (void) held_list_add(a->message_pulls, c, run_id, req, NULL);
}

void clientappio_wake_run(ClientAppIo *a, uint64_t run_id)
{
        const Run *run = store_run(a->store, run_id);
        HeldCall *h = held_first(a->message_pulls, run_id);

        if (!h)
                return;
        if (!run || run->status == RUN_FINISHED)
                call_fail(held_take(h), RPCERR_TOKEN, NULL);
        else if (store_queue_is_ready(a->store, run_id, now_realtime())) {
                Call *c = held_take(h);

                if (!answer_pull(a, c, run_id))
                        call_fail(c, RPCERR_BUSY, "The message has expired");
        }
}

/* The executor has been idle for long: its token goes, so that the next message starts another one. */
void clientappio_pull_expired(HeldCall *h, void *userdata)
{
        ClientAppIo *a = userdata;

        store_queue_release(a->store, h->key);
        (void) store_token_delete(a->store, h->key, NULL, NULL);
        call_fail(h->call, RPCERR_TOKEN, NULL);
}

void clientappio_push_message(Call *c, void *request)
{
        Request *req = request;
        MessageBatch *b = req->message;
        ClientAppIo *a = call_clientappio(c);
        PushReply *reply = NULL;
        const char *why;
        uint64_t run_id;
        int r;

        if (!clientappio_run_of_token(c, b->token, &run_id))
                goto finish;
        why = b->n != 1 ? "PushMessage takes exactly one message"
                        : message_check(b->messages, true, usec_to_seconds(now_realtime()));
        if (!why && (b->messages[0].metadata.run_id != run_id ||
                            !object_id_equal(&b->trees[0].id, &b->messages[0].metadata.message_id)))
                why = "The message belongs to another run, or is not the root of its tree";
        if (why) {
                call_fail(c, RPCERR_BAD_REQUEST, why);
                goto finish;
        }
        reply = rpc_new(RPC_PUSH_APP_MESSAGES_RESPONSE);
        r = !reply ? -ENOMEM
                   : store_object_preregister(a->store, run_id, b->trees, NULL, NULL,
                             &reply->objects_to_push, &reply->n_objects_to_push);
        if (r >= 0)
                r = store_reply_put(a->store, b->messages, NULL, NULL);
        if (r < 0)
                service_fail_errno(c, r, "The reply could not be stored");
        else
                service_reply_durable(c, a->store, RPC_PUSH_APP_MESSAGES_RESPONSE, TAKE_PTR(reply));
finish:
        rpc_free(RPC_PUSH_APP_MESSAGES_RESPONSE, reply);
        service_request_free(req);
}

void clientappio_push_object(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        const ObjectCheck *check = req->extra;
        ClientAppIo *a = call_clientappio(c);
        ObjectReply *reply;
        char hex[OBJECT_ID_HEX_MAX];
        int r = -ENOENT;

        if (!door_admits_run(c, m->run_id))
                goto finish;
        if (check->hash_matches && check->structure_error) {
                call_fail(c, RPCERR_OBJECT_STRUCTURE, object_id_format(&m->id, hex));
                goto finish;
        }
        if (check->hash_matches)
                r = store_object_put(a->store, m->run_id, &m->id, m->content, NULL, NULL);
        /* Its reply has left already: the answer to the first push was lost. */
        if (r == -ENOENT && check->hash_matches)
                r = 0;
        if (r < 0 && r != -ENOENT) {
                service_fail_errno(c, r, "The object could not be stored");
                goto finish;
        }
        reply = rpc_new(RPC_PUSH_OBJECT_RESPONSE);
        if (reply)
                reply->stored = r >= 0;
        service_reply_durable(c, a->store, RPC_PUSH_OBJECT_RESPONSE, reply);
finish:
        service_request_free(req);
}

/* A message is offered once all its objects are here, so nobody has to wait for one. */
void clientappio_pull_object(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        ClientAppIo *a = call_clientappio(c);
        ObjectReply *reply;
        int r;

        if (!door_admits_run(c, m->run_id)) {
                service_request_free(req);
                return;
        }
        reply = rpc_new(RPC_PULL_OBJECT_RESPONSE);
        if (reply && store_message_holding(a->store, m->run_id, &m->id)) {
                r = store_object_get(a->store, &m->id, &reply->content);
                if (r < 0 && r != -EAGAIN && r != -ENOENT) {
                        rpc_free(RPC_PULL_OBJECT_RESPONSE, reply);
                        service_fail_errno(c, r, "The object cannot be read");
                        service_request_free(req);
                        return;
                }
                reply->found = r >= 0 || r == -EAGAIN;
                reply->available = r >= 0;
        }
        service_reply(c, RPC_PULL_OBJECT_RESPONSE, reply);
        service_request_free(req);
}

/* The app has the message; the node keeps it until the reply has left. */
void clientappio_confirm_message_received(Call *c, void *request)
{
        service_reply(c, RPC_EMPTY, NULL);
        service_request_free(request);
}

/* ---- errors on the node's own account ---- */

int clientappio_reply_error(ClientAppIo *a, const ObjectId *instruction, int64_t code, const char *reason)
{
        const StoreMessage *m = store_message(a->store, instruction);
        _cleanup_message_ Message reply = {};
        _cleanup_free_ ObjectId *needed = NULL;
        _cleanup_blob_ Blob *bytes = NULL;
        ObjectTree tree = {};
        ObjectSet set = {};
        size_t n;
        int r;

        if (!m)
                return -ENOENT;
        r = message_init_reply(&m->message, usec_to_seconds(now_realtime()), &reply);
        if (r < 0)
                return r;
        reply.has_error = true;
        reply.error_code = code;
        reply.error_reason = strdup(reason);
        if (!reply.error_reason)
                return -ENOMEM;
        r = deflate_message(&reply, CHUNK_SIZE_DEFAULT, &set, &tree);
        if (r < 0)
                return r;
        reply.metadata.message_id = tree.id;
        bytes = blobvec_join(&set.items[0].bytes);
        object_set_done(&set);
        r = store_object_preregister(a->store, reply.metadata.run_id, &tree, NULL, NULL, &needed, &n);
        if (r >= 0)
                r = store_reply_put(a->store, &reply, NULL, NULL);
        if (r >= 0)
                r = bytes ? store_object_put(a->store, reply.metadata.run_id, &tree.id, bytes, NULL, NULL)
                          : -ENOMEM;
        object_tree_done(&tree);
        return r;
}

void clientappio_crashed(ClientAppIo *a, uint64_t run_id, const char *reason)
{
        const StoreMessage *m;

        /* What the app had in hand is answered; the rest is work for the next one. */
        while ((m = store_message_unanswered(a->store, run_id))) {
                ObjectId id = m->message.metadata.message_id, half = m->reply;

                if (!object_id_is_none(&half))
                        (void) store_message_delete(a->store, &half, NULL, NULL);
                if (clientappio_reply_error(a, &id, MESSAGE_ERROR_CLIENT_APP_CRASHED, reason) < 0)
                        return;
        }
}
