#include "libflwr/transfer.h"

/* An announced object that its sender does not bring for so long will not come. Genuine peers wait as long.
 */
#define UNAVAILABLE_LIMIT_USEC (7200 * USEC_PER_SEC)
#define UNAVAILABLE_FIRST_USEC (100 * USEC_PER_MSEC)
#define UNAVAILABLE_LAST_USEC (3 * USEC_PER_SEC)

/* One of the calls under way. */
typedef struct Slot {
        Transfer *transfer;
        size_t index; /* of the object */
        StubCall *call;
        sd_event_source *retry;
        usec_t delay, begin;
} Slot;

struct Transfer {
        TransferConfig config;
        ObjectId *ids; /* sorted, unique */
        size_t n;
        Blob **blobs; /* pulled */
        size_t n_started, n_done;
        Slot slots[TRANSFER_PARALLEL];
        sd_event_source *start;
};

static int compare_ids(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(ObjectId));
}

/* ids: taken. */
static int new_with(const TransferConfig *config, ObjectId *ids, size_t n, Transfer **ret)
{
        _cleanup_(transfer_freep) Transfer *t = new0(Transfer, 1);

        if (!t) {
                free(ids);
                return -ENOMEM;
        }
        t->config = *config;
        t->ids = ids;
        if (n > 0)
                qsort(ids, n, sizeof(*ids), compare_ids);
        for (size_t i = 0; i < n; i++)
                if (t->n == 0 || !object_id_equal(&ids[t->n - 1], &ids[i]))
                        ids[t->n++] = ids[i];
        t->blobs = new0(Blob *, t->n);
        if (!t->blobs)
                return -ENOMEM;
        for (size_t i = 0; i < TRANSFER_PARALLEL; i++)
                t->slots[i].transfer = t;
        *ret = TAKE_PTR(t);
        return 0;
}

int transfer_new(const TransferConfig *config, const ObjectId *ids, size_t n, Transfer **ret)
{
        ObjectId *copy = new0(ObjectId, n);

        if (!copy)
                return -ENOMEM;
        if (n > 0)
                memcpy(copy, ids, n * sizeof(*ids));
        return new_with(config, copy, n, ret);
}

typedef struct Collector {
        ObjectId *ids;
        size_t n;
} Collector;

static int collect_id(const ObjectTree *node, void *userdata)
{
        Collector *c = userdata;

        c->ids[c->n++] = node->id;
        return 0;
}

int transfer_new_tree(const TransferConfig *config, const ObjectTree *tree, Transfer **ret)
{
        Collector c = {.ids = new0(ObjectId, object_tree_count(tree))};

        if (!c.ids)
                return -ENOMEM;
        (void) object_tree_walk(tree, collect_id, &c);
        return new_with(config, c.ids, c.n, ret);
}

/* Nothing under way any more: from here on any thread may have it. */
static void quiet(Transfer *t)
{
        t->start = sd_event_source_disable_unref(t->start);
        for (size_t i = 0; i < TRANSFER_PARALLEL; i++) {
                t->slots[i].call = stub_call_cancel(t->slots[i].call);
                t->slots[i].retry = sd_event_source_disable_unref(t->slots[i].retry);
        }
}

Transfer *transfer_free(Transfer *t)
{
        if (!t)
                return NULL;
        quiet(t);
        for (size_t i = 0; t->blobs && i < t->n; i++)
                blob_unref(t->blobs[i]);
        free(t->blobs);
        free(t->ids);
        return mfree(t);
}

int transfer_get(const ObjectId *id, Blob **ret, void *transfer)
{
        Transfer *t = transfer;
        const ObjectId *found = t->n > 0 ? bsearch(id, t->ids, t->n, sizeof(*id), compare_ids) : NULL;

        if (!found || !t->blobs[found - t->ids])
                return -ENOENT;
        *ret = blob_ref(t->blobs[found - t->ids]);
        return 0;
}

/* ---- calls ---- */

/* The transfer may be gone afterwards. */
static void finish(Transfer *t, int result, const char *text)
{
        quiet(t);
        t->config.done(t, result, text, t->config.done_userdata);
}

static void on_object_done(RpcClass status, const char *detail, void **reply, void *userdata);

static int slot_call(Slot *s)
{
        Transfer *t = s->transfer;
        ObjectRequest request = {
                .node_id = t->config.node_id,
                .run_id = t->config.run_id,
                .id = t->ids[s->index],
        };
        int r = 0;

        if (t->config.get)
                r = t->config.get(&request.id, &request.parts, t->config.get_userdata);
        if (r >= 0)
                r = stub_call(app_io_stub(t->config.io), t->config.method, &request, NULL, on_object_done, s,
                        &s->call);
        blobvec_done(&request.parts);
        return r;
}

static int slot_next(Slot *s)
{
        Transfer *t = s->transfer;

        if (t->n_started == t->n)
                return 0;
        s->index = t->n_started++;
        s->delay = 0;
        s->begin = now_monotonic();
        return slot_call(s);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        Slot *s = userdata;
        int r;

        s->retry = sd_event_source_disable_unref(s->retry);
        r = slot_call(s);
        if (r < 0)
                finish(s->transfer, r, NULL);
        return 0;
}

static int slot_retry(Slot *s)
{
        if (now_monotonic() - s->begin > UNAVAILABLE_LIMIT_USEC)
                return -ETIMEDOUT;
        s->delay = s->delay == 0 ? UNAVAILABLE_FIRST_USEC : MIN(2 * s->delay, UNAVAILABLE_LAST_USEC);
        return sd_event_add_time_relative(app_io_event(s->transfer->config.io), &s->retry, CLOCK_MONOTONIC,
                s->delay, USEC_PER_MSEC, on_retry, s);
}

/* What the reply says: 1 done, 0 again later, negative. */
static int slot_take(Slot *s, ObjectReply *reply)
{
        Transfer *t = s->transfer;

        if (t->config.get)
                return reply->stored ? 1 : -ENOENT;
        if (!reply->found)
                return -ENOENT;
        if (!reply->available || !reply->content)
                return 0;
        t->blobs[s->index] = TAKE_PTR(reply->content);
        return 1;
}

static void on_object_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Slot *s = userdata;
        Transfer *t = s->transfer;
        _cleanup_free_ char *text = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        int r;

        s->call = NULL;
        /* Nothing of the transfer may be under way when a stop frees it. */
        if (status == RPC_PERMISSION_DENIED)
                quiet(t);
        r = app_io_check(t->config.io, t->config.method, status, detail, &text);
        if (r == -ECANCELED)
                return; /* the stop has ended the task that waits for us */
        if (r < 0) {
                finish(t, r, text);
                return;
        }
        r = slot_take(s, *reply);
        if (r > 0) {
                t->n_done++;
                r = slot_next(s);
        } else if (r == 0)
                r = slot_retry(s);
        if (r < 0) {
                text = xasprintf("%s: object %s: %s", RPC_METHODS[t->config.method].path,
                        object_id_format(&t->ids[s->index], hex), strerror(-r));
                finish(t, r, text);
        } else if (t->n_done == t->n)
                finish(t, 0, NULL);
}

static int on_start(sd_event_source *source, void *userdata)
{
        Transfer *t = userdata;
        int r = 0;

        t->start = sd_event_source_disable_unref(t->start);
        for (size_t i = 0; r >= 0 && i < TRANSFER_PARALLEL; i++)
                r = slot_next(&t->slots[i]);
        if (r < 0 || t->n == 0)
                finish(t, r, NULL);
        return 0;
}

int transfer_start(Transfer *t)
{
        return sd_event_add_defer(app_io_event(t->config.io), &t->start, on_start, t);
}

/* ---- the app's side ---- */

typedef struct TransferTask {
        Task task;
        Transfer *transfer;
        char *text;
} TransferTask;

static void on_task_transfer_done(Transfer *t, int result, const char *text, void *userdata)
{
        TransferTask *task = userdata;

        task->text = text ? strdup(text) : NULL;
        task_done(&task->task, result);
}

static void task_start(Task *t)
{
        int r = transfer_start(CONTAINER_OF(t, TransferTask, task)->transfer);

        if (r < 0)
                task_done(t, r);
}

static void task_cancel(Task *t)
{
        quiet(CONTAINER_OF(t, TransferTask, task)->transfer);
}

int transfer_perform(Transfer *t, char **reterr_text)
{
        TransferTask task = {.task.start = task_start, .task.cancel = task_cancel, .transfer = t};
        int r;

        t->config.done = on_task_transfer_done;
        t->config.done_userdata = &task;
        r = app_io_perform(t->config.io, &task.task);
        if (task.text)
                *reterr_text = task.text;
        return r;
}
