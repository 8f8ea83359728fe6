#include "libflwr/grid-internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "libflwr/inbox.h"
#include "libflwr/outbox.h"

/* Of one PushMessages call: some megabytes. Many nodes or large models make several calls. */
#define PUSH_IDS_MAX 65536
#define NODES_FIRST_USEC (100 * USEC_PER_MSEC)
#define NODES_FIRST_STEPS 20
#define NODES_USEC USEC_PER_SEC

struct flwr_grid {
        AppIo *io;
        uint64_t run_id;
        Inbox *inbox;
        char *failure;
};

static int free_inbox(void *userdata)
{
        inbox_free(userdata);
        return 0;
}

int grid_new(AppIo *io, uint64_t run_id, flwr_grid **ret)
{
        flwr_grid *g = new0(flwr_grid, 1);
        int r;

        if (!g)
                return -ENOMEM;
        g->io = io;
        g->run_id = run_id;
        r = inbox_new(io, run_id, &g->inbox);
        if (r < 0) {
                free(g);
                return r;
        }
        *ret = g;
        return 0;
}

flwr_grid *grid_free(flwr_grid *g)
{
        if (!g)
                return NULL;
        (void) app_io_run(g->io, free_inbox, g->inbox);
        free(g->failure);
        return mfree(g);
}

const char *grid_failure(const flwr_grid *g)
{
        return g->failure;
}

int flwr_grid_fail(flwr_grid *g, int error, const char *format, ...)
{
        char *text;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n >= 0) {
                free(g->failure);
                g->failure = text;
        }
        return -abs(error);
}

/* Takes text, which may be NULL; a stop needs no words. */
static int fail_with(flwr_grid *g, int error, char *text)
{
        if (error != -ECANCELED && text)
                (void) flwr_grid_fail(g, error, "%s", text);
        free(text);
        return error;
}

/* ---- nodes ---- */

int flwr_grid_nodes(flwr_grid *g, uint64_t **ret_ids, size_t *ret_n)
{
        RunRequest request = {.run_id = g->run_id, .has_run_id = true};
        NumbersReply *reply;
        void *p;
        char *text = NULL;
        int r;

        r = app_io_call(g->io, RPC_SERVERAPPIO_GET_NODES, &request, NULL, &p, &text);
        if (r < 0)
                return fail_with(g, r, text);
        reply = p;
        *ret_n = reply->n;
        *ret_ids = reply->numbers ? TAKE_PTR(reply->numbers) : new0(uint64_t, 1);
        rpc_free(RPC_GET_NODES_RESPONSE, reply);
        return *ret_ids ? 0 : -ENOMEM;
}

int flwr_grid_wait_nodes(flwr_grid *g, size_t n, double seconds)
{
        usec_t deadline = seconds < 0 ? USEC_INFINITY : now_monotonic() + seconds_to_usec(seconds);

        for (unsigned step = 0;; step++) {
                usec_t delay = step < NODES_FIRST_STEPS ? NODES_FIRST_USEC : NODES_USEC, now;
                uint64_t *ids;
                size_t online;
                int r;

                r = flwr_grid_nodes(g, &ids, &online);
                if (r < 0)
                        return r;
                free(ids);
                if (online >= n)
                        return 0;
                now = now_monotonic();
                if (now >= deadline)
                        return -ETIMEDOUT;
                r = app_io_sleep(g->io, MIN(delay, deadline - now));
                if (r < 0)
                        return r;
        }
}

/* ---- instructions ---- */

typedef struct Expectation {
        Inbox *inbox;
        const MessageBatch *batch;
        const PushReply *reply;
        size_t refused;
} Expectation;

static int expect_all(void *userdata)
{
        Expectation *e = userdata;

        for (size_t i = 0; i < e->batch->n; i++) {
                const Metadata *m = &e->batch->messages[i].metadata;
                int r;

                if (object_id_is_none(&e->reply->message_ids[i])) {
                        e->refused++;
                        continue;
                }
                r = inbox_expect(e->inbox, &m->message_id, m->dst_node_id);
                if (r < 0 && r != -EEXIST)
                        return r;
        }
        return 0;
}

static int push_objects(flwr_grid *g, Outbox *o, const PushReply *reply)
{
        const TransferConfig config = {
                .io = g->io,
                .method = RPC_SERVERAPPIO_PUSH_OBJECT,
                .node_id = SUPERLINK_NODE_ID,
                .run_id = g->run_id,
                .get = outbox_get,
                .get_userdata = o,
        };
        _cleanup_(transfer_freep) Transfer *t = NULL;
        char *text = NULL;
        int r;

        r = transfer_new(&config, reply->objects_to_push, reply->n_objects_to_push, &t);
        if (r < 0)
                return r;
        r = transfer_perform(t, &text);
        return fail_with(g, r, text);
}

static int send_batch(flwr_grid *g, Outbox *o, size_t *refused)
{
        const MessageBatch batch = {
                .run_id = g->run_id,
                .messages = o->messages,
                .trees = o->trees,
                .n = o->n,
        };
        Expectation e = {.inbox = g->inbox, .batch = &batch};
        void *reply;
        char *text = NULL;
        int r;

        if (o->n == 0)
                return 0;
        r = app_io_call(g->io, RPC_SERVERAPPIO_PUSH_MESSAGES, &batch, NULL, &reply, &text);
        if (r < 0)
                return fail_with(g, r, text);
        e.reply = reply;
        if (e.reply->n_message_ids != batch.n)
                r = flwr_grid_fail(g, EBADMSG, "The SuperLink answered %zu messages with %zu ids", batch.n,
                        e.reply->n_message_ids);
        if (r >= 0)
                r = push_objects(g, o, e.reply);
        if (r >= 0)
                r = app_io_run(g->io, expect_all, &e);
        rpc_free(RPC_PUSH_APP_MESSAGES_RESPONSE, reply);
        outbox_clear_messages(o);
        *refused += e.refused;
        return r;
}

static int add_message(flwr_grid *g, Outbox *o, flwr_message *m)
{
        char *text = NULL;
        int r;

        m->m.metadata.run_id = g->run_id;
        m->m.metadata.src_node_id = SUPERLINK_NODE_ID;
        r = outbox_add(o, m, false, &text);
        return fail_with(g, r, text);
}

int flwr_grid_push(flwr_grid *g, flwr_message *const *messages, size_t n, size_t *ret_refused)
{
        _cleanup_outbox_ Outbox o = {};
        size_t refused = 0;
        int r;

        for (size_t i = 0; i < n; i++) {
                r = add_message(g, &o, messages[i]);
                if (r >= 0 && o.n_ids >= PUSH_IDS_MAX)
                        r = send_batch(g, &o, &refused);
                if (r < 0)
                        return r;
        }
        r = send_batch(g, &o, &refused);
        if (r < 0)
                return r;
        if (ret_refused)
                *ret_refused = refused;
        return 0;
}

/* ---- replies ---- */

/* What cannot be read counts as an error of that node: the others' replies are not lost for it. Takes text.
 */
static int make_unavailable(InboxTask *t, char *text, flwr_message **ret)
{
        Message m = t->announced;

        t->announced = (Message){};
        record_dict_free(m.content);
        free(m.error_reason);
        m.content = NULL;
        m.has_content = false;
        m.has_error = true;
        m.error_code = MESSAGE_ERROR_MESSAGE_UNAVAILABLE;
        m.error_reason = text;
        return message_wrap(&m, ret);
}

static int open_reply(InboxTask *t, flwr_message **ret)
{
        _cleanup_message_ Message m = {};
        char *text = NULL;
        int r;

        if (!t->objects)
                return make_unavailable(t, TAKE_PTR(t->text), ret);
        r = inflate_message(&t->announced.metadata.message_id, transfer_get, t->objects, true, &m, &text);
        if (r == -ENOMEM) {
                free(text);
                return r;
        }
        if (r < 0)
                return make_unavailable(t, text, ret);
        /* Who sent it is for the hub to say, not for the sender. */
        m.metadata.run_id = t->announced.metadata.run_id;
        m.metadata.src_node_id = t->announced.metadata.src_node_id;
        m.metadata.reply_to = t->announced.metadata.reply_to;
        return message_wrap(&m, ret);
}

int flwr_grid_next_reply(flwr_grid *g, double seconds, flwr_message **ret_reply)
{
        _cleanup_(inbox_task_done) InboxTask t;
        int r;

        inbox_task_init(&t, g->inbox, seconds < 0 ? USEC_INFINITY : seconds_to_usec(seconds));
        r = app_io_perform(g->io, &t.task);
        if (r < 0)
                return fail_with(g, r, TAKE_PTR(t.text));
        return open_reply(&t, ret_reply);
}

static int forget(void *userdata)
{
        inbox_forget(userdata);
        return 0;
}

void flwr_grid_forget(flwr_grid *g)
{
        (void) app_io_run(g->io, forget, g->inbox);
}
