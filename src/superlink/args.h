/* Command line of flower-superlink. */
#pragma once

#include "base/options.h"

typedef struct SuperlinkArgs {
        bool insecure;
        bool enable_supernode_auth;
        bool systemd_sockets;
        char *ssl_certfile, *ssl_keyfile, *ssl_ca_certfile;
        char *auth_list_public_keys;
        char *isolation;
        char *database, *storage_dir;
        char *serverappio_api_address, *fleet_api_address, *fleet_api_type, *control_api_address,
                *exec_api_address;
        uint64_t workers;
        char *python_apps;
} SuperlinkArgs;

extern const Program SUPERLINK_PROGRAM;
void superlink_args_done(SuperlinkArgs *a);
