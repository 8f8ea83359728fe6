/* Heartbeats of an app: from the I/O thread, so they go on while the app computes.
 *
 * Releases differ: from 1.24 the token is the identity, before it the run id (ServerApps only; ClientApps
 * had none). Which one holds is found out with the first ones. A "no" means that the run does not run any
 * more and stops the app. */
#pragma once

#include "libflwr/app-io.h"

typedef struct Heartbeat Heartbeat;

/* From the app thread. token: "" where the hub gave none. run_id 0: no fallback. */
int heartbeat_new(AppIo *io, RpcMethodId method, const char *token, uint64_t run_id, Heartbeat **ret);
Heartbeat *heartbeat_free(Heartbeat *h);
DEFINE_CLEANUP(Heartbeat *, heartbeat_free);
