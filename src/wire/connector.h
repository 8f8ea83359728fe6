/* Makes one connected socket from a name: resolves it without blocking the loop, tries its addresses in
 * turn.
 *
 * done comes once, from the loop, unless the connector is freed before; it may free the connector. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/time-util.h"

/* All of it, name resolution included: genuine gRPC gives a connection attempt 20 s. */
#define CONNECT_TIMEOUT_USEC (20 * USEC_PER_SEC)
/* One address, when there are others to try: a firewall that drops packets must not use up the time of all.
 */
#define CONNECT_ADDRESS_USEC (5 * USEC_PER_SEC)
/* Addresses of one name that are tried. */
#define CONNECT_ADDRESSES_MAX 16

typedef struct Connector Connector;

typedef struct ConnectorConfig {
        const char *unix_path; /* or host and port */
        const char *host;
        uint16_t port;
        /* fd: non-blocking and tuned, now the callee's; or negative: why not. detail: words, NULL on
         * success; borrowed. */
        void (*done)(int fd, const char *detail, void *userdata);
        void *userdata;
} ConnectorConfig;

/* Never calls done before it returns. */
int connector_new(sd_event *event, const ConnectorConfig *config, Connector **ret);
Connector *connector_free(Connector *c);
DEFINE_CLEANUP(Connector *, connector_free);
