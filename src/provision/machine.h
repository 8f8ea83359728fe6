/* Is this still the machine for which the keys were made? Next to the keys stands a hash of /etc/machine-id;
 * after a machine was copied (image, template, container layer) it no longer matches. */
#pragma once

#include "provision/place.h"

#define MACHINE_SIZE 65 /* 64 hex digits */

/* id: text of /etc/machine-id, "" when there is none yet ("uninitialized" counts as none): an image that
 * gets its id at its first boot is a copy then. */
void machine_hash(const char *id, char ret[static MACHINE_SIZE]);

/* Of the machine-id of this host (or image). Logs. */
int machine_current(const Place *p, char ret[static MACHINE_SIZE]);

typedef enum MachineState {
        MACHINE_SAME,
        MACHINE_UNMARKED, /* keys of somebody's own, or none yet: write the mark */
        MACHINE_FRESH,    /* a copy, nobody had joined: new keys */
        MACHINE_COPY,     /* a copy, and somebody had joined: for a person to decide */
} MachineState;

/* mark: what stands next to the keys, NULL for nothing. A final newline does not matter. */
MachineState machine_state(const char *mark, const char *current, bool has_keys, bool joined);
