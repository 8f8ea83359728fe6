#include <sys/stat.h>
#include <sysexits.h>

#include "cli/remote.h"
#include "cli/rpc-text.h"

void remote_split_positionals(char **positionals, const char **ret_app, const char **ret_name)
{
        const char *first = positionals[0];
        struct stat st;

        *ret_app = first ? first : ".";
        *ret_name = first ? positionals[1] : NULL;
        if (first && !*ret_name && !strchr(first, '/') && (stat(first, &st) < 0 || !S_ISDIR(st.st_mode))) {
                *ret_app = ".";
                *ret_name = first;
        }
}

static int open_channel(Remote *r, char **reterr_text)
{
        StubConfig config = {.max_wait = USEC_INFINITY, .give_up_on_handshake = true};
        int k;

        k = sd_event_new(&r->event);
        if (k < 0)
                return k;
        if (!r->conn.insecure) {
                k = tls_client_new(r->conn.root_certificates, &r->tls, reterr_text);
                if (k < 0)
                        return k;
        }
        k = channel_new(r->event, r->conn.address, r->tls, &r->channel);
        if (k < 0)
                return k;
        config.channel = r->channel;
        return stub_new(r->event, &config, &r->stub);
}

int remote_open(Remote *r, OutputFormat f, const char *app_dir, const char *name, char *const *overrides)
{
        const ConnPlaces places = {app_dir, FLWR_CONFDIR "/config.toml", CONN_SYSTEM_SOCKET};
        _cleanup_free_ char *text = NULL;
        int k;

        r->format = f;
        k = conn_config_load(&places, name, overrides, &r->conn, &text);
        if (k == -EINVAL || k == -ENOENT)
                return report_error(f, EX_CONFIG, "%s", strempty(text));
        if (k < 0)
                return report_errno(f, k, text);

        k = open_channel(r, &text);
        if (k < 0)
                return report_error(f, EX_CONFIG, "Cannot use \"%s\" of %s: %s", r->conn.name,
                        r->conn.source, text ? text : strerror(-k));
        return 0;
}

void remote_done(Remote *r)
{
        r->stub = stub_free(r->stub);
        r->channel = channel_free(r->channel);
        r->tls = tls_context_unref(r->tls);
        r->event = sd_event_unref(r->event);
        conn_config_done(&r->conn);
}

static bool has_exec_twin(RpcMethodId method)
{
        return method + 1 < _RPC_METHOD_MAX && startswith(RPC_METHODS[method + 1].path, "/flwr.proto.Exec/");
}

RpcMethodId remote_method(const Remote *r, RpcMethodId method)
{
        return r->exec && has_exec_twin(method) ? method + 1 : method;
}

bool remote_should_switch(Remote *r, RpcMethodId method, RpcClass status, const char *detail)
{
        if (r->exec || !has_exec_twin(method) ||
                (status != RPC_UNIMPLEMENTED &&
                        !(status == RPC_UNKNOWN && strstr(strempty(detail), "Error in service handler!"))))
                return false;
        r->exec = true;
        return true;
}

int remote_try(Remote *r, RpcMethodId method, const void *request, RpcClass *ret_status, char **ret_detail,
        void **ret_reply)
{
        _cleanup_free_ char *detail = NULL;
        void *reply = NULL;
        RpcClass status;
        int k;

        do {
                detail = mfree(detail);
                k = stub_call_wait(r->stub, r->event, remote_method(r, method), request, NULL, NULL, &status,
                        &detail, &reply);
                if (k < 0)
                        return k;
        } while (remote_should_switch(r, method, status, detail));

        *ret_status = status;
        *ret_detail = TAKE_PTR(detail);
        *ret_reply = reply;
        return 0;
}

int remote_report(const Remote *r, RpcClass status, const char *detail)
{
        _cleanup_free_ char *text = NULL;
        int exit_status = rpc_explain(status, detail, &r->conn, &text);

        return report_error(r->format, exit_status, "%s", text ? text : "Out of memory");
}

int remote_call(Remote *r, RpcMethodId method, const void *request, void **ret_reply)
{
        _cleanup_free_ char *detail = NULL;
        RpcClass status;
        void *reply = NULL;
        int k;

        k = remote_try(r, method, request, &status, &detail, &reply);
        if (k < 0)
                return report_errno(r->format, k, NULL);
        if (status != RPC_OK)
                return remote_report(r, status, detail);
        if (!reply && RPC_METHODS[method].reply != RPC_EMPTY)
                return remote_report(r, RPC_INTERNAL, "the reply is empty");
        *ret_reply = reply;
        return 0;
}
