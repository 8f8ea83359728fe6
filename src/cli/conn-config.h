/* Which SuperLink a command talks to, and how.
 *
 * Three places are read and never written: the app's pyproject.toml ([tool.flwr.federations], Flower 1.20
 * to 1.25), <flwr home>/config.toml ([superlink], since 1.26), and a file of the same form for all users of
 * the machine. A name given on the command line is looked up in that order; without a name the first place
 * that has a default decides. Where none has one, the socket of this machine's SuperLink is used, if there
 * is one. */
#pragma once

#include "model/config.h"

#define CONN_FILE_SIZE_MAX ((size_t) 1048576) /* as pyproject.toml in a FAB */
#define CONN_PORT_DEFAULT 443                 /* gRPC's own, for an address without port */

/* Where the package's socket unit listens. */
#define CONN_SYSTEM_SOCKET "/run/flwr/control.sock"

typedef struct ConnPlaces {
        const char *app_dir;     /* of the pyproject.toml */
        const char *system_file; /* for all users */
        const char *socket;      /* of the machine's SuperLink */
} ConnPlaces;

typedef struct ConnConfig {
        char *name;
        char *source;            /* the file it is from (the socket, if it is from none), for messages */
        char *address;           /* with port, or "unix:/path" */
        bool insecure;           /* plaintext, else TLS; a Unix socket is always plaintext */
        char *root_certificates; /* NULL: the system's. Relative ones of pyproject.toml are below the app
                                    directory */
        char *federation;        /* to be sent, "" when not set */
        Config options;          /* flattened [... .options] table */
} ConnConfig;

/* overrides: strings of --federation-config, NULL or NULL-terminated; their keys replace those of the table.
 * -ENOENT: nothing configured, or no such name; -EINVAL: wrong; both with *reterr_text that says what to
 * write where. */
int conn_config_load(const ConnPlaces *places, const char *name, char *const *overrides, ConnConfig *ret,
        char **reterr_text);
void conn_config_done(ConnConfig *c);
#define _cleanup_conn_config_ _cleanup_(conn_config_done)
