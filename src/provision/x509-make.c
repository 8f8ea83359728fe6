#include "provision/x509-make.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <unistd.h>

#include "base/text.h"
#include "provision/x509-util.h"

#define DAY ((time_t) 86400)
#define CLOCK_SKEW ((time_t) 3600)
#define SERIAL_SIZE 16
#define COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */
#define DNS_NAME_MAX (X509_NAME_SIZE - 1)

void x509_pair_done(X509Pair *p)
{
        if (p->key)
                explicit_bzero(p->key, strlen(p->key));
        p->key = mfree(p->key);
        p->certificate = mfree(p->certificate);
}

static int make_key(gnutls_ecc_curve_t curve, gnutls_x509_privkey_t *ret)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t k = NULL;
        int r;

        r = gnutls_x509_privkey_init(&k);
        if (r >= 0)
                r = gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(curve), 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

/* What both kinds of certificate have: version, serial number, name, times, key and its identifier. */
static int set_common(
        gnutls_x509_crt_t c, gnutls_x509_privkey_t key, const char *common_name, time_t from, time_t until)
{
        uint8_t serial[SERIAL_SIZE], id[64];
        size_t id_size = sizeof(id);
        int r;

        random_bytes(serial, sizeof(serial));
        serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and always of this length */
        r = gnutls_x509_crt_set_version(c, 3);
        if (r >= 0)
                r = gnutls_x509_crt_set_serial(c, serial, sizeof(serial));
        if (r >= 0)
                r = gnutls_x509_crt_set_dn_by_oid(
                        c, GNUTLS_OID_X520_COMMON_NAME, 0, common_name, (unsigned) strlen(common_name));
        if (r >= 0)
                r = gnutls_x509_crt_set_activation_time(c, from);
        if (r >= 0)
                r = gnutls_x509_crt_set_expiration_time(c, until);
        if (r >= 0)
                r = gnutls_x509_crt_set_key(c, key);
        if (r >= 0)
                r = gnutls_x509_crt_get_key_id(c, GNUTLS_KEYID_USE_SHA1, id, &id_size);
        return r < 0 ? r : gnutls_x509_crt_set_subject_key_id(c, id, id_size);
}

static int set_authority(gnutls_x509_crt_t c, gnutls_x509_crt_t ca)
{
        uint8_t id[64];
        size_t size = sizeof(id);
        int r;

        r = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);
        /* A CA that was made elsewhere may do without. */
        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return 0;
        return r < 0 ? r : gnutls_x509_crt_set_authority_key_id(c, id, size);
}

static int export_pair(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, const char *ca, X509Pair *ret)
{
        _cleanup_x509_pair_ X509Pair p = {};
        _cleanup_x509_datum_ gnutls_datum_t d = {}, k = {};
        int r;

        r = gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &d);
        if (r >= 0)
                r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &k);
        if (r < 0)
                return r;
        p.certificate = xasprintf("%.*s%s", (int) d.size, d.data, ca);
        p.key = strndup((const char *) k.data, k.size);
        if (!p.certificate || !p.key)
                return GNUTLS_E_MEMORY_ERROR;
        *ret = p;
        p = (X509Pair){};
        return 0;
}

/* path_length: of CAs that may come between it and a server. One: that of its successor, which it signs. */
static int fill_ca(gnutls_x509_crt_t c, gnutls_x509_privkey_t key, const char *common_name, time_t from,
        time_t until, int path_length)
{
        int r;

        r = set_common(c, key, common_name, from, until);
        if (r >= 0)
                r = gnutls_x509_crt_set_basic_constraints(c, 1, path_length);
        return r < 0 ? r : gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
}

static int sign(gnutls_x509_crt_t c, gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
        int r = set_authority(c, ca);

        return r < 0 ? r : gnutls_x509_crt_sign2(c, ca, ca_key, GNUTLS_DIG_SHA384, 0);
}

static int check_days(uint64_t days, char **reterr_text)
{
        if (days > 0 && days <= X509_DAYS_MAX)
                return 0;
        return x509_fail(-EINVAL, reterr_text, "A certificate lives 1 to %u days, not %llu", X509_DAYS_MAX,
                (unsigned long long) days);
}

int x509_make_ca(const char *common_name, uint64_t days, usec_t now, X509Pair *ret, char **reterr_text)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t key = NULL;
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        time_t t = (time_t) (now / USEC_PER_SEC);
        int r;

        r = check_days(days, reterr_text);
        if (r < 0)
                return r;
        if (isempty(common_name) || strlen(common_name) > COMMON_NAME_MAX ||
                !utf8_is_valid(common_name, strlen(common_name)))
                return x509_fail(-EINVAL, reterr_text, "The common name must have 1 to %d characters",
                        COMMON_NAME_MAX);
        r = make_key(GNUTLS_ECC_CURVE_SECP384R1, &key);
        if (r >= 0)
                r = gnutls_x509_crt_init(&c);
        if (r >= 0)
                r = fill_ca(c, key, common_name, t - CLOCK_SKEW, t + (time_t) days * DAY, 1);
        if (r >= 0)
                r = sign(c, c, key);
        if (r >= 0)
                r = export_pair(c, key, "", ret);
        return r < 0 ? x509_fail_gnutls(r, reterr_text, "The CA could not be made") : 0;
}

int x509_make_link(
        const X509Pair *old, const X509Pair *successor, usec_t now, char **ret, char **reterr_text)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t key = NULL, old_key = NULL;
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL, crt = NULL, old_crt = NULL;
        _cleanup_x509_pair_ X509Pair link = {};
        char name[COMMON_NAME_MAX * 4 + 1]; /* characters of UTF-8 */
        size_t size = sizeof(name);
        time_t until;
        int r;

        r = x509_import(successor->certificate, &crt, reterr_text);
        if (r >= 0)
                r = x509_import_key(successor->key, &key, reterr_text);
        if (r >= 0)
                r = x509_import(old->certificate, &old_crt, reterr_text);
        if (r >= 0)
                r = x509_import_key(old->key, &old_key, reterr_text);
        if (r < 0)
                return r;
        until = MIN(gnutls_x509_crt_get_expiration_time(crt), gnutls_x509_crt_get_expiration_time(old_crt));
        r = gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
        if (r >= 0)
                r = gnutls_x509_crt_init(&c);
        if (r >= 0)
                r = fill_ca(c, key, name, (time_t) (now / USEC_PER_SEC) - CLOCK_SKEW, until, 0);
        if (r >= 0)
                r = sign(c, old_crt, old_key);
        if (r >= 0)
                r = export_pair(c, key, "", &link);
        if (r < 0)
                return x509_fail_gnutls(r, reterr_text, "The old CA could not sign the new one");
        *ret = TAKE_PTR(link.certificate);
        return 0;
}

/* Letters, digits, hyphens and underscores in parts of 1 to 63; a first part of "*" is a wildcard. */
static bool dns_name_is_valid(const char *name)
{
        size_t part = 0;

        if (isempty(name) || strlen(name) > DNS_NAME_MAX)
                return false;
        for (const char *p = startswith(name, "*.") ? name + 2 : name; *p; p++) {
                if (*p == '.' && part == 0)
                        return false;
                part = *p == '.' ? 0 : part + 1;
                if (part > 63 || (*p != '.' && !isalnum((unsigned char) *p) && !strchr("-_", *p)))
                        return false;
        }
        return part > 0;
}

bool x509_name_is_valid(const char *name)
{
        struct in6_addr v6;

        return inet_pton(AF_INET6, name, &v6) == 1 || dns_name_is_valid(name);
}

static int add_name(gnutls_x509_crt_t c, const char *name)
{
        struct in6_addr v6;
        struct in_addr v4;

        if (inet_pton(AF_INET, name, &v4) == 1)
                return gnutls_x509_crt_set_subject_alt_name(
                        c, GNUTLS_SAN_IPADDRESS, &v4, sizeof(v4), GNUTLS_FSAN_APPEND);
        if (inet_pton(AF_INET6, name, &v6) == 1)
                return gnutls_x509_crt_set_subject_alt_name(
                        c, GNUTLS_SAN_IPADDRESS, &v6, sizeof(v6), GNUTLS_FSAN_APPEND);
        return gnutls_x509_crt_set_subject_alt_name(
                c, GNUTLS_SAN_DNSNAME, name, (unsigned) strlen(name), GNUTLS_FSAN_APPEND);
}

static int check_names(char *const *names, char **reterr_text)
{
        size_t n = 0;

        for (; names[n]; n++) {
                if (n >= X509_NAMES_MAX)
                        return x509_fail(-EINVAL, reterr_text, "A certificate takes at most %d names",
                                X509_NAMES_MAX);
                if (!x509_name_is_valid(names[n]))
                        return x509_fail(-EINVAL, reterr_text,
                                "\"%s\" is neither a DNS name nor an IP address. Give the bare name or "
                                "address, "
                                "without port and brackets; names with other letters in their xn-- form",
                                names[n]);
        }
        return n > 0 ? 0 : x509_fail(-EINVAL, reterr_text, "A server certificate needs a name");
}

static int fill_server(
        gnutls_x509_crt_t c, gnutls_x509_privkey_t key, char *const *names, time_t from, time_t until)
{
        const char *common_name = strlen(names[0]) <= COMMON_NAME_MAX ? names[0] : "Flower SuperLink";
        int r;

        r = set_common(c, key, common_name, from, until);
        if (r >= 0)
                r = gnutls_x509_crt_set_basic_constraints(c, 0, -1);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_DIGITAL_SIGNATURE);
        if (r >= 0)
                r = gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_SERVER, 0);
        for (; r >= 0 && *names; names++)
                r = add_name(c, *names);
        return r;
}

int x509_make_server(const X509Pair *ca, const char *link, char *const *names, uint64_t days, usec_t now,
        X509Pair *ret, char **reterr_text)
{
        _cleanup_free_ char *issuers = xasprintf("%s%s", strempty(link), ca->certificate);
        _cleanup_x509_key_ gnutls_x509_privkey_t key = NULL, ca_key = NULL;
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL, ca_crt = NULL;
        time_t t = (time_t) (now / USEC_PER_SEC), until;
        int r;

        r = issuers ? check_days(days, reterr_text) : -ENOMEM;
        if (r >= 0)
                r = check_names(names, reterr_text);
        if (r >= 0)
                r = x509_pair_check(ca, reterr_text);
        if (r >= 0)
                r = x509_import(ca->certificate, &ca_crt, reterr_text);
        if (r >= 0)
                r = x509_import_key(ca->key, &ca_key, reterr_text);
        if (r < 0)
                return r;
        if (gnutls_x509_crt_get_ca_status(ca_crt, NULL) <= 0)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "The certificate is not one of a CA and may not sign others");
        until = gnutls_x509_crt_get_expiration_time(ca_crt);
        if (until <= t)
                return x509_fail(-EKEYREJECTED, reterr_text, "The CA's certificate has expired");
        r = make_key(GNUTLS_ECC_CURVE_SECP256R1, &key);
        if (r >= 0)
                r = gnutls_x509_crt_init(&c);
        if (r >= 0)
                r = fill_server(c, key, names, t - CLOCK_SKEW, MIN(until, t + (time_t) days * DAY));
        if (r >= 0)
                r = sign(c, ca_crt, ca_key);
        if (r >= 0)
                r = export_pair(c, key, issuers, ret);
        return r < 0 ? x509_fail_gnutls(r, reterr_text, "The server certificate could not be made") : 0;
}

int x509_pair_check(const X509Pair *p, char **reterr_text)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t key = NULL;
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        uint8_t a[64], b[64];
        size_t a_size = sizeof(a), b_size = sizeof(b);
        int r;

        r = x509_import(p->certificate, &c, reterr_text);
        if (r >= 0)
                r = x509_import_key(p->key, &key, reterr_text);
        if (r < 0)
                return r;
        r = gnutls_x509_crt_get_key_id(c, GNUTLS_KEYID_USE_SHA256, a, &a_size);
        if (r >= 0)
                r = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_size);
        if (r < 0)
                return x509_fail_gnutls(r, reterr_text, "The key could not be compared");
        if (a_size != b_size || memcmp(a, b, a_size) != 0)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "The private key and the certificate do not belong together");
        return 0;
}

int x509_issuer_check(const char *certificate, const char *ca, usec_t now, char **reterr_text)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL, issuer = NULL;
        time_t t = (time_t) (now / USEC_PER_SEC);
        unsigned status = 0;
        int r;

        r = x509_import(certificate, &c, reterr_text);
        if (r >= 0)
                r = x509_import(ca, &issuer, reterr_text);
        if (r < 0)
                return r;
        r = gnutls_x509_crt_verify(c, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status);
        if (r < 0 || status != 0)
                return x509_fail(-EKEYREJECTED, reterr_text, "The certificate is not signed by this CA");
        if (gnutls_x509_crt_get_expiration_time(c) <= t || gnutls_x509_crt_get_expiration_time(issuer) <= t)
                return x509_fail(-EKEYREJECTED, reterr_text, "The certificate has expired");
        return 0;
}

static int add_string(char ***list, size_t *n, const char *s)
{
        for (size_t i = 0; i < *n; i++)
                if (streq((*list)[i], s))
                        return 0;
        (*list)[*n] = strdup(s);
        return (*list)[*n] ? ((*n)++, 0) : -ENOMEM;
}

int x509_default_names(char ***ret)
{
        static const char *const always[] = {"localhost", "127.0.0.1", "::1", "0.0.0.0"};
        char host[DNS_NAME_MAX + 1] = "", **list;
        size_t n = 0;
        int r;

        list = new0(char *, ELEMENTSOF(always) + 2);
        if (!list)
                return -ENOMEM;
        (void) gethostname(host, sizeof(host) - 1);
        r = add_string(&list, &n, always[0]);
        if (r >= 0 && dns_name_is_valid(host))
                r = add_string(&list, &n, host);
        for (size_t i = 1; r >= 0 && i < ELEMENTSOF(always); i++)
                r = add_string(&list, &n, always[i]);
        if (r < 0) {
                for (size_t i = 0; i < n; i++)
                        free(list[i]);
                free(list);
                return r;
        }
        *ret = list;
        return 0;
}
