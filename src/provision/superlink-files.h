/* The SuperLink's keys and certificates on this host: what is there, and the steps that bring it to what it
 * should be. cmd-superlink.c calls them in order, with the lock held.
 *
 * The order in which files are made and removed is what makes a run that was killed harmless: the CA's key
 * is the first to come and the last to go (but for the mark of the machine), so that a server certificate
 * without it can only be the administrator's own, which is never touched; whatever does not belong together
 * is made again. */
#pragma once

#include "provision/place.h"
#include "provision/x509-make.h"

#define PLACE_MACHINE "/etc/flwr/tls/private/machine"
/* There as long as this machine is a copy and nobody has decided; the daemon shows it in its status. */
#define PLACE_COPIED "/etc/flwr/tls/copied"
/* The text of "names" as we wrote it: says whether it has become the administrator's. */
#define PLACE_SAN "/etc/flwr/tls/private/san"
/* The CA to come, while both are published: one file, so that it is there whole or not at all. */
#define PLACE_NEXT_CA "/etc/flwr/tls/private/next"
/* The CA's certificate as its predecessor signed it: in the chain of the server it lets in those who only
 * know the predecessor, until that one ends. */
#define PLACE_LINK "/etc/flwr/tls/private/link.crt"

#define SUPERLINK_SERVER_DAYS 397 /* renewed when a third of it is left */

typedef struct SuperlinkFiles {
        const Place *place;
        usec_t now;
        gid_t group;
        bool joined;
        char *ca_key, *bundle; /* ca.key, ca.crt; here and below: NULL for what is not there */
        char *server_key, *server_chain;
        char *mark, *san, *names_text, *next, *link;
        /* Set by superlink_ca(). */
        X509Pair ca; /* the certificate alone */
        bool switched;
        /* Set by superlink_names(). */
        char **names;
} SuperlinkFiles;

int superlink_files_load(const Place *p, SuperlinkFiles *ret);
void superlink_files_done(SuperlinkFiles *f);
#define _cleanup_superlink_files_ _cleanup_(superlink_files_done)

/* A certificate that came from somewhere else: 1: complete, to be kept; 0: none; negative: half of
 * something. */
int superlink_own_certificate(const SuperlinkFiles *f);
/* The marker that nodes have joined goes. */
void superlink_forget_joined(const Place *p);
/* Keys and certificates go, and names that nobody has changed; the mark stays. */
int superlink_remove(SuperlinkFiles *f);
/* Finds the CA or makes one. next_until: prepares a change of the CA, or moves the day of one that is
 * prepared. A change that is due takes place. */
int superlink_ca(SuperlinkFiles *f, const usec_t *next_until);
/* What the CA before this one signed for it, while that is valid; or NULL. */
const char *superlink_link(const SuperlinkFiles *f);
int superlink_names(SuperlinkFiles *f);
/* The daemon can read what it must, and others cannot read keys. */
int superlink_mend_access(const SuperlinkFiles *f);
/* The certificate of the server: made anew when it has to be. Then an old CA that was replaced is forgotten.
 */
int superlink_server(SuperlinkFiles *f);

/* What names_generate() says on this host now. */
int superlink_default_names(const Place *p, char **ret);
