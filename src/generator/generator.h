/* Makes systemd listen where the configuration says.
 *
 * systemd opens the sockets of the daemons, so that an address in /etc/flwr would have no effect by itself.
 * This is run at boot and at every `systemctl daemon-reload`, and writes a drop-in for each socket unit
 * whose address is configured. */
#pragma once

#include "base/macro.h"

/* Drop-ins of the administrator with a later name win. */
#define GENERATOR_DROPIN "50-flwr-config.conf"

typedef void (*GeneratorLog)(void *userdata, const char *text);

/* Reads below confdir, writes below outdir; unitdir is where the packages' units are. What is wrong with the
 * configuration is told and changes nothing: the units then keep their own addresses, and the program says
 * more when it starts. An error is one of outdir's. */
int generator_run(
        const char *confdir, const char *unitdir, const char *outdir, GeneratorLog log, void *userdata);
