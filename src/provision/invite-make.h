/* Makes an invitation on the SuperLink's host: a file for the daemon, a join string for the node. */
#pragma once

#include "base/time-util.h"
#include "provision/join-string.h"
#include "provision/place.h"

typedef struct InviteSpec {
        const char *address; /* NULL: the best of /etc/flwr/tls/names, port 9092 */
        const char *name;    /* or NULL */
        usec_t life;
        uint64_t uses;
} InviteSpec;

/* Logs its errors. *ret has everything that join_string_format() needs. */
int invite_make(const Place *p, const InviteSpec *spec, JoinString *ret);
/* One that was made and not used after all. */
void invite_unmake(const Place *p, const char *id);
