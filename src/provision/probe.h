/* The first connection to a SuperLink: a TLS handshake on a blocking socket that ends as soon as the server
 * has shown its certificates. Nothing but the handshake's first message (and the name of the host in it) is
 * sent. */
#pragma once

#include "provision/join-string.h"

/* j with a pin: as trust_check(). Without: *ret_pin is what the server shows, and *ret_ca is not set;
 * nothing is trusted. -EHOSTUNREACH with a text when there is no connection, -EPROTO when it is not TLS. */
int probe(const JoinString *j, char **ret_ca, char **ret_pin, char **reterr_text);
