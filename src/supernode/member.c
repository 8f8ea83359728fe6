/* Membership: who we are for the SuperLink, and that we are still here. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/daemon.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"
#include "supernode/supernode.h"

#define HEARTBEAT_INTERVAL 30.0 /* seconds; genuine value, the SuperLink waits twice as long */
#define HEARTBEAT_DEADLINE (5 * USEC_PER_SEC)
/* A node whose predecessor crashed is refused by genuine SuperLinks until its old heartbeat has run out (60
 * s). */
#define ACTIVATE_AGAIN_AFTER (3 * USEC_PER_SEC)
#define ACTIVATE_TRIES_MAX 30
#define JOIN_AGAIN_AFTER (500 * USEC_PER_MSEC)
#define LEAVE_DEADLINE (2 * USEC_PER_SEC)

static void join(Supernode *s);

static void set_state(Supernode *s, MemberState state)
{
        static const char *const names[_MEMBER_STATE_MAX] = {
                [MEMBER_OUT] = "out",
                [MEMBER_JOINING] = "joining",
                [MEMBER_ACTIVE] = "active",
                [MEMBER_LEAVING] = "leaving",
        };

        if (s->state == state)
                return;
        if (s->state == MEMBER_ACTIVE) {
                (void) sd_event_source_set_enabled(s->heartbeat_timer, SD_EVENT_OFF);
                s->heartbeat_call = stub_call_cancel(s->heartbeat_call);
                receiver_stop(s->receiver);
                sender_stop(s->sender);
        }
        log_debug("Membership: %s -> %s", names[s->state], names[state]);
        s->state = state;
}

static int call(
        Supernode *s, RpcMethodId method, const StubOptions *options, stub_done_t done, StubCall **ret)
{
        NodeRequest request = {
                .node_id = s->node_id,
                .heartbeat_interval = HEARTBEAT_INTERVAL,
                .public_key = (char *) node_key_pem(s->key),
        };
        int r = stub_call(s->stub, method, &request, options, done, s, ret);

        if (r < 0)
                log_error_errno(r, "Cannot call the SuperLink");
        return r;
}

static void rejoin_later(Supernode *s, usec_t pause)
{
        (void) sd_event_source_set_time(s->rejoin_timer, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(s->rejoin_timer, SD_EVENT_ONESHOT);
}

/* A call of the joining; where it cannot even be made, joining begins again. */
static void join_call(Supernode *s, RpcMethodId method, stub_done_t done)
{
        if (call(s, method, NULL, done, &s->member_call) < 0)
                rejoin_later(s, JOIN_AGAIN_AFTER);
}

/* ---- heartbeat ---- */

static void heartbeat_later(Supernode *s, usec_t pause)
{
        (void) sd_event_source_set_time(s->heartbeat_timer, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(s->heartbeat_timer, SD_EVENT_ONESHOT);
}

static usec_t heartbeat_pause(void)
{
        return seconds_to_usec((HEARTBEAT_INTERVAL - 5) * (0.7 + 0.2 * random_unit()));
}

static void on_heartbeat_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Supernode *s = userdata;
        BoolReply *b = *reply;

        s->heartbeat_call = NULL;
        if (status == RPC_OK && b->success) {
                heartbeat_later(s, heartbeat_pause());
                receiver_check_runs(s->receiver);
                supernode_look_at_space(s);
                if (!store_is_healthy(s->store)) {
                        log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_STATE_UNWRITABLE}),
                                "The state in %s cannot be written any more (is the disk full or broken?); "
                                "ending, so that nothing is promised that is not kept.",
                                s->directory);
                        supernode_fail(s, EX_IOERR);
                }
        } else if (status == RPC_OK || status == RPC_UNAUTHENTICATED)
                member_lost_identity(s, status == RPC_OK ? "its heartbeat was not accepted" : detail);
        else
                heartbeat_later(s, USEC_PER_SEC);
}

static int on_heartbeat_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        const StubOptions options = {.timeout = HEARTBEAT_DEADLINE};
        Supernode *s = userdata;

        if (s->state != MEMBER_ACTIVE || s->heartbeat_call)
                return 0;
        if (call(s, RPC_FLEET_SEND_NODE_HEARTBEAT, &options, on_heartbeat_done, &s->heartbeat_call) < 0)
                heartbeat_later(s, USEC_PER_SEC);
        return 0;
}

/* ---- joining ---- */

/* flwr-provision looks for it when the machine turns out to be a copy. */
static void mark_joined(Supernode *s)
{
        _cleanup_free_ char *path = s->directory ? path_join(s->directory, "joined") : NULL;
        int r = path ? write_file_atomic(path, "", 0, 0644, false) : 0;

        if (r < 0)
                log_warning_errno(r, "Cannot write %s, ignoring", path);
}

static void joined(Supernode *s, uint64_t node_id)
{
        char id[24];

        s->node_id = node_id;
        s->activate_tries = 0;
        set_state(s, MEMBER_ACTIVE);
        snprintf(id, sizeof(id), "%" PRIu64, node_id);
        log_with(LOG_INFO, (&(LogFields){.node = id, .message_id = FLWR_MESSAGE_NODE_JOINED}),
                "SuperNode ID: %s", id);
        supernode_tell_status(s);
        supernode_look_at_space(s);
        mark_joined(s);
        if (!s->has_joined)
                daemon_forget_start();
        s->has_joined = true;
        heartbeat_later(s, 0);
        receiver_start(s->receiver);
        sender_start(s->sender);
}

/* The words of a handshake that our side refused. */
static bool is_untrusted(const char *detail)
{
        return strstr(detail, "handshake failed") && strstr(detail, "certificate");
}

static char *explain_refusal(const Supernode *s, RpcClass status, const char *detail)
{
        const char *hub = channel_address(s->channel);

        if (is_untrusted(detail))
                return xasprintf(
                        "This node does not trust the SuperLink at %s: %s. Its administrator renews "
                        "its certificate; if its CA was changed, this node joins again",
                        hub, detail);
        if (strstr(detail, "Public key not recognized") ||
                strstr(detail, "No SuperNode found with the given public key"))
                return xasprintf(
                        "The SuperLink %s does not know this node's key. Its administrator registers "
                        "the public key (flwr supernode register KEY.pub), makes an invitation "
                        "(flwr-provision invite), or adds it to the key list "
                        "(--auth-list-public-keys) and reloads. (%s)",
                        hub, detail);
        if (strstr(detail, "Invalid timestamp"))
                return xasprintf("The SuperLink %s refuses our signature because its time is not right: the "
                                 "clocks of the two machines differ by more than the allowed 5 s (ahead) or "
                                 "305 s (behind). Set this machine's clock (timedatectl).",
                        hub);
        return xasprintf("The SuperLink %s did not accept this node: %s (%s)", hub, detail,
                rpc_class_to_string(status));
}

static void join_failed(Supernode *s, RpcClass status, const char *detail)
{
        _cleanup_free_ char *why = explain_refusal(s, status, detail);

        set_state(s, MEMBER_OUT);
        log_with(LOG_ERR,
                (&(LogFields){.peer = channel_address(s->channel),
                        .message_id = is_untrusted(detail) ? FLWR_MESSAGE_SUPERLINK_UNTRUSTED
                                                           : FLWR_MESSAGE_NODE_REFUSED}),
                "This node cannot join the federation. %s", strempty(why));
        supernode_fail(s, status == RPC_UNAVAILABLE ? EX_UNAVAILABLE : EX_NOPERM);
}

static void on_created(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Supernode *s = userdata;

        s->member_call = NULL;
        if (status != RPC_OK) {
                join_failed(s, status, detail);
                return;
        }
        s->generation = GENERATION_CREATE;
        joined(s, ((NodeReply *) *reply)->node_id);
}

static void create(Supernode *s)
{
        join_call(s, RPC_FLEET_CREATE_NODE, on_created);
}

/* What a SuperLink up to 1.22 says to a method that it does not have. */
static bool looks_old(const Supernode *s, RpcClass status, const char *detail)
{
        return s->generation == GENERATION_UNKNOWN &&
               ((status == RPC_UNAUTHENTICATED && strstr(detail, "Invalid node ID")) ||
                       (status == RPC_UNKNOWN && strstr(detail, "Error in service handler")) ||
                       status == RPC_UNIMPLEMENTED);
}

static void on_activated(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Supernode *s = userdata;

        s->member_call = NULL;
        if (status == RPC_OK) {
                s->generation = GENERATION_ACTIVATE;
                joined(s, ((NodeReply *) *reply)->node_id);
        } else if (looks_old(s, status, detail))
                create(s);
        else if (status == RPC_FAILED_PRECONDITION && strstr(detail, "could not be activated") &&
                 s->activate_tries++ < ACTIVATE_TRIES_MAX) {
                if (s->activate_tries == 1)
                        log_warning("The SuperLink still takes an earlier process with this key for online; "
                                    "trying again until it "
                                    "has noticed (at most 90 s).");
                rejoin_later(s, ACTIVATE_AGAIN_AFTER);
        } else
                join_failed(s, status, detail);
}

static void activate(Supernode *s)
{
        join_call(s, RPC_FLEET_ACTIVATE_NODE, on_activated);
}

static void on_registered(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Supernode *s = userdata;

        s->member_call = NULL;
        if (status == RPC_OK || (status == RPC_FAILED_PRECONDITION && strstr(detail, "already in use")))
                activate(s);
        else if (looks_old(s, status, detail))
                create(s);
        else
                join_failed(s, status, detail);
}

static void join(Supernode *s)
{
        set_state(s, MEMBER_JOINING);
        if (s->generation == GENERATION_CREATE)
                create(s);
        else if (s->own_key)
                activate(s);
        else
                join_call(s, RPC_FLEET_REGISTER_NODE, on_registered);
}

static int on_rejoin(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supernode *s = userdata;

        if (s->state == MEMBER_OUT || s->state == MEMBER_JOINING)
                join(s);
        return 0;
}

void member_lost_identity(Supernode *s, const char *why)
{
        if (s->state != MEMBER_ACTIVE)
                return;
        log_warning("The SuperLink does not know this node any more (%s); joining again", why);
        set_state(s, MEMBER_OUT);
        rejoin_later(s, JOIN_AGAIN_AFTER);
}

static int add_timer(Supernode *s, sd_event_time_handler_t handler, sd_event_source **ret)
{
        int r = sd_event_add_time(s->event, ret, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 10, handler, s);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int member_start(Supernode *s)
{
        int r;

        if ((r = add_timer(s, on_heartbeat_timer, &s->heartbeat_timer)) < 0 ||
                (r = add_timer(s, on_rejoin, &s->rejoin_timer)) < 0)
                return r;
        join(s);
        return 0;
}

/* ---- leaving ---- */

static void on_left(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Supernode *s = userdata;

        s->member_call = NULL;
        (void) sd_event_exit(s->event, 0);
}

static void on_deactivated(RpcClass status, const char *detail, void **reply, void *userdata)
{
        const StubOptions options = {.timeout = LEAVE_DEADLINE, .flags = STUB_NO_RETRY};
        Supernode *s = userdata;

        s->member_call = NULL;
        if (s->own_key || status != RPC_OK ||
                call(s, RPC_FLEET_UNREGISTER_NODE, &options, on_left, &s->member_call) < 0)
                (void) sd_event_exit(s->event, 0);
}

void member_leave(Supernode *s)
{
        const StubOptions options = {.timeout = LEAVE_DEADLINE, .flags = STUB_NO_RETRY};
        bool old = s->generation == GENERATION_CREATE, was_active = s->state == MEMBER_ACTIVE;
        /* Work is left that the next start goes on with: a node that says goodbye is given up soon (by a
         * genuine hub at once), a silent one is waited for (60 s). */
        bool will_be_back = s->directory && store_message_next(s->store, NULL);

        set_state(s, MEMBER_LEAVING);
        s->member_call = stub_call_cancel(s->member_call);
        if (!was_active || will_be_back ||
                call(s, old ? RPC_FLEET_DELETE_NODE : RPC_FLEET_DEACTIVATE_NODE, &options,
                        old ? on_left : on_deactivated, &s->member_call) < 0)
                (void) sd_event_exit(s->event, 0);
}

void member_done(Supernode *s)
{
        s->member_call = stub_call_cancel(s->member_call);
        s->heartbeat_call = stub_call_cancel(s->heartbeat_call);
        s->heartbeat_timer = sd_event_source_disable_unref(s->heartbeat_timer);
        s->rejoin_timer = sd_event_source_disable_unref(s->rejoin_timer);
}
