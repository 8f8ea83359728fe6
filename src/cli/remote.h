/* The connection of a command to its SuperLink: one channel, one loop, typed calls that report their own
 * failure.
 *
 * Functions here return 0, or the process status of an error that they have reported. */
#pragma once

#include <systemd/sd-event.h>

#include "cli/conn-config.h"
#include "cli/report.h"
#include "stubs/stub.h"

typedef struct Remote {
        OutputFormat format;
        ConnConfig conn;
        sd_event *event;
        TlsContext *tls;
        Channel *channel;
        Stub *stub;
        bool exec; /* the SuperLink knows only the Exec service: Flower 1.20 */
} Remote;

/* What the positional arguments [APP] [FEDERATION] mean. A single one that is no directory is a name, as
 * since 1.26. */
void remote_split_positionals(char **positionals, const char **ret_app, const char **ret_name);

int remote_open(Remote *r, OutputFormat f, const char *app_dir, const char *name, char *const *overrides);
void remote_done(Remote *r);
#define _cleanup_remote_ _cleanup_(remote_done)

/* method is the Control one. *ret_reply is owned: rpc_free(); NULL where the method's reply is empty. */
int remote_call(Remote *r, RpcMethodId method, const void *request, void **ret_reply);
/* The same for callers that decide themselves; a negative errno is the loop's. */
int remote_try(Remote *r, RpcMethodId method, const void *request, RpcClass *ret_status, char **ret_detail,
        void **ret_reply);
/* The row to use now, and whether an answer means that the other one should be tried. */
RpcMethodId remote_method(const Remote *r, RpcMethodId method);
bool remote_should_switch(Remote *r, RpcMethodId method, RpcClass status, const char *detail);
int remote_report(const Remote *r, RpcClass status, const char *detail);
