/* The call by which a node has its key registered with the secret of an invitation. */
#pragma once

#include "provision/join-string.h"

typedef enum EnrolResult {
        ENROL_DONE,
        ENROL_UNKNOWN_METHOD, /* a genuine SuperLink: its operator registers the key */
} EnrolResult;

/* Trusts the CA in ca_file alone. Tries for half a minute. -EACCES: refused; -EHOSTUNREACH: no connection;
 * -EPROTO: anything else; all with *reterr_text (owned by the caller). */
int enrol_call(const JoinString *j, const char *ca_file, const char *public_key, EnrolResult *ret,
        char **reterr_text);
