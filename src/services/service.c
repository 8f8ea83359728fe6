#include "services/service.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/object.h"
#include "services/doors.h"

typedef struct PendingReply {
        ServiceHold hold;
        Call *call; /* NULL once the caller has gone */
        RpcReply *reply;
} PendingReply;

static Request *request_new(RpcKind kind, void *message)
{
        Request *r = new0(Request, 1);

        if (!r) {
                rpc_free(kind, message);
                return NULL;
        }
        r->kind = kind;
        r->message = message;
        return r;
}

int service_table_new(const ServiceRow *rows, size_t n, Method **ret)
{
        Method *table = new0(Method, n + 1);

        if (!table)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const RpcMethod *m = &RPC_METHODS[rows[i].id];

                table[i] = (Method){
                        .path = m->path,
                        .flags = m->stream ? METHOD_STREAM : 0,
                        .max_request = m->max_request,
                        .tag = rows[i].id,
                        .prepare = rows[i].prepare,
                        .act = rows[i].act,
                        .cancelled = service_cancelled,
                        .free_request = service_request_free,
                };
        }
        *ret = table;
        return 0;
}

void service_request_free(void *request)
{
        Request *r = request;

        if (!r)
                return;
        if (r->free_extra)
                r->free_extra(r->extra);
        rpc_free(r->kind, r->message);
        free(r);
}

int service_prepare(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        const RpcMethod *m = &RPC_METHODS[call_method(c)->tag];
        void *decoded = NULL;
        Request *r;
        int ret;

        ret = rpc_decode(m->request, message, &decoded, ret_detail);
        if (ret < 0) {
                *ret_error = ret == -ENOMEM ? RPCERR_BUSY : RPCERR_BAD_REQUEST;
                return ret;
        }
        r = request_new(m->request, decoded);
        if (!r)
                return -ENOMEM;
        *ret_request = r;
        return 0;
}

int service_prepare_object(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        _cleanup_object_head_ ObjectHead head = {};
        Request *r;
        ObjectRequest *o;
        ObjectCheck *check;
        ObjectId hash;
        void *request;
        int ret;

        ret = service_prepare(c, message, &request, ret_error, ret_detail);
        if (ret < 0)
                return ret;
        r = request;
        o = r->message;
        check = new0(ObjectCheck, 1);
        if (!check) {
                service_request_free(r);
                return -ENOMEM;
        }
        r->extra = check;
        r->free_extra = free;
        if (o->content) {
                sha256(o->content->data, o->content->size, &hash);
                check->hash_matches = object_id_equal(&hash, &o->id);
                (void) object_head_parse(o->content->data, o->content->size, &head, &check->structure_error);
        }
        *ret_request = r;
        return 0;
}

void service_cancelled(Call *c)
{
        ServiceHold *h = call_data(c);

        if (h)
                h->cancelled(h);
}

/* A reply that could not be made for want of memory; "no such run" is a good one. */
static bool is_missing(RpcKind kind, const void *message)
{
        return !message && kind != RPC_GET_RUN_RESPONSE;
}

void service_reply(Call *c, RpcKind kind, void *message)
{
        RpcReply *reply;

        if (kind == RPC_EMPTY) {
                call_reply(c, NULL, NULL, NULL);
                return;
        }
        reply = is_missing(kind, message) ? NULL : rpc_reply_new(kind, message);
        if (!reply) {
                call_fail(c, RPCERR_BUSY, "Out of memory");
                return;
        }
        call_reply(c, reply, rpc_reply_encode, rpc_reply_free);
}

static void pending_cancelled(ServiceHold *h)
{
        ((PendingReply *) h)->call = NULL;
}

static void on_durable(int outcome, void *userdata)
{
        PendingReply *p = userdata;

        if (!p->call)
                rpc_reply_free(p->reply);
        else if (outcome < 0) {
                rpc_reply_free(p->reply);
                service_fail_errno(p->call, outcome, "The change could not be written to disk");
        } else
                call_reply(p->call, p->reply, p->reply ? rpc_reply_encode : NULL, rpc_reply_free);
        free(p);
}

void service_reply_durable(Call *c, Store *store, RpcKind kind, void *message)
{
        PendingReply *p = new0(PendingReply, 1);

        if (!p) {
                rpc_free(kind, message);
                call_fail(c, RPCERR_BUSY, "Out of memory");
                return;
        }
        if (kind != RPC_EMPTY) {
                p->reply = is_missing(kind, message) ? NULL : rpc_reply_new(kind, message);
                if (!p->reply) {
                        free(p);
                        call_fail(c, RPCERR_BUSY, "Out of memory");
                        return;
                }
        }
        p->hold.cancelled = pending_cancelled;
        p->call = c;
        call_set_data(c, p);
        store_sync(store, on_durable, p);
}

/* What may be different in a moment; everything else will not heal, and genuine clients would repeat it for
 * ever. */
static bool is_transient(int error)
{
        switch (abs(error)) {
        case ENOMEM:
        case EAGAIN:
        case EINTR:
        case EMFILE:
        case ENFILE:
        case EIO:
        case ESTALE:
        case EBUSY:
                return true;
        default:
                return false;
        }
}

static const char *explain(int error)
{
        switch (abs(error)) {
        case ENOENT:
                return "what it refers to is not known here, or not any more";
        case EEXIST:
                return "there is another one already";
        case EINVAL:
                return "its run, source, destination or ttl do not fit what it refers to";
        case ENODATA:
                return "its objects have not been announced";
        case E2BIG:
                return "its object tree is deeper or larger than any model's";
        case EPERM:
                return "the run is finished";
        default:
                return strerror(abs(error));
        }
}

void service_fail_errno(Call *c, int error, const char *what)
{
        _cleanup_free_ char *text = NULL;

        if (error == -ENOSPC) {
                call_fail(c, RPCERR_DISK_FULL,
                        "No space left for new work; free some on the file system of the state");
                return;
        }
        text = xasprintf("%s: %s", what, explain(error));
        call_fail(c, is_transient(error) ? RPCERR_BUSY : RPCERR_REFUSED, text);
}

int service_guard_running(Call *c, Store *store, uint64_t run_id)
{
        static const RpcErrorId by_status[_RUN_STATUS_MAX] = {
                [RUN_PENDING] = RPCERR_RUN_PENDING,
                [RUN_STARTING] = RPCERR_RUN_STARTING,
                [RUN_FINISHED] = RPCERR_RUN_FINISHED,
        };
        const Run *run = store_run(store, run_id);
        char id[24];

        if (!door_admits_run(c, run_id))
                return -EPERM;
        if (!run) {
                snprintf(id, sizeof(id), "%" PRIu64, run_id);
                call_fail(c, RPCERR_RUN_UNKNOWN, id);
                return -EPERM;
        }
        if (run->status == RUN_RUNNING)
                return 0;
        call_fail(c, by_status[run->status], run->sub_status == RUN_STOPPED ? " Stopped by user." : "");
        return -EPERM;
}

MessageBatch *service_batch_of(Store *store, RpcKind kind, const StoreMessage *m)
{
        MessageBatch *b = rpc_new(kind);

        if (!b)
                return NULL;
        b->messages = new0(Message, 1);
        b->trees = new0(ObjectTree, 1);
        b->n = b->messages && b->trees ? 1 : 0;
        if (b->n == 0 || message_copy(&m->message, b->messages) < 0 ||
                store_object_tree(store, &m->message.metadata.message_id, b->trees) < 0)
                return rpc_free(kind, b);
        return b;
}
