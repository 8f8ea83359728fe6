#include "wire/call.h"

#include "wire/server-internal.h"

static void call_post(Call *c, Letter *l)
{
        mailbox_post(c->worker->mailbox, l);
}

static void call_on_request(Letter *l)
{
        Call *c = CONTAINER_OF(l, Call, request_letter);
        void *request = TAKE_PTR(c->request);

        if (!atomic_load(&c->cancelled)) {
                c->method->act(c, request);
                return;
        }
        /* Nobody waits for it any more; the cancel letter, which is on its way, ends it. */
        c->answered = true;
        if (c->method->free_request)
                c->method->free_request(request);
        else if (!c->method->prepare)
                blob_unref(request);
}

/* Always the last thing that the core does with a cancelled call. */
static void call_on_cancel(Letter *l)
{
        Call *c = CONTAINER_OF(l, Call, cancel_letter);

        if (!c->answered) {
                c->answered = true;
                if (c->method->cancelled)
                        c->method->cancelled(c);
        }
        call_post(c, &c->release_letter);
}

void call_init_core(Call *c)
{
        c->request_letter.run = call_on_request;
        c->cancel_letter.run = call_on_cancel;
}

/* No memory for what the service wants to say: the worker resets the stream, which then cancels the call as
 * usual. */
static void call_abort(Call *c)
{
        if (c->aborted)
                return;
        c->aborted = true;
        call_post(c, &c->abort_letter);
}

void call_item_done(CallItem *i)
{
        if (i->free_message)
                i->free_message(i->message);
        *i = (CallItem){};
}

void call_reply(Call *c, void *reply, call_encode_t encode, call_free_t free_reply)
{
        CallItem i = {.call = c, .message = reply, .encode = encode, .free_message = free_reply};

        if (c->answered) {
                call_item_done(&i);
                return;
        }
        c->answered = true;
        c->has_final = true;
        c->final = i;
        call_post(c, &c->answer_letter);
}

void call_send(Call *c, void *message, call_encode_t encode, call_free_t free_message)
{
        CallItem i = {.call = c, .message = message, .encode = encode, .free_message = free_message}, *p;

        if (c->answered) {
                call_item_done(&i);
                return;
        }
        p = new0(CallItem, 1);
        if (!p) {
                call_item_done(&i);
                call_abort(c);
                return;
        }
        *p = i;
        p->letter.run = call_on_item;
        atomic_fetch_add(&c->unsent, CALL_UNENCODED_SIZE);
        call_post(c, &p->letter);
}

void call_finish(Call *c)
{
        if (c->answered)
                return;
        c->answered = true;
        call_post(c, &c->answer_letter);
}

void call_fail(Call *c, RpcErrorId id, const char *detail)
{
        if (c->answered)
                return;
        c->answered = true;
        c->error = id == RPCERR_OK ? RPCERR_INTERNAL : id;
        /* Without memory the peer gets the text without its detail. */
        (void) free_and_strdup(&c->error_detail, detail);
        call_post(c, &c->answer_letter);
}

size_t call_unsent(const Call *c)
{
        return atomic_load(&c->unsent);
}

const Method *call_method(const Call *c)
{
        return c->method;
}

const char *call_listener(const Call *c)
{
        return c->listener->config.name;
}

void *call_userdata(const Call *c)
{
        return c->listener->config.userdata;
}

const char *call_peer(const Call *c)
{
        return c->peer;
}

usec_t call_deadline(const Call *c)
{
        return c->deadline;
}

const char *call_metadata(const Call *c, const char *name, size_t *ret_size)
{
        return header_fields_get(&c->metadata, name, ret_size);
}

void *call_worker_data(const Call *c)
{
        return c->worker->data;
}

size_t call_request_size(const Call *c)
{
        return c->request_size;
}

void call_set_principal(Call *c, void *principal, call_free_t free_principal)
{
        if (c->free_principal)
                c->free_principal(c->principal);
        c->principal = principal;
        c->free_principal = free_principal;
}

void *call_principal(const Call *c)
{
        return c->principal;
}

void call_set_data(Call *c, void *data)
{
        c->data = data;
}

void *call_data(const Call *c)
{
        return c->data;
}
