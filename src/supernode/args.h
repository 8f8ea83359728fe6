/* Command line of flower-supernode. */
#pragma once

#include "base/options.h"

typedef struct SupernodeArgs {
        bool insecure;
        bool systemd_sockets;
        bool grpc_rere;
        char *root_certificates;
        char *superlink;
        char *max_retries, *max_wait_time; /* text: "not given" differs from 0 */
        char *auth_private_key, *auth_public_key;
        char *node_config;
        char *isolation;
        char *clientappio_api_address;
        char *python_apps;
} SupernodeArgs;

extern const Program SUPERNODE_PROGRAM;
void supernode_args_done(SupernodeArgs *a);
