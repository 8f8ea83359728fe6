/* What every file here that handles GnuTLS objects needs: cleanup, import, error texts. */
#pragma once

#include <gnutls/x509.h>

#include "base/macro.h"

/* A pin: this and the hexadecimal SHA-256 of a public key. */
#define PIN_PREFIX "sha256:"
#define PIN_SIZE 32

static inline void x509_crt_done(gnutls_x509_crt_t *c)
{
        if (*c)
                gnutls_x509_crt_deinit(*c);
}
#define _cleanup_x509_crt_ _cleanup_(x509_crt_done)

static inline void x509_key_done(gnutls_x509_privkey_t *k)
{
        if (*k)
                gnutls_x509_privkey_deinit(*k);
}
#define _cleanup_x509_key_ _cleanup_(x509_key_done)

/* The pin of a certificate's public key, allocated. -EBADMSG: it cannot be hashed. */
int x509_crt_pin(gnutls_x509_crt_t c, char **ret);

/* Wipes, as it may have held a private key. */
void x509_datum_done(gnutls_datum_t *d);
#define _cleanup_x509_datum_ _cleanup_(x509_datum_done)

/* Both return "error", or -ENOMEM when there is no memory for the text. */
int x509_fail(int error, char **reterr_text, const char *fmt, ...) _printf_(3, 4);
/* -ENOMEM or -EIO, with GnuTLS's own words behind "what". */
int x509_fail_gnutls(int gnutls_error, char **reterr_text, const char *what);

/* The first certificate of a PEM text; an unencrypted private key in PEM. -EKEYREJECTED with a text. */
int x509_import(const char *pem, gnutls_x509_crt_t *ret, char **reterr_text);
int x509_import_key(const char *pem, gnutls_x509_privkey_t *ret, char **reterr_text);
