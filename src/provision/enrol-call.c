#include "provision/enrol-call.h"

#include "provision/x509-util.h"
#include "stubs/stub.h"

#define ENROL_TIMEOUT (10 * USEC_PER_SEC)
#define ENROL_PATIENCE (30 * USEC_PER_SEC)

typedef struct Client {
        sd_event *event;
        TlsContext *tls;
        Channel *channel;
        Stub *stub;
} Client;

static void client_done(Client *c)
{
        c->stub = stub_free(c->stub);
        c->channel = channel_free(c->channel);
        c->tls = tls_context_unref(c->tls);
        c->event = sd_event_unref(c->event);
}

static int client_open(Client *c, const char *address, const char *ca_file, char **reterr_text)
{
        StubConfig config = {.max_retries = -1, .max_wait = ENROL_PATIENCE, .give_up_on_handshake = true};
        int r;

        r = sd_event_new(&c->event);
        if (r >= 0)
                r = tls_client_new(ca_file, &c->tls, reterr_text);
        if (r >= 0)
                r = channel_new(c->event, address, c->tls, &c->channel);
        config.channel = c->channel;
        return r < 0 ? r : stub_new(c->event, &config, &c->stub);
}

static int judge(RpcClass status, const char *detail, EnrolResult *ret, char **reterr_text)
{
        switch (status) {
        case RPC_OK:
                *ret = ENROL_DONE;
                return 0;
        case RPC_UNIMPLEMENTED:
                *ret = ENROL_UNKNOWN_METHOD;
                return 0;
        case RPC_FAILED_PRECONDITION:
                return x509_fail(-EACCES, reterr_text, "%s", strempty(detail));
        case RPC_UNAVAILABLE:
        case RPC_DEADLINE_EXCEEDED:
                return x509_fail(-EHOSTUNREACH, reterr_text, "%s", strempty(detail));
        default:
                return x509_fail(
                        -EPROTO, reterr_text, "%s: %s", rpc_class_to_string(status), strempty(detail));
        }
}

int enrol_call(const JoinString *j, const char *ca_file, const char *public_key, EnrolResult *ret,
        char **reterr_text)
{
        const EnrolRequest request = {
                .public_key = (char *) public_key, .token_id = j->id, .secret = j->secret};
        const StubOptions options = {.timeout = ENROL_TIMEOUT};
        _cleanup_(client_done) Client c = {};
        _cleanup_free_ char *detail = NULL;
        RpcClass status;
        void *reply = NULL;
        int r;

        r = client_open(&c, j->address, ca_file, reterr_text);
        if (r >= 0)
                r = stub_call_wait(c.stub, c.event, RPC_NATIVE_ENROL, &request, &options, NULL, &status,
                        &detail, &reply);
        if (r < 0)
                return *reterr_text ? -EPROTO : x509_fail(-EPROTO, reterr_text, "%s", strerror(-r));
        rpc_free(RPC_ENROL_RESPONSE, reply);
        return judge(status, detail, ret, reterr_text);
}
