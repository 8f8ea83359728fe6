/* A small CA for one federation, and server certificates signed by it.
 *
 * The CA's key is ECDSA P-384 (it lives ten years), a server's P-256: handshakes are fast with it, and every
 * TLS peer of Flower takes both. The CA signs with SHA-384; serial numbers are random. Everything is PEM in
 * memory; which files it comes from and goes to is the commands' work. */
#pragma once

#include "base/time-util.h"

#define X509_FILE_SIZE_MAX (256 * 1024) /* a trust bundle of some hundred certificates */
#define X509_DAYS_MAX 36500
#define X509_NAMES_MAX 100 /* a handshake carries all of them */
#define X509_NAME_SIZE 254 /* the longest DNS name, and NUL */

typedef struct X509Pair {
        char *key;         /* PKCS#8, not encrypted; wiped */
        char *certificate; /* of a server: its own, then the CA's */
} X509Pair;

void x509_pair_done(X509Pair *p);
#define _cleanup_x509_pair_ _cleanup_(x509_pair_done)

/* Negative results below: -ENOMEM, or -EINVAL for arguments, -EKEYREJECTED for what is in files, -EIO when
 * GnuTLS fails, all three with *reterr_text (owned by the caller). */

/* Signs itself; may sign servers, and its successor. Valid from an hour ago, as clocks differ. */
int x509_make_ca(const char *common_name, uint64_t days, usec_t now, X509Pair *ret, char **reterr_text);
/* The certificate of "successor", a CA, as the old CA signs it: whoever trusts the old one trusts with it
 * what the new one signs. Ends with the first of both. */
int x509_make_link(
        const X509Pair *old, const X509Pair *successor, usec_t now, char **ret, char **reterr_text);
/* names: DNS names and IP addresses as text, NULL-terminated, at least one. Ends with the CA if that ends
 * earlier. link (NULL: none) gets its place in the chain, in front of the CA: verifiers take the first
 * issuer that fits, and those who trust the CA itself have it before they look at the chain. */
int x509_make_server(const X509Pair *ca, const char *link, char *const *names, uint64_t days, usec_t now,
        X509Pair *ret, char **reterr_text);

/* A DNS name (perhaps with a wildcard in front) or an IP address, as certificates have them. */
bool x509_name_is_valid(const char *name);

/* Key and certificate belong together? */
int x509_pair_check(const X509Pair *p, char **reterr_text);
/* Is "certificate" (its first) signed by the first one of "ca", and has neither ended? */
int x509_issuer_check(const char *certificate, const char *ca, usec_t now, char **reterr_text);

/* The names that a server on this machine answers to without anybody having set up more: localhost, the
 * host's own name, loopback and the wildcard address (clients of the examples connect to it). Nothing is
 * looked up. Free with options_free_strings(). */
int x509_default_names(char ***ret);
