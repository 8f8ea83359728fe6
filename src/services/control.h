/* Control, called Exec in 1.20: what the command line calls. Private to the hub's services. */
#pragma once

#include "services/link-private.h"

void control_stream_logs(Call *c, void *request);

/* Whether a request for that federation is for the only one there is, whatever the caller's release calls
 * it.
 */
bool control_federation_is_ours(const char *name);
Run *control_run_copy_new(const Run *run);

/* control-nodes.c */
int control_prepare_register_node(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);
void control_register_node(Call *c, void *request);
void control_unregister_node(Call *c, void *request);
void control_list_nodes(Call *c, void *request);
void control_list_federations(Call *c, void *request);
void control_show_federation(Call *c, void *request);
