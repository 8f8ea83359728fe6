/* What a node needs to join: where the SuperLink is, whom to trust there, and perhaps permission.
 *
 *      flwr+join://superlink.example.org:9092?ca=sha256:<64 hex digits>&t=<id>.<secret>
 *
 * Travels in mails and files, so it may be anything. */
#pragma once

#include "base/macro.h"

#define JOIN_SCHEME "flwr+join://"
#define JOIN_STRING_MAX 1024 /* the longest name, pin and token are half of it */
#define JOIN_PIN_PREFIX "sha256:"

typedef struct JoinString {
        char *address;     /* "host:port", "[v6]:port" */
        char *host;        /* without brackets: what the certificate must name */
        char *pin;         /* "sha256:...", NULL in a bare address */
        char *id, *secret; /* both or none; wiped */
} JoinString;

void join_string_done(JoinString *j);
#define _cleanup_join_string_ _cleanup_(join_string_done)

/* The string, or (bare) an address alone; blanks around it do not matter. -EINVAL with *reterr_text (owned
 * by the caller), which does not repeat the secret; -ENOMEM. */
int join_string_parse(const char *s, JoinString *ret, char **reterr_text);
/* NULL when out of memory. */
char *join_string_format(const JoinString *j);
/* The address part alone, for --address. */
int join_address_parse(const char *s, JoinString *ret, char **reterr_text);
