#include "services/enrol.h"

#include <fcntl.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "services/invite.h"
#include "services/link-private.h"

#define INVITE_MODE 0640

struct Enrol {
        EnrolConfig config;
        char *directory;
        usec_t second; /* when the present one began */
        unsigned attempts;
};

int enrol_new(const EnrolConfig *config, Enrol **ret)
{
        Enrol *e = new0(Enrol, 1);

        if (!e)
                return -ENOMEM;
        e->config = *config;
        e->directory = strdup(config->directory);
        e->config.directory = e->directory;
        if (!e->directory) {
                free(e);
                return -ENOMEM;
        }
        *ret = e;
        return 0;
}

Enrol *enrol_free(Enrol *e)
{
        if (!e)
                return NULL;
        free(e->directory);
        return mfree(e);
}

static bool within_rate(Enrol *e)
{
        usec_t now = now_monotonic();

        if (now - e->second >= USEC_PER_SEC) {
                e->second = now;
                e->attempts = 0;
        }
        return e->attempts++ < ENROL_ATTEMPTS_MAX;
}

/* Curve arithmetic is the worker's business. The extra of the request is the key's fingerprint. */
static int prepare_enrol(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        _cleanup_(public_key_freep) PublicKey *key = NULL;
        EnrolRequest *m;
        Request *req;
        void *request;
        int r;

        r = service_prepare(c, message, &request, ret_error, ret_detail);
        if (r < 0)
                return r;
        req = request;
        m = req->message;
        r = public_key_from_pem(strempty(m->public_key), strlen(strempty(m->public_key)), &key);
        if (r >= 0 && !(req->extra = new0(ObjectId, 1)))
                r = -ENOMEM;
        if (r < 0) {
                service_request_free(req);
                *ret_error = RPCERR_NODE_KEY_INVALID;
                return r;
        }
        req->free_extra = free;
        public_key_fingerprint(key, req->extra);
        *ret_request = req;
        return 0;
}

static const char *refusal(InviteVerdict v)
{
        switch (v) {
        case INVITE_EXPIRED:
                return "This invitation has expired. Make a new one on the SuperLink: flwr-provision invite";
        case INVITE_USED_UP:
                return "This invitation has been used up. If that was not you, find out who it was. Make a "
                       "new one on "
                       "the SuperLink: flwr-provision invite";
        default:
                return "This SuperLink knows no such invitation. Make one there: flwr-provision invite";
        }
}

static int read_invite(const char *path, Invite *ret)
{
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_text_file(path, INVITE_FILE_SIZE_MAX, &text);
        return r < 0 ? r : invite_parse(text, ret);
}

/* Before the registration: better one use too many counted than one too few, and the same key may come
 * again. */
static int count_use(const char *path, Invite *i, const ObjectId *key)
{
        _cleanup_free_ char *text = NULL;
        int r;

        r = invite_add_key(i, key);
        if (r >= 0)
                r = invite_format(i, &text);
        return r < 0 ? r : write_file_atomic(path, text, strlen(text), INVITE_MODE, true);
}

static int register_key(Link *l, const char *pem, const ObjectId *key, uint64_t *ret)
{
        const StoreNode *n = store_node_by_key(l->store, key);

        if (n && !n->self_registered) {
                *ret = n->node_id;
                return 0;
        }
        /* One that had come by itself has a permission of its own from now on. */
        if (n)
                (void) store_node_forget(l->store, n->node_id, NULL, NULL);
        return store_node_register(l->store, pem, OWNER_AID, OWNER_NAME, false, NULL, NULL, ret);
}

/* 0, -EACCES with *ret_refused, or an error of disk or memory. */
static int redeem(Link *l, const EnrolRequest *m, EnrolOutcome *o, Invite *invite)
{
        _cleanup_free_ char *path = path_join(l->enrol->directory, m->token_id);
        InviteVerdict verdict = INVITE_UNKNOWN;
        int r;

        if (!path)
                return -ENOMEM;
        r = read_invite(path, invite);
        if (r >= 0)
                verdict = invite_judge(invite, m->secret, &o->key, now_realtime());
        else if (r != -ENOENT && r != -EBADMSG)
                return r;
        if (verdict > INVITE_AGAIN) {
                o->refused = refusal(verdict);
                return -EACCES;
        }
        o->name = invite->name;
        r = verdict == INVITE_GOOD ? count_use(path, invite, &o->key) : 0;
        if (r >= 0)
                r = register_key(l, m->public_key, &o->key, &o->node_id);
        if (r != -EEXIST)
                return r;
        o->refused = "This key has been used before and was removed from this SuperLink. Make a new one: "
                     "flwr-provision "
                     "supernode --rotate";
        return -EACCES;
}

static void tell(const Enrol *e, const EnrolOutcome *o)
{
        log_debug("Enrolment from %s with invitation %s: %s", o->peer, o->id,
                o->refused ? o->refused : "registered");
        if (e->config.on_outcome)
                e->config.on_outcome(o, e->config.userdata);
}

static void answer(Call *c, const EnrolOutcome *o)
{
        NodeReply *reply = rpc_new(RPC_ENROL_RESPONSE);

        if (reply)
                reply->node_id = o->node_id;
        service_reply_durable(c, call_link(c)->store, RPC_ENROL_RESPONSE, reply);
}

static void enrol(Call *c, void *request)
{
        Request *req = request;
        const EnrolRequest *m = req->message;
        Link *l = call_link(c);
        EnrolOutcome o = {.peer = call_peer(c), .id = m->token_id, .key = *(ObjectId *) req->extra};
        _cleanup_invite_ Invite invite = {};
        int r;

        if (!l->enrol)
                call_fail(c, RPCERR_ENROL_REFUSED,
                        "This SuperLink takes no invitations; its operator registers nodes");
        else if (!invite_id_is_valid(strempty(m->token_id)) || !invite_secret_is_valid(strempty(m->secret)))
                call_fail(c, RPCERR_ENROL_REFUSED, refusal(INVITE_UNKNOWN));
        else if (!within_rate(l->enrol))
                call_fail(c, RPCERR_BUSY, "Too many nodes enrol at this moment; try again");
        else {
                r = redeem(l, m, &o, &invite);
                if (r >= 0 || r == -EACCES)
                        tell(l->enrol, &o);
                if (r == -EACCES)
                        call_fail(c, RPCERR_ENROL_REFUSED, o.refused);
                else if (r < 0)
                        service_fail_errno(c, r, "The node could not be registered");
                else
                        answer(c, &o);
        }
        service_request_free(req);
}

int enrol_table(Method **ret)
{
        static const ServiceRow rows[] = {{RPC_NATIVE_ENROL, prepare_enrol, enrol}};

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}
