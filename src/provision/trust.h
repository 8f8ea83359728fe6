/* The chain that a SuperLink presents, judged by the pin of its CA and nothing else. No I/O.
 *
 * The trust is in one certificate: the one in the presented chain whose public key has the pinned hash. A
 * bundle of which only one certificate matches would let the others in. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/macro.h"

/* Verifies the first certificate of the chain (DER) for host, as server, trusting the one with the pin
 * alone, and gives that one in PEM. -EKEYREJECTED with *reterr_text (owned by the caller), -ENOMEM. */
int trust_check(const gnutls_datum_t *chain, unsigned n, const char *pin, const char *host, char **ret_ca,
        char **reterr_text);
/* The pin of the certificate that the chain ends with, for a person to compare. */
int trust_last_pin(const gnutls_datum_t *chain, unsigned n, char **ret, char **reterr_text);
