/* Certificates and TLS keys in words for people. Bytes that a terminal could take for commands are replaced.
 */
#pragma once

#include "base/time-util.h"

/* Lines about each certificate of a PEM text, each starting with "name: ": what it is, names, key, SHA-256
 * fingerprint, signer, until when. -EKEYREJECTED with *reterr_text (owned by the caller), -ENOMEM. */
int x509_describe(const char *pem, const char *name, usec_t now, char **ret, char **reterr_text);
/* The same for a private key of TLS; its fingerprint is that of the public half (SHA-256 of
 * SubjectPublicKeyInfo). */
int x509_describe_key(const char *pem, const char *name, char **ret, char **reterr_text);
