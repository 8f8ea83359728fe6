/* /etc/flwr/tls/names: what the SuperLink's certificate is made out to, one DNS name or IP address a line,
 * "#" begins a comment. Written once, then the administrator's.
 *
 * Nothing is looked up anywhere but in files and in the kernel: a name service that does not answer would
 * hold up an installation for ten seconds. */
#pragma once

#include "base/macro.h"

#define NAMES_FILE_SIZE_MAX (64 * 1024) /* X509_NAMES_MAX of the longest names, and comments */

/* The names in a file's text, NULL-terminated, without repetitions; free with options_free_strings().
 * -EINVAL with *reterr_text (owned by the caller): which line, and what is allowed. */
int names_parse(const char *text, char ***ret, char **reterr_text);

/* What names_generate() makes the list from. */
typedef struct NamesFacts {
        const char *host;       /* or "" */
        const char *hosts_file; /* text of /etc/hosts, or "" */
        char *const *addresses; /* of the interfaces, NULL-terminated */
} NamesFacts;
/* The text of a first file: host name, other names of this machine in /etc/hosts (lines with its host name
 * or one of its addresses), localhost, loopback, addresses. At most X509_NAMES_MAX. */
int names_generate(const NamesFacts *facts, char **ret);
/* Addresses of the interfaces that are up, without loopback and link-local ones; none where the kernel does
 * not say. -ENOMEM. Free with options_free_strings(). */
int names_addresses(char ***ret);

/* Is a certificate (PEM; its first) made out to exactly these names? 1, 0, or as x509_import(). */
int names_match(const char *certificate, char *const *names, char **reterr_text);
/* The best name to be reached by from elsewhere: the first that is not localhost, loopback or a wildcard,
 * DNS names before addresses. NULL: none. */
const char *names_public(char *const *names);
