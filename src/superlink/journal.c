/* Lines of the journal about runs and nodes. */
#include <inttypes.h>
#include <stdio.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "superlink/superlink.h"

#define UNKNOWN_TOLD_EVERY (60 * 60 * USEC_PER_SEC)

static void log_end(const Run *run, const char *id)
{
        bool failed = run->sub_status == RUN_FAILED;
        const LogFields fields = {
                .run = id,
                .app = run->fab_id,
                .message_id = failed ? FLWR_MESSAGE_RUN_FAILED : FLWR_MESSAGE_RUN_FINISHED,
        };

        log_with(failed ? LOG_ERR : LOG_INFO, &fields, "Run %s (%s %s) is finished: %s%s%s", id, run->fab_id,
                run->fab_version, run_sub_status_to_string(run->sub_status),
                isempty(run->details) ? "" : ", ", strempty(run->details));
}

void superlink_log_run(const Run *run, void *userdata)
{
        Superlink *s = userdata;
        char id[24];

        snprintf(id, sizeof(id), "%" PRIu64, run->run_id);
        if (run->status == RUN_RUNNING && id_set_add(&s->running, run->run_id) == 0)
                log_with(LOG_INFO,
                        (&(LogFields){
                                .run = id, .app = run->fab_id, .message_id = FLWR_MESSAGE_RUN_STARTED}),
                        "Run %s (%s %s) has started", id, run->fab_id, run->fab_version);
        if (run->status != RUN_FINISHED)
                return;
        id_set_remove(&s->running, run->run_id);
        log_end(run, id);
}

/* flwr-provision looks for it when the machine turns out to be a copy. */
static void mark_joined(Superlink *s)
{
        _cleanup_free_ char *path = s->joined ? NULL : path_join(s->home, "joined");
        int r;

        if (!path)
                return;
        r = write_file_atomic(path, "", 0, 0644, false);
        if (r < 0)
                log_warning_errno(r, "Cannot write %s, ignoring", path);
        s->joined = true;
}

static void log_registered(const StoreNode *node, const char *id)
{
        char key[OBJECT_ID_HEX_MAX];

        object_id_format(&node->fingerprint, key);
        log_with(LOG_INFO, (&(LogFields){.node = id, .message_id = FLWR_MESSAGE_NODE_REGISTERED}),
                "Key %.16s is registered as SuperNode %s", key, id);
}

void superlink_log_node(const StoreNode *node, void *userdata)
{
        bool online = node->status == NODE_ONLINE;
        char id[24];

        snprintf(id, sizeof(id), "%" PRIu64, node->node_id);
        /* One that registers itself is online next. */
        if (node->status == NODE_REGISTERED && !node->self_registered)
                log_registered(node, id);
        if (!online && node->status != NODE_OFFLINE)
                return;
        log_with(LOG_INFO,
                (&(LogFields){.node = id,
                        .message_id = online ? FLWR_MESSAGE_NODE_ONLINE : FLWR_MESSAGE_NODE_OFFLINE}),
                "SuperNode %s is %s", id, node_status_to_string(node->status));
        if (online)
                mark_joined(userdata);
}

void superlink_log_unknown(const ObjectId *key, const char *peer, void *userdata)
{
        usec_t now = now_monotonic();
        char hex[OBJECT_ID_HEX_MAX];
        Superlink *s = userdata;

        for (size_t i = 0; i < SUPERLINK_UNKNOWN_MAX; i++)
                if (s->unknown[i].told > 0 && now - s->unknown[i].told < UNKNOWN_TOLD_EVERY &&
                        object_id_equal(&s->unknown[i].key, key))
                        return;
        /* Whoever makes up keys gets no line for each. */
        if (s->unknown[s->next_unknown].told > 0 &&
                now - s->unknown[s->next_unknown].told < UNKNOWN_TOLD_EVERY)
                return;
        s->unknown[s->next_unknown].key = *key;
        s->unknown[s->next_unknown].told = now;
        s->next_unknown = (s->next_unknown + 1) % SUPERLINK_UNKNOWN_MAX;
        object_id_format(key, hex);
        log_with(LOG_WARNING, (&(LogFields){.peer = peer, .message_id = FLWR_MESSAGE_NODE_UNKNOWN}),
                "A node at %s was turned away: its key %.16s is not registered here", peer, hex);
}

void superlink_log_enrolment(const EnrolOutcome *o, void *userdata)
{
        char key[OBJECT_ID_HEX_MAX], node[24];

        object_id_format(&o->key, key);
        snprintf(node, sizeof(node), "%" PRIu64, o->node_id);
        if (o->refused)
                log_with(LOG_WARNING,
                        (&(LogFields){.peer = o->peer, .message_id = FLWR_MESSAGE_ENROL_REFUSED}),
                        "Invitation %s refused to %s: %s", o->id, o->peer, o->refused);
        else
                log_with(LOG_INFO,
                        (&(LogFields){
                                .node = node, .peer = o->peer, .message_id = FLWR_MESSAGE_NODE_ENROLLED}),
                        "Invitation %s (%s) used by %s: key %.16s is registered as SuperNode %s", o->id,
                        o->name ?: "no name", o->peer, key, node);
}
