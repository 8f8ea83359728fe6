#include "libflwr/inbox.h"

#include <uthash.h>
#include <utlist.h>

/* How soon a hub that does not hold calls is asked again. Its own clients wait 3 s each time. */
#define POLL_FIRST_USEC (50 * USEC_PER_MSEC)
#define POLL_LAST_USEC (3 * USEC_PER_SEC)
/* An empty answer that took so long was held: asked again at once. */
#define POLL_HELD_USEC USEC_PER_SEC
/* Beyond it, no more announcements are asked for until some are taken: a hub of a hundred thousand nodes
 * sends many at once. */
#define QUEUE_MAX 4096

typedef struct Expected {
        ObjectId id;
        uint64_t node_id;
        UT_hash_handle hh;
} Expected;

typedef struct Announced {
        Message message;
        ObjectTree tree;
        struct Announced *prev, *next;
} Announced;

struct Inbox {
        AppIo *io;
        uint64_t run_id;
        Expected *expected;
        Announced *queue;
        size_t n_queue;

        StubCall *poll;
        usec_t poll_begin, poll_delay;
        sd_event_source *poll_timer;
        char *poll_error; /* the polling has ended with it */
        int poll_result;

        Announced *ahead;
        Transfer *objects; /* of ahead */
        bool is_ready;
        char *objects_error;

        InboxTask *waiter;
};

static void advance(Inbox *b);

static Announced *announced_free(Announced *a)
{
        if (!a)
                return NULL;
        message_done(&a->message);
        object_tree_done(&a->tree);
        return mfree(a);
}
DEFINE_CLEANUP(Announced *, announced_free);

int inbox_new(AppIo *io, uint64_t run_id, Inbox **ret)
{
        Inbox *b = new0(Inbox, 1);

        if (!b)
                return -ENOMEM;
        *b = (Inbox){.io = io, .run_id = run_id};
        *ret = b;
        return 0;
}

static void drop_ahead(Inbox *b)
{
        b->objects = transfer_free(b->objects);
        b->ahead = announced_free(b->ahead);
        b->objects_error = mfree(b->objects_error);
        b->is_ready = false;
}

void inbox_forget(Inbox *b)
{
        Expected *e, *next;
        Announced *a, *next_a;

        HASH_ITER (hh, b->expected, e, next) {
                HASH_DEL(b->expected, e);
                free(e);
        }
        DL_FOREACH_SAFE (b->queue, a, next_a) {
                DL_DELETE(b->queue, a);
                announced_free(a);
        }
        b->n_queue = 0;
        b->poll = stub_call_cancel(b->poll);
        b->poll_timer = sd_event_source_disable_unref(b->poll_timer);
        b->poll_error = mfree(b->poll_error);
        b->poll_result = 0;
        drop_ahead(b);
}

Inbox *inbox_free(Inbox *b)
{
        if (!b)
                return NULL;
        inbox_forget(b);
        return mfree(b);
}

int inbox_expect(Inbox *b, const ObjectId *message_id, uint64_t node_id)
{
        Expected *e;

        HASH_FIND(hh, b->expected, message_id, sizeof(*message_id), e);
        if (e)
                return -EEXIST;
        e = new0(Expected, 1);
        if (!e)
                return -ENOMEM;
        e->id = *message_id;
        e->node_id = node_id;
        HASH_ADD(hh, b->expected, id, sizeof(e->id), e);
        return 0;
}

/* ---- announcements ---- */

/* Takes the message and its tree out of the batch, if we wait for it. */
static int announce(Inbox *b, Message *m, ObjectTree *tree)
{
        _cleanup_(announced_freep) Announced *a = NULL;
        Expected *e;

        HASH_FIND(hh, b->expected, &m->metadata.reply_to, sizeof(m->metadata.reply_to), e);
        if (!e)
                return 0;
        a = new0(Announced, 1);
        if (!a)
                return -ENOMEM;
        a->message = *m;
        a->tree = *tree;
        *m = (Message){};
        *tree = (ObjectTree){};
        /* The hub speaks for nodes that are gone under its own id. */
        a->message.metadata.src_node_id = e->node_id;
        HASH_DEL(b->expected, e);
        free(e);
        DL_APPEND(b->queue, a);
        b->n_queue++;
        TAKE_PTR(a);
        return 0;
}

static int on_poll_timer(sd_event_source *s, uint64_t t, void *userdata)
{
        Inbox *b = userdata;

        b->poll_timer = sd_event_source_disable_unref(b->poll_timer);
        advance(b);
        return 0;
}

static void poll_failed(Inbox *b, int result, char *text)
{
        b->poll_result = result;
        free(b->poll_error);
        b->poll_error = text;
}

/* Without a timer, the next one follows at once. */
static int poll_pause(Inbox *b, bool is_empty)
{
        if (!is_empty || now_monotonic() - b->poll_begin >= POLL_HELD_USEC) {
                b->poll_delay = 0;
                return 0;
        }
        b->poll_delay = b->poll_delay == 0 ? POLL_FIRST_USEC : MIN(2 * b->poll_delay, POLL_LAST_USEC);
        return sd_event_add_time_relative(app_io_event(b->io), &b->poll_timer, CLOCK_MONOTONIC,
                b->poll_delay, USEC_PER_MSEC, on_poll_timer, b);
}

static void on_polled(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Inbox *b = userdata;
        MessageBatch *batch = *reply;
        char *text = NULL;
        size_t n = 0;
        int r = 0;

        b->poll = NULL;
        /* Genuine clients read this status as "nothing yet". */
        if (status != RPC_RESOURCE_EXHAUSTED)
                r = app_io_check(b->io, RPC_SERVERAPPIO_PULL_MESSAGES, status, detail, &text);
        if (r == -ECANCELED) {
                free(text);
                return;
        }
        for (; r >= 0 && batch && n < batch->n; n++)
                r = announce(b, &batch->messages[n], &batch->trees[n]);
        if (r >= 0)
                r = poll_pause(b, n == 0);
        if (r < 0)
                poll_failed(b, r, text);
        advance(b);
}

static int poll_start(Inbox *b)
{
        static const Header partial = {RPC_HEADER_PARTIAL, "1", 1};
        static const StubOptions options = {.headers = &partial, .n_headers = 1};
        _cleanup_free_ ObjectId *ids = new0(ObjectId, HASH_COUNT(b->expected));
        IdsRequest request = {.run_id = b->run_id, .ids = ids};
        Expected *e, *next;

        if (!ids)
                return -ENOMEM;
        HASH_ITER (hh, b->expected, e, next)
                ids[request.n++] = e->id;
        b->poll_begin = now_monotonic();
        return stub_call(app_io_stub(b->io), RPC_SERVERAPPIO_PULL_MESSAGES, &request, &options, on_polled, b,
                &b->poll);
}

/* ---- fetching ahead ---- */

static void on_confirmed(RpcClass status, const char *detail, void **reply, void *userdata)
{
        /* What the hub keeps for nothing goes with the run. */
}

static void confirm(Inbox *b, const ObjectId *id)
{
        ObjectRequest request = {.node_id = SUPERLINK_NODE_ID, .run_id = b->run_id, .id = *id};

        (void) stub_call(app_io_stub(b->io), RPC_SERVERAPPIO_CONFIRM_MESSAGE_RECEIVED, &request, NULL,
                on_confirmed, NULL, NULL);
}

static void on_fetched(Transfer *t, int result, const char *text, void *userdata)
{
        Inbox *b = userdata;

        if (result < 0) {
                b->objects_error = strdup(text ? text : strerror(-result));
                b->objects = transfer_free(t);
        } else
                confirm(b, &b->ahead->tree.id);
        b->is_ready = true;
        advance(b);
}

static int fetch_start(Inbox *b)
{
        const TransferConfig config = {
                .io = b->io,
                .method = RPC_SERVERAPPIO_PULL_OBJECT,
                .node_id = SUPERLINK_NODE_ID,
                .run_id = b->run_id,
                .done = on_fetched,
                .done_userdata = b,
        };
        int r;

        b->ahead = b->queue;
        DL_DELETE(b->queue, b->ahead);
        b->n_queue--;
        r = transfer_new_tree(&config, &b->ahead->tree, &b->objects);
        return r < 0 ? r : transfer_start(b->objects);
}

/* ---- the waiting task ---- */

static void waiter_finish(Inbox *b, int result)
{
        InboxTask *t = TAKE_PTR(b->waiter);

        t->timer = sd_event_source_disable_unref(t->timer);
        task_done(&t->task, result);
}

static void hand_over(Inbox *b)
{
        InboxTask *t = b->waiter;

        t->announced = b->ahead->message;
        b->ahead->message = (Message){};
        t->announced.metadata.message_id = b->ahead->tree.id;
        t->objects = TAKE_PTR(b->objects);
        t->text = TAKE_PTR(b->objects_error);
        drop_ahead(b);
}

/* One look at everything that can go on. */
static void advance(Inbox *b)
{
        bool handed = false;
        int r = 0;

        if (b->waiter && b->is_ready) {
                hand_over(b);
                handed = true;
        }
        if (!b->ahead && b->queue)
                r = fetch_start(b);
        if (r >= 0 && b->expected && !b->poll && !b->poll_timer && b->poll_result == 0 &&
                b->n_queue < QUEUE_MAX)
                r = poll_start(b);
        if (r < 0) {
                poll_failed(b, r, NULL);
                drop_ahead(b);
        }
        if (!b->waiter)
                return;
        if (handed)
                waiter_finish(b, 0);
        else if (!b->ahead && b->poll_result < 0) {
                b->waiter->text = TAKE_PTR(b->poll_error);
                r = b->poll_result;
                b->poll_result = 0; /* the next call tries again */
                waiter_finish(b, r);
        } else if (!b->ahead && !b->expected)
                waiter_finish(b, -ENODATA);
}

static int on_timeout(sd_event_source *s, uint64_t t, void *userdata)
{
        waiter_finish(userdata, -ETIMEDOUT);
        return 0;
}

static void waiter_start(Task *task)
{
        InboxTask *t = CONTAINER_OF(task, InboxTask, task);
        Inbox *b = t->inbox;
        int r;

        if (t->timeout != USEC_INFINITY) {
                r = sd_event_add_time_relative(app_io_event(b->io), &t->timer, CLOCK_MONOTONIC, t->timeout,
                        USEC_PER_MSEC, on_timeout, b);
                if (r < 0) {
                        task_done(task, r);
                        return;
                }
        }
        b->waiter = t;
        advance(b);
}

static void waiter_cancel(Task *task)
{
        InboxTask *t = CONTAINER_OF(task, InboxTask, task);

        t->inbox->waiter = NULL;
        t->timer = sd_event_source_disable_unref(t->timer);
}

void inbox_task_init(InboxTask *t, Inbox *b, usec_t timeout)
{
        *t = (InboxTask){
                .task.start = waiter_start,
                .task.cancel = waiter_cancel,
                .inbox = b,
                .timeout = timeout,
        };
}

void inbox_task_done(InboxTask *t)
{
        message_done(&t->announced);
        transfer_free(t->objects);
        free(t->text);
}
