/* Which SuperLink a command talks to, and how.
 *
 * Two places are read and never written: the app's pyproject.toml ([tool.flwr.federations], Flower 1.20
 * to 1.25) and <flwr home>/config.toml ([superlink], since 1.26). A name given on the command line is looked
 * up in that order; without a name the first place that has a default decides. */
#pragma once

#include "model/config.h"

#define CONN_FILE_SIZE_MAX ((size_t) 1048576) /* as pyproject.toml in a FAB */
#define CONN_PORT_DEFAULT 443                 /* gRPC's own, for an address without port */

typedef struct ConnConfig {
        char *name;
        char *source;            /* the file it is from, for messages */
        char *address;           /* with port */
        bool insecure;           /* plaintext, else TLS */
        char *root_certificates; /* NULL: the system's. Relative ones of pyproject.toml are below the app
                                    directory */
        char *federation;        /* to be sent, "" when not set */
        Config options;          /* flattened [... .options] table */
} ConnConfig;

/* overrides: strings of --federation-config, NULL or NULL-terminated; their keys replace those of the table.
 * -ENOENT: nothing configured, or no such name; -EINVAL: wrong; both with *reterr_text that says what to
 * write where. */
int conn_config_load(
        const char *app_dir, const char *name, char *const *overrides, ConnConfig *ret, char **reterr_text);
void conn_config_done(ConnConfig *c);
#define _cleanup_conn_config_ _cleanup_(conn_config_done)
