/* Instructions from the SuperLink into our store, one at a time:
 *
 *      IDLE -> PULLING -> (run unknown: ASKING_RUN -> ASKING_FAB ->) FETCHING -> STORING -> CONFIRMING ->
 * PULLING ...
 *
 * The SuperLink hears of the receipt only when the instruction is on our disk. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "codec/context-codec.h"
#include "model/fab.h"
#include "model/object.h"
#include "services/id-set.h"
#include "supernode/supernode.h"

/* Objects under way at once: enough to hide the round trip, and what a node may hold in memory for a
 * message. */
#define FETCH_WINDOW 4
/* Our SuperLink holds a pull; a genuine one answers at once with nothing: then this is the polling interval.
 */
#define POLL_PAUSE USEC_PER_SEC
#define HELD_AT_LEAST (4 * USEC_PER_SEC)
/* An announced object that its sender has not uploaded yet is asked for again; for as long as genuine nodes
 * do. */
#define OBJECT_PAUSE (300 * USEC_PER_MSEC)
#define OBJECT_WAIT_MAX (7200 * USEC_PER_SEC)
/* After an answer that is an error of the SuperLink. */
#define ERROR_PAUSE (3 * USEC_PER_SEC)
/* A run that is silent for so long after a reply may be over: then its app has nothing to wait for. Asked
 * once; later the heartbeats ask. */
#define SILENT_RUN_AFTER (2 * USEC_PER_SEC)
/* After a message of a run that does not run: it may be given again at once. */
#define DROPPED_PAUSE USEC_PER_SEC
#define REASON_BAD_FAB "The FAB of this run cannot be used on this node; the node's log says why."
#define REASON_LOST "An object of the message is lost on the SuperLink."

typedef enum ReceiverState {
        RECEIVER_IDLE,
        RECEIVER_PULLING,
        RECEIVER_ASKING_RUN,
        RECEIVER_ASKING_FAB,
        RECEIVER_FETCHING,
        RECEIVER_STORING,
        RECEIVER_CONFIRMING,
        _RECEIVER_STATE_MAX,
} ReceiverState;

typedef struct Fetch {
        Receiver *receiver;
        StubCall *call;
        ObjectId id;
} Fetch;

struct Receiver {
        Supernode *node;
        ReceiverState state;
        sd_event_source *timer; /* pull again, or ask for objects again */
        StubCall *call;         /* of every state but FETCHING */
        usec_t pulled_at;

        MessageBatch *batch; /* the instruction in hand, and its tree */
        Run *run;
        ObjectId *needed; /* what is still to be asked for, from the end */
        size_t n_needed;
        Fetch fetches[FETCH_WINDOW];
        unsigned n_fetches;
        usec_t fetch_since;

        StubCall *check; /* GetRun of one open run */
        uint64_t check_run;
        sd_event_source *silence; /* since the last reply, of silent_run */
        uint64_t silent_run;
        IdSet *bad_runs;        /* whose FAB cannot be used */
        unsigned syncs_pending; /* only the last one speaks of the message in hand */
};

static void pull(Receiver *r);
static void fetch_more(Receiver *r);

static Metadata *instruction(Receiver *r)
{
        return &r->batch->messages[0].metadata;
}

static void set_state(Receiver *r, ReceiverState state)
{
        r->state = state;
        if (state != RECEIVER_IDLE && state != RECEIVER_PULLING)
                return;
        for (size_t i = 0; i < FETCH_WINDOW; i++)
                r->fetches[i].call = stub_call_cancel(r->fetches[i].call);
        r->n_fetches = 0;
        r->needed = mfree(r->needed);
        r->n_needed = 0;
        r->run = rpc_free(RPC_GET_RUN_RESPONSE, r->run);
        r->batch = rpc_free(RPC_PULL_MESSAGES_RESPONSE, r->batch);
}

static void arm(Receiver *r, usec_t pause)
{
        (void) sd_event_source_set_time(r->timer, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static void pull_later(Receiver *r, usec_t pause)
{
        set_state(r, RECEIVER_IDLE);
        arm(r, pause);
}

void receiver_drop_run(Supernode *s, uint64_t run_id)
{
        if (store_run(s->store, run_id))
                (void) store_run_delete(s->store, run_id, NULL, NULL);
        if (s->receiver)
                id_set_remove(&s->receiver->bad_runs, run_id);
}

/* What every call may end with besides success; true: it has been dealt with. */
static bool failed(Receiver *r, RpcClass status, const char *detail, const char *what)
{
        uint64_t run_id = r->batch ? instruction(r)->run_id : 0;

        if (status == RPC_OK)
                return false;
        if (status == RPC_PERMISSION_DENIED) {
                log_info("Run %" PRIu64 " does not run any more (%s); its message is dropped", run_id,
                        detail);
                receiver_drop_run(r->node, run_id);
                pull_later(r, DROPPED_PAUSE);
        } else if (status == RPC_UNAUTHENTICATED) {
                set_state(r, RECEIVER_IDLE);
                member_lost_identity(r->node, detail);
        } else if (status == RPC_UNAVAILABLE) {
                /* All retries that the flags allow are used up, or the handshake will never succeed. */
                log_error("%s failed: %s; giving up", what, detail);
                set_state(r, RECEIVER_IDLE);
                supernode_fail(r->node, EX_UNAVAILABLE);
        } else {
                log_warning("%s failed: %s (%s); trying again", what, detail, rpc_class_to_string(status));
                pull_later(r, ERROR_PAUSE);
        }
        return true;
}

/* ---- the message itself ---- */

/* A message that cannot be worked on is answered, so that nobody waits for it. */
static void refuse(Receiver *r, int64_t code, const char *why)
{
        (void) clientappio_reply_error(r->node->appio, &instruction(r)->message_id, code, why);
}

/* Starts a call of this state; where that fails, the message is taken up again later. */
static void call(Receiver *r, RpcMethodId method, const void *request, stub_done_t done)
{
        int e = stub_call(r->node->stub, method, request, NULL, done, r, &r->call);

        if (e >= 0)
                return;
        log_error_errno(e, "Cannot call the SuperLink; trying again");
        pull_later(r, ERROR_PAUSE);
}

/* A full disk is told once, not at each try. */
static void not_stored(Receiver *r, int error, const char *what)
{
        if (error == -ENOSPC)
                supernode_look_at_space(r->node);
        else
                log_error_errno(error, "%s cannot be stored; trying again", what);
}

static void on_confirmed(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Receiver *r = userdata;

        r->call = NULL;
        if (failed(r, status, detail, "Confirming a message"))
                return;
        log_info("Received successfully");
        set_state(r, RECEIVER_IDLE);
        pull(r);
}

static void on_stored(int outcome, void *userdata)
{
        Receiver *r = userdata;
        ObjectRequest request;

        if (--r->syncs_pending > 0 || r->state != RECEIVER_STORING)
                return;
        if (outcome < 0) {
                log_error_errno(outcome, "The message cannot be written to disk; not confirmed");
                pull_later(r, ERROR_PAUSE);
                return;
        }
        request = (ObjectRequest){
                .node_id = r->node->node_id,
                .run_id = instruction(r)->run_id,
                .id = instruction(r)->message_id,
        };
        r->state = RECEIVER_CONFIRMING;
        call(r, RPC_FLEET_CONFIRM_MESSAGE_RECEIVED, &request, on_confirmed);
}

static void store_when_whole(Receiver *r)
{
        if (r->n_fetches > 0 || r->n_needed > 0)
                return;
        r->state = RECEIVER_STORING;
        r->syncs_pending++;
        store_sync(r->node->store, on_stored, r);
}

static bool content_is_good(const ObjectId *id, const Blob *content)
{
        _cleanup_object_head_ ObjectHead head = {};
        const char *why;
        ObjectId hash;

        sha256(content->data, content->size, &hash);
        return object_id_equal(&hash, id) &&
               object_head_parse(content->data, content->size, &head, &why) >= 0;
}

static void on_fetched(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Fetch *f = userdata;
        Receiver *r = f->receiver;
        ObjectReply *o = *reply;
        char hex[OBJECT_ID_HEX_MAX];
        int e;

        f->call = NULL;
        r->n_fetches--;
        if (failed(r, status, detail, "Fetching an object"))
                return;
        if (!o->found) {
                log_warning("The SuperLink has lost object %s of a message; the message is dropped",
                        object_id_format(&f->id, hex));
                refuse(r, MESSAGE_ERROR_MESSAGE_UNAVAILABLE, REASON_LOST);
                pull_later(r, ERROR_PAUSE);
                return;
        }
        if (!o->available) {
                r->needed[r->n_needed++] = f->id;
                if (now_monotonic() - r->fetch_since > OBJECT_WAIT_MAX)
                        pull_later(r, 0);
                else
                        arm(r, OBJECT_PAUSE);
                return;
        }
        if (!o->content || !content_is_good(&f->id, o->content)) {
                log_error("Object %s arrived damaged; the message is fetched again",
                        object_id_format(&f->id, hex));
                pull_later(r, ERROR_PAUSE);
                return;
        }
        e = store_object_put(r->node->store, instruction(r)->run_id, &f->id, o->content, NULL, NULL);
        if (e < 0) {
                not_stored(r, e, "An object");
                pull_later(r, ERROR_PAUSE);
                return;
        }
        fetch_more(r);
}

static void fetch_more(Receiver *r)
{
        for (size_t i = 0; i < FETCH_WINDOW && r->n_needed > 0; i++) {
                Fetch *f = &r->fetches[i];
                ObjectRequest request = {.node_id = r->node->node_id, .run_id = instruction(r)->run_id};

                if (f->call)
                        continue;
                f->receiver = r;
                f->id = request.id = r->needed[--r->n_needed];
                if (stub_call(r->node->stub, RPC_FLEET_PULL_OBJECT, &request, NULL, on_fetched, f,
                            &f->call) < 0) {
                        pull_later(r, ERROR_PAUSE);
                        return;
                }
                r->n_fetches++;
        }
        store_when_whole(r);
}

/* The run is known: take the message in, and ask for what it consists of. */
static void fetch(Receiver *r)
{
        Store *store = r->node->store;
        Metadata *m = instruction(r);
        int e;

        r->state = RECEIVER_FETCHING;
        r->fetch_since = now_monotonic();
        if (m->run_id == r->silent_run)
                (void) sd_event_source_set_enabled(r->silence, SD_EVENT_OFF);
        e = store_object_preregister(
                store, m->run_id, r->batch->trees, NULL, NULL, &r->needed, &r->n_needed);
        if (e >= 0)
                e = store_message_put(store, &r->batch->messages[0], NULL, NULL);
        if (e < 0) {
                not_stored(r, e, "A message");
                pull_later(r, ERROR_PAUSE);
                return;
        }
        if (!id_set_has(r->bad_runs, m->run_id)) {
                fetch_more(r);
                return;
        }
        r->n_needed = 0;
        refuse(r, MESSAGE_ERROR_INVALID_FAB, REASON_BAD_FAB);
        store_when_whole(r);
}

/* ---- its run ---- */

static int first_context(Receiver *r, const Config *run_config, Blob **ret)
{
        _cleanup_context_ Context context = {};
        _cleanup_buf_ Buf bytes = {};
        int e;

        e = context_init(&context, r->run->run_id, r->node->node_id);
        if (e >= 0)
                e = config_copy(run_config, &context.run_config);
        if (e >= 0)
                e = config_copy(&r->node->node_config, &context.node_config);
        if (e >= 0)
                e = context_encode(&context, &bytes);
        if (e < 0)
                return e;
        *ret = buf_steal_blob(&bytes);
        return *ret ? 0 : -ENOMEM;
}

/* A FAB that cannot be used: the run is taken in with it all the same, so that its messages can be answered.
 */
static int adopt_run(Receiver *r, Blob *fab, char **ret_why)
{
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_config_ Config fused = {};
        _cleanup_blob_ Blob *context = NULL;
        int e;

        if (fab_inspect(fab, &info, ret_why) >= 0 && !object_id_equal(&info.hash, &r->run->fab_hash))
                *ret_why = strdup("The FAB does not have the hash that the run names");
        if (!*ret_why)
                (void) config_fuse(&info.manifest.config, &r->run->override_config, &fused, ret_why);
        e = first_context(r, &fused, &context);
        return e < 0 ? e : store_run_adopt(r->node->store, r->run, context, fab, NULL, NULL);
}

static void on_fab(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Receiver *r = userdata;
        _cleanup_free_ char *why = NULL;
        Fab *fab = *reply;
        int e;

        r->call = NULL;
        if (failed(r, status, detail, "Fetching a FAB"))
                return;
        e = fab && fab->content ? adopt_run(r, fab->content, &why) : -EBADMSG;
        if (e < 0) {
                not_stored(r, e, "A run");
                pull_later(r, ERROR_PAUSE);
                return;
        }
        if (why) {
                log_error("Run %" PRIu64 ": %s", instruction(r)->run_id, why);
                (void) id_set_add(&r->bad_runs, instruction(r)->run_id);
        }
        fetch(r);
}

static void on_run(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Receiver *r = userdata;
        RunRequest request = {.node_id = r->node->node_id};

        r->call = NULL;
        if (failed(r, status, detail, "Asking for a run"))
                return;
        r->run = *reply;
        *reply = NULL;
        if (!r->run) {
                (void) failed(r, RPC_PERMISSION_DENIED, "run not found", "");
                return;
        }
        request.run_id = r->run->run_id;
        request.fab_hash = r->run->fab_hash;
        r->state = RECEIVER_ASKING_FAB;
        call(r, RPC_FLEET_GET_FAB, &request, on_fab);
}

static void on_pulled(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Receiver *r = userdata;
        MessageBatch *b = *reply;
        RunRequest request = {.node_id = r->node->node_id};
        char hex[OBJECT_ID_HEX_MAX], run[24];
        Metadata *m;

        r->call = NULL;
        if (failed(r, status, detail, "Pulling messages"))
                return;
        if (b->n == 0) {
                pull_later(r, now_monotonic() - r->pulled_at >= HELD_AT_LEAST ? 0 : POLL_PAUSE);
                return;
        }
        r->batch = b;
        *reply = NULL;
        m = instruction(r);
        snprintf(run, sizeof(run), "%" PRIu64, m->run_id);
        object_id_format(&m->message_id, hex);
        log_with(LOG_INFO, (&(LogFields){.run = run, .msg = hex}),
                "[RUN %s%s%s] Receiving: %s message (ID: %s)", run, *m->group_id ? ", ROUND " : "",
                m->group_id, m->message_type, hex);
        if (store_run(r->node->store, m->run_id)) {
                fetch(r);
                return;
        }
        request.run_id = m->run_id;
        r->state = RECEIVER_ASKING_RUN;
        call(r, RPC_FLEET_GET_RUN, &request, on_run);
}

static void pull(Receiver *r)
{
        NodeRequest request = {.node_id = r->node->node_id};

        if (r->state != RECEIVER_IDLE || r->node->state != MEMBER_ACTIVE)
                return;
        set_state(r, RECEIVER_PULLING);
        r->pulled_at = now_monotonic();
        call(r, RPC_FLEET_PULL_MESSAGES, &request, on_pulled);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Receiver *r = userdata;

        if (r->state == RECEIVER_FETCHING)
                fetch_more(r);
        else
                pull(r);
        return 0;
}

/* ---- runs that have ended ---- */

static void on_checked(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Receiver *r = userdata;
        char run[24];

        r->check = NULL;
        if (status == RPC_PERMISSION_DENIED || (status == RPC_OK && !*reply)) {
                snprintf(run, sizeof(run), "%" PRIu64, r->check_run);
                log_with(LOG_INFO, (&(LogFields){.run = run}), "Run %s has ended", run);
                receiver_drop_run(r->node, r->check_run);
        }
}

static void check_run(Receiver *r, uint64_t run_id)
{
        const RunRequest request = {.node_id = r->node->node_id, .run_id = run_id};

        if (r->check)
                return;
        r->check_run = run_id;
        (void) stub_call(r->node->stub, RPC_FLEET_GET_RUN, &request, NULL, on_checked, r, &r->check);
}

static int on_silence(sd_event_source *s, uint64_t usec, void *userdata)
{
        Receiver *r = userdata;

        if (r->node->state == MEMBER_ACTIVE && store_run(r->node->store, r->silent_run))
                check_run(r, r->silent_run);
        return 0;
}

void receiver_reply_sent(Receiver *r, uint64_t run_id)
{
        r->silent_run = run_id;
        (void) sd_event_source_set_time(r->silence, now_monotonic() + SILENT_RUN_AFTER);
        (void) sd_event_source_set_enabled(r->silence, SD_EVENT_ONESHOT);
}

void receiver_check_runs(Receiver *r)
{
        const Run *run, *next = NULL, *first = NULL;
        size_t pos = 0;

        /* One run a heartbeat, in the order of their ids: enough to free what ended runs hold. */
        while ((run = store_run_next(r->node->store, &pos))) {
                if (!first || run->run_id < first->run_id)
                        first = run;
                if (run->run_id > r->check_run && (!next || run->run_id < next->run_id))
                        next = run;
        }
        next = next ?: first;
        if (next)
                check_run(r, next->run_id);
}

/* ---- life ---- */

void receiver_start(Receiver *r)
{
        pull(r);
}

void receiver_stop(Receiver *r)
{
        (void) sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        r->call = stub_call_cancel(r->call);
        r->check = stub_call_cancel(r->check);
        set_state(r, RECEIVER_IDLE);
}

int receiver_new(Supernode *s, Receiver **ret)
{
        Receiver *r = new0(Receiver, 1);
        int e;

        if (!r)
                return -ENOMEM;
        r->node = s;
        e = sd_event_add_time(s->event, &r->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, r);
        if (e < 0) {
                free(r);
                return e;
        }
        (void) sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        e = sd_event_add_time(s->event, &r->silence, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 10, on_silence, r);
        if (e < 0) {
                receiver_free(r);
                return e;
        }
        (void) sd_event_source_set_enabled(r->silence, SD_EVENT_OFF);
        *ret = r;
        return 0;
}

Receiver *receiver_free(Receiver *r)
{
        if (!r)
                return NULL;
        receiver_stop(r);
        sd_event_source_disable_unref(r->timer);
        sd_event_source_disable_unref(r->silence);
        id_set_clear(&r->bad_runs);
        return mfree(r);
}
