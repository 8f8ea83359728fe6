/* The CA of this SuperLink, and its change. */
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"
#include "model/ssh-key.h"
#include "provision/superlink-files.h"
#include "provision/x509-chain.h"

#define CA_DAYS_OF_LIFE 3650
#define DAY_USEC (86400 * USEC_PER_SEC)
#define NEXT_HEAD "until "
#define CERTIFICATE_HEAD "-----BEGIN CERTIFICATE-----"

static char *format_day(usec_t t, char buf[static ISO_TIME_MAX])
{
        iso_time_format(t, buf);
        buf[MIN(strlen(buf), strlen("2026-03-30"))] = 0;
        return buf;
}

static int make_ca(const SuperlinkFiles *f, X509Pair *ret)
{
        _cleanup_free_ char *name = xasprintf("Flower CA %08x", (unsigned) random_u64()), *error = NULL;
        int r;

        if (!name)
                return log_oom();
        r = x509_make_ca(name, CA_DAYS_OF_LIFE, f->now, ret, &error);
        if (r < 0)
                log_error("%s", error ? error : strerror(-r));
        return r;
}

/* What nodes and people compare; standard output, as it is the answer and no message. */
static int print_pin(const char *what, const char *certificate)
{
        _cleanup_free_ char *pin = NULL, *error = NULL;
        int r;

        r = x509_pin(certificate, &pin, &error);
        if (r < 0) {
                log_error("%s", error ? error : strerror(-r));
                return r;
        }
        printf("%s\n  %s\n", what, pin);
        return 0;
}

static int write_ca(SuperlinkFiles *f, const X509Pair *ca)
{
        int r;

        r = place_write(f->place, PLACE_CA_KEY, ca->key, 0600, (gid_t) -1);
        if (r >= 0)
                r = place_write(f->place, PLACE_CA_CERTIFICATE, ca->certificate, 0644, (gid_t) -1);
        return r;
}

static int new_ca(SuperlinkFiles *f)
{
        int r;

        x509_pair_done(&f->ca);
        r = make_ca(f, &f->ca);
        if (r >= 0)
                r = write_ca(f, &f->ca);
        if (r < 0)
                return r;
        free_and_strdup(&f->bundle, f->ca.certificate);
        log_info("Made a CA for this SuperLink: %s%s", f->place->root, PLACE_CA_CERTIFICATE);
        return print_pin("Pin of the CA of this SuperLink, for those who join it:", f->ca.certificate);
}

static int refuse(const char *text)
{
        log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_REFUSED},
                "%s, and nodes have joined it: nothing was changed. Put the right files back (from a "
                "backup), or "
                "make everything anew with \"flwr-provision superlink --rotate\"; all nodes must join again "
                "then",
                text);
        return -EKEYREJECTED;
}

/* A killed run leaves a pair that does not match; before anybody has joined, a new one hurts nobody. */
static int find_ca(SuperlinkFiles *f)
{
        const char *const texts[] = {f->bundle, f->next, f->server_chain};
        _cleanup_free_ char *error = NULL;
        usec_t until;
        bool renew;
        int r;

        if (!f->ca_key)
                return f->joined ? refuse("The key of the CA (" PLACE_CA_KEY ") is missing") : new_ca(f);
        r = x509_find_certificate(f->ca_key, texts, ELEMENTSOF(texts), &f->ca.certificate);
        if (r == -ENOMEM)
                return log_oom();
        if (r <= 0)
                return f->joined ? refuse("The key of the CA and its certificate do not belong together")
                                 : new_ca(f);
        f->ca.key = strdup(f->ca_key);
        if (!f->ca.key)
                return log_oom();
        r = x509_life(f->ca.certificate, f->now, &until, &renew, &error);
        if (r < 0)
                return refuse(strempty(error));
        if (until <= f->now)
                return f->joined ? refuse("The certificate of the CA has expired") : new_ca(f);
        if (until < f->now + SUPERLINK_SERVER_DAYS * DAY_USEC && !f->next) {
                char day[ISO_TIME_MAX];

                log_with(LOG_WARNING, &(LogFields){.message_id = FLWR_MESSAGE_CA_ENDS_SOON},
                        "The CA of this SuperLink ends on %s. Prepare a new one: flwr-provision superlink "
                        "--rotate-ca --until DATE",
                        format_day(until, day));
        }
        return 0;
}

/* ---- change ---- */

typedef struct NextCa {
        usec_t until;
        X509Pair pair;
        char *link; /* signed by the one before */
} NextCa;

static void next_ca_done(NextCa *n)
{
        x509_pair_done(&n->pair);
        free(n->link);
}

static int parse_next(const char *text, NextCa *ret)
{
        const char *p = startswith(text, NEXT_HEAD), *certificate, *link;
        _cleanup_(next_ca_done) NextCa n = {};
        _cleanup_free_ char *number = NULL, *error = NULL;
        uint64_t until;

        number = p ? strndup(p, strcspn(p, "\n")) : NULL;
        certificate = strstr(text, CERTIFICATE_HEAD);
        link = certificate ? strstr(certificate + 1, CERTIFICATE_HEAD) : NULL;
        if (!number || !link || parse_u64(number, &until) < 0 || until > UINT64_MAX / USEC_PER_SEC)
                return -EBADMSG;
        n.until = until * USEC_PER_SEC;
        n.pair.certificate = strndup(certificate, (size_t) (link - certificate));
        n.link = strdup(link);
        n.pair.key = strndup(text, (size_t) (certificate - text));
        if (!n.pair.certificate || !n.pair.key || !n.link)
                return -ENOMEM;
        if (x509_pair_check(&n.pair, &error) < 0)
                return -EBADMSG;
        /* Without the first line, which is no PEM. */
        memmove(n.pair.key, n.pair.key + strcspn(n.pair.key, "\n") + 1,
                strlen(n.pair.key) - strcspn(n.pair.key, "\n"));
        *ret = n;
        n = (NextCa){};
        return 0;
}

static int write_next(SuperlinkFiles *f, const NextCa *n)
{
        _cleanup_wipe_ char *text = xasprintf(NEXT_HEAD "%llu\n%s%s%s",
                (unsigned long long) (n->until / USEC_PER_SEC), n->pair.key, n->pair.certificate, n->link);
        int r;

        if (!text)
                return log_oom();
        r = place_write(f->place, PLACE_NEXT_CA, text, 0600, (gid_t) -1);
        if (r < 0)
                return r;
        wipe_free(f->next);
        f->next = TAKE_PTR(text);
        return 0;
}

static int load_next(const SuperlinkFiles *f, NextCa *ret)
{
        int r = parse_next(f->next, ret);

        if (r == -EBADMSG)
                log_error("%s%s is damaged. Remove it and prepare the change of the CA again",
                        f->place->root, PLACE_NEXT_CA);
        else if (r < 0)
                return log_oom();
        return r;
}

static int make_next(const SuperlinkFiles *f, NextCa *ret)
{
        _cleanup_free_ char *error = NULL;
        int r;

        r = make_ca(f, &ret->pair);
        if (r >= 0 && (r = x509_make_link(&f->ca, &ret->pair, f->now, &ret->link, &error)) < 0)
                log_error("%s", error ? error : strerror(-r));
        return r;
}

/* Or moves the day of one that is prepared. */
static int prepare_next(SuperlinkFiles *f, usec_t until)
{
        _cleanup_(next_ca_done) NextCa n = {};
        char day[ISO_TIME_MAX];
        int r;

        r = f->next ? load_next(f, &n) : make_next(f, &n);
        if (r < 0)
                return r;
        n.until = until;
        r = write_next(f, &n);
        if (r < 0)
                return r;
        if (until <= f->now)
                return 0;
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_CA_ROTATION},
                "Prepared a new CA, which takes over on %s. Nodes and users that trust the present one go "
                "on "
                "until that ends, as it has signed the new one. From now on give %s%s, which holds both, to "
                "those who come",
                format_day(until, day), f->place->root, PLACE_CA_CERTIFICATE);
        if (superlink_link(f))
                log_warning("The present CA has followed another one itself. Nodes and users that have only "
                            "that one will be refused from then on: have them join again before");
        return print_pin("Pin of the CA to come:", n.pair.certificate);
}

/* Both are published until the day; then the new one is the only one. */
static int follow_next(SuperlinkFiles *f)
{
        _cleanup_(next_ca_done) NextCa n = {};
        _cleanup_free_ char *both = NULL;
        int r;

        r = load_next(f, &n);
        if (r < 0)
                return r;
        if (n.until > f->now) {
                if (f->bundle && x509_bundle_has(f->bundle, n.pair.certificate) &&
                        x509_bundle_has(f->bundle, f->ca.certificate))
                        return 0;
                both = xasprintf("%s%s", f->ca.certificate, n.pair.certificate);
                return both ? place_write(f->place, PLACE_CA_CERTIFICATE, both, 0644, (gid_t) -1)
                            : log_oom();
        }
        /* The link first: with the key of the new CA it is in force. */
        r = place_write(f->place, PLACE_LINK, n.link, 0600, (gid_t) -1);
        if (r >= 0)
                r = write_ca(f, &n.pair);
        if (r < 0)
                return r;
        free(f->link);
        f->link = TAKE_PTR(n.link);
        x509_pair_done(&f->ca);
        f->ca = n.pair;
        n.pair = (X509Pair){};
        f->switched = true;
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_CA_ROTATION},
                "The new CA of this SuperLink has taken over; invitations made before are void");
        return print_pin("Pin of the CA of this SuperLink:", f->ca.certificate);
}

int superlink_ca(SuperlinkFiles *f, const usec_t *next_until)
{
        int r;

        r = find_ca(f);
        if (r >= 0 && next_until)
                r = prepare_next(f, *next_until);
        if (r < 0)
                return r;
        if (f->next)
                return follow_next(f);
        if (f->bundle && x509_bundle_has(f->bundle, f->ca.certificate))
                return 0;
        return place_write(f->place, PLACE_CA_CERTIFICATE, f->ca.certificate, 0644, (gid_t) -1);
}
