/* Fleet: what SuperNodes call. Private to the hub's services. */
#pragma once

#include "services/link-private.h"

/* Decodes after the signature has been verified; sets the principal. */
int fleet_prepare(Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);
int fleet_prepare_object(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail);

/* The node that calls: its key is allowed, it is registered, node_id is its own. NULL: the call has been
 * failed. */
const StoreNode *fleet_caller(Call *c, uint64_t node_id);

void fleet_pull_messages(Call *c, void *request);
void fleet_push_messages(Call *c, void *request);
void fleet_get_run(Call *c, void *request);
void fleet_get_fab(Call *c, void *request);
void fleet_push_object(Call *c, void *request);
void fleet_pull_object(Call *c, void *request);
void fleet_confirm_message_received(Call *c, void *request);
