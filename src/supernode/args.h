/* Command line of flower-supernode. */
#pragma once

#include "base/options.h"
#include "model/config.h"

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
/* --node-config as its ClientApps get it; empty when it was not given. -EINVAL with *reterr_text. */
int supernode_args_node_config(const SupernodeArgs *a, Config *ret, char **reterr_text);
void supernode_args_done(SupernodeArgs *a);
