/* Questions about certificates that lie in files: whose is it, what is its pin, how long does it live. PEM
 * in, PEM out; results and errors as in provision/x509-make.h. */
#pragma once

#include "base/time-util.h"

/* Certificates in one file or one handshake; our own chains have two. */
#define X509_CHAIN_MAX 16

/* The certificate among some texts of one or more certificates (NULL texts are passed over) whose public key
 * is that of "key", alone, in PEM; one that signed itself goes before one that another CA signed. 1, or 0:
 * none has it (texts that are no certificates have none). */
int x509_find_certificate(const char *key, const char *const *texts, size_t n, char **ret);
/* Does "bundle" hold the first certificate of "certificate"? */
bool x509_bundle_has(const char *bundle, const char *certificate);
/* "sha256:" and 64 hex digits of the public key (SubjectPublicKeyInfo) of the first certificate. */
int x509_pin(const char *certificate, char **ret, char **reterr_text);
/* The last certificate of a chain if it is one of a CA (alone, in PEM), or of a chain of one that signed
 * itself. -ENOENT: no CA in it. */
int x509_chain_ca(const char *chain, char **ret, char **reterr_text);
/* When the first certificate ends; is less than a third of its life left? */
int x509_life(const char *certificate, usec_t now, usec_t *ret_until, bool *ret_renew, char **reterr_text);
