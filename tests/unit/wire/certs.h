/* Certificates made on the spot, in a temporary directory. Asserts on failure. */
#pragma once

#include <time.h>

#include "base/macro.h"

typedef struct CertOptions {
        const char *name;       /* file names: <name>.pem, <name>.key */
        const char *dns;        /* NULL: none */
        const char *const *ips; /* NULL-terminated list, or NULL */
        time_t from, until;     /* 0: an hour ago, in an hour */
} CertOptions;

char *certs_dir_new(void);
void certs_dir_free(char *dir);                      /* with what is in it */
char *certs_path(const char *dir, const char *name); /* malloc'ed */
void certs_make_ca(const char *dir, const char *name);
/* Signed by the CA of that name. */
void certs_make(const char *dir, const char *ca, const CertOptions *o);
/* <name>.pem: the certificate of "successor", a CA, signed by another one. */
void certs_make_link(const char *dir, const char *ca, const char *successor, const char *name);
