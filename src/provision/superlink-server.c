/* The names of this SuperLink and its server certificate. */
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/options.h"
#include "provision/names.h"
#include "provision/superlink-files.h"
#include "provision/x509-chain.h"

#define HOSTS_FILE_MAX (8 * 1024 * 1024) /* lists against advertisements are some MiB */
#define HOST_FILE_MAX 4096

/* Of an image that is being built: its own name, not that of the machine that builds it. */
static int host_name(const Place *p, char ret[static X509_NAME_SIZE])
{
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        *ret = 0;
        if (!*p->root) {
                (void) gethostname(ret, X509_NAME_SIZE - 1);
                return 0;
        }
        r = place_read(p, "/etc/hostname", HOST_FILE_MAX, &text);
        n = text ? strcspn(text, " \t\r\n") : 0;
        if (r >= 0 && n < X509_NAME_SIZE) {
                memcpy(ret, strempty(text), n);
                ret[n] = 0;
        }
        return r;
}

int superlink_default_names(const Place *p, char **ret)
{
        _cleanup_free_ char *hosts = NULL, *path = place_path(p, "/etc/hosts");
        char host[X509_NAME_SIZE] = "", *none[] = {NULL}, **addresses = NULL;
        int r;

        if (!path)
                return log_oom();
        r = host_name(p, host);
        if (r >= 0 && !*p->root)
                r = names_addresses(&addresses);
        if (r < 0)
                return r == -ENOMEM ? log_oom() : r;
        /* Without it there are fewer names, no more. */
        (void) read_text_file(path, HOSTS_FILE_MAX, &hosts);
        r = names_generate(&(NamesFacts){host, strempty(hosts), addresses ? addresses : none}, ret);
        options_free_strings(addresses);
        return r < 0 ? log_oom() : 0;
}

int superlink_names(SuperlinkFiles *f)
{
        _cleanup_free_ char *error = NULL;
        int r = 0;

        if (!f->names_text) {
                r = superlink_default_names(f->place, &f->names_text);
                if (r >= 0)
                        r = place_write(f->place, PLACE_SAN, f->names_text, 0600, (gid_t) -1);
                if (r >= 0)
                        r = place_write(f->place, PLACE_NAMES, f->names_text, 0644, (gid_t) -1);
                if (r < 0)
                        return r;
        }
        r = names_parse(f->names_text, &f->names, &error);
        if (r == -ENOMEM)
                return log_oom();
        if (r < 0) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_REFUSED},
                        "%s%s: %s. The certificate was not touched", f->place->root, PLACE_NAMES, error);
                return -EBADMSG;
        }
        return 0;
}

const char *superlink_link(const SuperlinkFiles *f)
{
        _cleanup_free_ char *pair_error = NULL, *life_error = NULL;
        X509Pair pair = {f->ca.key, f->link};
        usec_t until;
        bool renew, good;

        good = f->link && x509_pair_check(&pair, &pair_error) >= 0 &&
               x509_life(f->link, f->now, &until, &renew, &life_error) >= 0 && until > f->now;
        return good ? f->link : NULL;
}

/* Why a new certificate is needed; NULL: the one that is there will do. */
static const char *reason(const SuperlinkFiles *f)
{
        X509Pair pair = {f->server_key, f->server_chain};
        const char *link = superlink_link(f);
        _cleanup_free_ char *pair_error = NULL, *issuer_error = NULL, *names_error = NULL,
                            *life_error = NULL;
        usec_t until;
        bool renew;
        int r;

        if (!f->server_key || !f->server_chain)
                return "there was none";
        if (x509_pair_check(&pair, &pair_error) < 0)
                return "key and certificate did not belong together";
        if (x509_issuer_check(f->server_chain, f->ca.certificate, f->now, &issuer_error) < 0 ||
                !x509_bundle_has(f->server_chain, f->ca.certificate))
                return "the old one has expired or is of another CA";
        if (link && !x509_bundle_has(f->server_chain, link))
                return "the CA has followed another one";
        r = names_match(f->server_chain, f->names, &names_error);
        if (r <= 0)
                return "the names have changed";
        if (x509_life(f->server_chain, f->now, &until, &renew, &life_error) < 0 || renew)
                return "the old one ends soon";
        return NULL;
}

static int make_server(SuperlinkFiles *f, const char *why)
{
        _cleanup_x509_pair_ X509Pair pair = {};
        _cleanup_free_ char *error = NULL;
        int r;

        r = x509_make_server(
                &f->ca, superlink_link(f), f->names, SUPERLINK_SERVER_DAYS, f->now, &pair, &error);
        if (r < 0) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_REFUSED}, "%s",
                        error ? error : strerror(-r));
                return r;
        }
        r = place_write(f->place, PLACE_SERVER_KEY, pair.key, 0640, f->group);
        if (r >= 0)
                r = place_write(f->place, PLACE_SERVER_CERTIFICATE, pair.certificate, 0644, (gid_t) -1);
        if (r < 0)
                return r;
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_SERVER_CERTIFICATE_MADE},
                "Made a certificate for this SuperLink (%s): %s%s", why, f->place->root,
                PLACE_SERVER_CERTIFICATE);
        return 0;
}

int superlink_server(SuperlinkFiles *f)
{
        const char *why = reason(f);
        int r = 0;

        if (why)
                r = make_server(f, why);
        return r >= 0 && f->switched ? place_remove(f->place, PLACE_NEXT_CA) : r;
}
