#include "provision/x509-util.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

void x509_datum_done(gnutls_datum_t *d)
{
        if (d->data)
                explicit_bzero(d->data, d->size);
        gnutls_free(d->data);
        d->data = NULL;
}

int x509_fail(int error, char **reterr_text, const char *fmt, ...)
{
        char *text;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        *reterr_text = text;
        return error;
}

int x509_fail_gnutls(int gnutls_error, char **reterr_text, const char *what)
{
        if (gnutls_error == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        return x509_fail(-EIO, reterr_text, "%s: %s", what, gnutls_strerror(gnutls_error));
}

int x509_import(const char *pem, gnutls_x509_crt_t *ret, char **reterr_text)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        int r;

        r = gnutls_x509_crt_init(&c);
        if (r >= 0)
                r = gnutls_x509_crt_import(
                        c, &(gnutls_datum_t){(void *) pem, (unsigned) strlen(pem)}, GNUTLS_X509_FMT_PEM);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r < 0)
                return x509_fail(-EKEYREJECTED, reterr_text, "There is no certificate in PEM format: %s",
                        gnutls_strerror(r));
        *ret = TAKE_PTR(c);
        return 0;
}

int x509_import_key(const char *pem, gnutls_x509_privkey_t *ret, char **reterr_text)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t k = NULL;
        int r;

        r = gnutls_x509_privkey_init(&k);
        if (r >= 0)
                r = gnutls_x509_privkey_import2(k, &(gnutls_datum_t){(void *) pem, (unsigned) strlen(pem)},
                        GNUTLS_X509_FMT_PEM, NULL, 0);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r < 0)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "There is no unencrypted private key in PEM format: %s", gnutls_strerror(r));
        *ret = TAKE_PTR(k);
        return 0;
}

int x509_crt_pin(gnutls_x509_crt_t c, char **ret)
{
        _cleanup_free_ char *hex = NULL;
        uint8_t id[PIN_SIZE];
        size_t size = sizeof(id);
        char *pin;

        if (gnutls_x509_crt_get_key_id(c, GNUTLS_KEYID_USE_SHA256, id, &size) < 0)
                return -EBADMSG;
        hex = hex_encode(id, size);
        pin = hex ? xasprintf(PIN_PREFIX "%s", hex) : NULL;
        if (!pin)
                return -ENOMEM;
        *ret = pin;
        return 0;
}
