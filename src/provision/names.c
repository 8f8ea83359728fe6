#include "provision/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <strings.h>

#include "base/buf.h"
#include "base/options.h"
#include "provision/x509-make.h"
#include "provision/x509-util.h"

#define HEAD                                                                                                \
        "# Names and addresses in the certificate of this SuperLink, one a line. SuperNodes and users "     \
        "must\n"                                                                                            \
        "# connect to one of them. Yours to change; flwr-provision superlink then makes a new "             \
        "certificate.\n"

typedef struct NameList {
        char **v; /* NULL-terminated once there is one */
        size_t n;
} NameList;

static void name_list_done(NameList *l)
{
        options_free_strings(l->v);
}

/* An address in its one spelling, a name in lower case: so that equal ones are found. */
static void normalise(const char *name, char ret[static X509_NAME_SIZE])
{
        struct in6_addr a;

        if (inet_pton(AF_INET6, name, &a) == 1 && inet_ntop(AF_INET6, &a, ret, X509_NAME_SIZE))
                return;
        for (; *name; name++)
                *ret++ = (char) tolower((unsigned char) *name);
        *ret = 0;
}

static bool has(const NameList *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->v[i], name))
                        return true;
        return false;
}

/* 0: added, or there already. -E2BIG: full. name is valid. */
static int add(NameList *l, const char *name)
{
        char text[X509_NAME_SIZE], **v;

        normalise(name, text);
        if (has(l, text))
                return 0;
        if (l->n >= X509_NAMES_MAX)
                return -E2BIG;
        v = realloc(l->v, (l->n + 2) * sizeof(char *));
        if (!v)
                return -ENOMEM;
        l->v = v;
        l->v[l->n + 1] = NULL;
        l->v[l->n] = strdup(text);
        return l->v[l->n] ? (l->n++, 0) : -ENOMEM;
}

/* The next word of a line; false at its end. Leaves *line behind it. */
static bool next_word(const char **line, const char *end, const char **ret, size_t *ret_size)
{
        const char *p = *line;

        while (p < end && isspace((unsigned char) *p))
                p++;
        *ret = p;
        while (p < end && !isspace((unsigned char) *p))
                p++;
        *line = p;
        *ret_size = (size_t) (p - *ret);
        return *ret_size > 0;
}

/* The line at text without its comment; *ret_next: where the next one starts, NULL for none. */
static const char *line_end(const char *text, const char **ret_next)
{
        const char *newline = text + strcspn(text, "\n"), *comment = text + strcspn(text, "#\n");

        *ret_next = *newline ? newline + 1 : NULL;
        return comment;
}

static int parse_line(const char *line, const char *end, unsigned number, NameList *l, char **reterr_text)
{
        char name[X509_NAME_SIZE];
        const char *word, *more;
        size_t size, more_size;
        int r;

        if (!next_word(&line, end, &word, &size))
                return 0;
        if (size < sizeof(name)) {
                memcpy(name, word, size);
                name[size] = 0;
        }
        if (size >= sizeof(name) || !x509_name_is_valid(name) || next_word(&line, end, &more, &more_size))
                return x509_fail(-EINVAL, reterr_text,
                        "Line %u is not one DNS name or IP address (without port and brackets; names with "
                        "other "
                        "letters in their xn-- form)",
                        number);
        r = add(l, name);
        if (r == -E2BIG)
                return x509_fail(-EINVAL, reterr_text,
                        "Line %u is one too many: a certificate takes at most %d names", number,
                        X509_NAMES_MAX);
        return r;
}

int names_parse(const char *text, char ***ret, char **reterr_text)
{
        _cleanup_(name_list_done) NameList l = {};
        const char *next;
        unsigned number = 0;
        int r = 0;

        for (; r >= 0 && text; text = next) {
                const char *end = line_end(text, &next);

                r = parse_line(text, end, ++number, &l, reterr_text);
        }
        if (r < 0)
                return r;
        if (l.n == 0)
                return x509_fail(-EINVAL, reterr_text, "There is no name in it; a certificate needs one");
        *ret = TAKE_PTR(l.v);
        return 0;
}

static bool is_one_of(const char *word, size_t size, const NamesFacts *f)
{
        if (strlen(f->host) == size && size > 0 && strncasecmp(f->host, word, size) == 0)
                return true;
        for (char *const *a = f->addresses; *a; a++)
                if (strlen(*a) == size && strncasecmp(*a, word, size) == 0)
                        return true;
        return false;
}

/* Others' names are also in there, in lists against advertisements even thousands. */
static int add_hosts_line(NameList *l, const char *line, const char *end, const NamesFacts *f)
{
        const char *p = line, *word;
        bool ours = false;
        size_t size;

        while (!ours && next_word(&p, end, &word, &size))
                ours = is_one_of(word, size, f);
        p = line;
        if (!ours || !next_word(&p, end, &word, &size))
                return 0;
        while (next_word(&p, end, &word, &size)) {
                char name[X509_NAME_SIZE] = "";
                int r = 0;

                if (size < sizeof(name))
                        memcpy(name, word, size);
                if (x509_name_is_valid(name))
                        r = add(l, name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int collect(const NamesFacts *f, NameList *l)
{
        static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
        const char *next;
        int r;

        /* Fixed ones first, so that they are in whatever else there is. */
        for (size_t i = 0; i < ELEMENTSOF(always); i++)
                if ((r = add(l, always[i])) < 0)
                        return r;
        if (x509_name_is_valid(f->host) && (r = add(l, f->host)) < 0)
                return r;
        for (const char *line = f->hosts_file; line; line = next) {
                const char *end = line_end(line, &next);

                if ((r = add_hosts_line(l, line, end, f)) < 0)
                        return r;
        }
        for (char *const *a = f->addresses; *a; a++)
                if ((r = add(l, *a)) < 0)
                        return r;
        return 0;
}

int names_generate(const NamesFacts *facts, char **ret)
{
        _cleanup_(name_list_done) NameList l = {};
        _cleanup_buf_ Buf b = {};
        char *text;
        int r;

        r = collect(facts, &l);
        if (r < 0 && r != -E2BIG)
                return r;
        r = buf_append_str(&b, HEAD);
        for (size_t i = 0; r >= 0 && i < l.n; i++)
                r = buf_printf(&b, "%s\n", l.v[i]);
        text = r < 0 ? NULL : buf_steal_str(&b);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static const char *format_address(const struct ifaddrs *i, char buf[static INET6_ADDRSTRLEN])
{
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) (const void *) i->ifa_addr;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *) (const void *) i->ifa_addr;

        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK))
                return NULL;
        if (i->ifa_addr->sa_family == AF_INET)
                return inet_ntop(AF_INET, &v4->sin_addr, buf, INET6_ADDRSTRLEN);
        if (i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
                return inet_ntop(AF_INET6, &v6->sin6_addr, buf, INET6_ADDRSTRLEN);
        return NULL;
}

int names_addresses(char ***ret)
{
        _cleanup_(name_list_done) NameList l = {};
        struct ifaddrs *list = NULL;
        int r = 0;

        l.v = new0(char *, 1);
        if (!l.v)
                return -ENOMEM;
        /* Refused in a sandbox without netlink: then the file has none, and a person may add some. */
        if (getifaddrs(&list) < 0)
                list = NULL;
        for (const struct ifaddrs *i = list; r >= 0 && i; i = i->ifa_next) {
                char text[INET6_ADDRSTRLEN];
                const char *address = format_address(i, text);

                r = address ? add(&l, address) : 0;
        }
        if (list)
                freeifaddrs(list);
        if (r < 0 && r != -E2BIG)
                return r;
        *ret = TAKE_PTR(l.v);
        return 0;
}

static int add_certificate_name(gnutls_x509_crt_t c, unsigned i, NameList *l)
{
        char data[X509_NAME_SIZE + 1], text[INET6_ADDRSTRLEN];
        size_t size = X509_NAME_SIZE;
        int type;

        type = gnutls_x509_crt_get_subject_alt_name(c, i, data, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return -ENODATA;
        if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16) &&
                inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)))
                return add(l, text);
        if (type != GNUTLS_SAN_DNSNAME || size >= X509_NAME_SIZE)
                return -EBADMSG;
        data[size] = 0;
        return add(l, data);
}

int names_match(const char *certificate, char *const *names, char **reterr_text)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        _cleanup_(name_list_done) NameList l = {};
        size_t n = 0;
        int r;

        r = x509_import(certificate, &c, reterr_text);
        for (unsigned i = 0; r >= 0; i++)
                r = add_certificate_name(c, i, &l);
        if (r == -EBADMSG || r == -E2BIG)
                return 0;
        if (r != -ENODATA)
                return r;
        for (; names[n]; n++)
                if (!has(&l, names[n]))
                        return 0;
        return n == l.n;
}

const char *names_public(char *const *names)
{
        const char *address = NULL;
        struct in6_addr v6;

        for (; *names; names++) {
                bool is_v4 = inet_pton(AF_INET, *names, &v6) == 1,
                     is_v6 = inet_pton(AF_INET6, *names, &v6) == 1;

                if (streq(*names, "localhost") || startswith(*names, "*.") || startswith(*names, "ip6-"))
                        continue;
                if (!is_v4 && !is_v6)
                        return *names;
                if (!address && !(is_v4 && startswith(*names, "127.")) && !streq(*names, "::1") &&
                        !streq(*names, "0.0.0.0"))
                        address = *names;
        }
        return address;
}
