#include "supernode/args.h"

#define FIELD(name) offsetof(SupernodeArgs, name)

static const char *const isolations[] = {"subprocess", "process", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "Connection to the SuperLink"},
        {OPTION_STRING, "superlink", .metavar = "ADDR", .fallback = "0.0.0.0:9092",
                .help = "Fleet API of the SuperLink.", .offset = FIELD(superlink)},
        {OPTION_STRING, "root-certificates", .metavar = "FILE",
                .help = "Certificate of the CA that the SuperLink's certificate must be signed by, PEM. "
                        "Default: the system's "
                        "certificates.",
                .offset = FIELD(root_certificates)},
        {OPTION_FLAG, "insecure",
                .help = "No TLS. For experiments on one machine only: models travel in plain text.",
                .offset = FIELD(insecure)},
        {OPTION_STRING, "max-retries", .metavar = "N", .fallback = "no limit",
                .help = "How often a call that finds the SuperLink unavailable is repeated before this "
                        "program gives up; 0: "
                        "one attempt.",
                .offset = FIELD(max_retries), .flags = OPTION_NUMBER},
        {OPTION_STRING, "max-wait-time", .metavar = "SECONDS", .fallback = "no limit",
                .help = "How long such a call is repeated.", .offset = FIELD(max_wait_time),
                .flags = OPTION_NUMBER},
        {OPTION_FLAG, "grpc-rere", .help = "Transport gRPC request-response, the default.",
                .offset = FIELD(grpc_rere)},

        {OPTION_GROUP, .help = "Identity"},
        {OPTION_STRING, "auth-supernode-private-key", .metavar = "FILE",
                .help = "Private key of this node: ECDSA, OpenSSH format, without passphrase. Default: a "
                        "new key at every start.",
                .offset = FIELD(auth_private_key), .packaged = "/etc/flwr/keys/supernode/node.key"},
        {OPTION_STRING, "auth-supernode-public-key", .metavar = "FILE",
                .help = "Its public key. Not needed; if given, it must belong to the private one.",
                .offset = FIELD(auth_public_key)},

        {OPTION_GROUP, .help = "ClientApps"},
        {OPTION_STRING, "node-config", .metavar = "PAIRS",
                .help = "Configuration of this node for its ClientApps: KEY=VALUE pairs in TOML, strings in "
                        "quotes, or the name of a "
                        ".toml file. In the configuration file it may be a table [node-config].",
                .offset = FIELD(node_config), .flags = OPTION_TABLE},
        {OPTION_CHOICE, "isolation", .fallback = "subprocess", .choices = isolations,
                .help = "subprocess: a launcher beside this program starts the ClientApps. process: you "
                        "start flower-superexec.",
                .offset = FIELD(isolation)},
        {OPTION_STRING, "clientappio-api-address", .metavar = "ADDR", .fallback = "0.0.0.0:9094",
                .help = "Where ClientApps connect. With isolation subprocess only this machine's processes "
                        "are answered, whatever the "
                        "address.",
                .offset = FIELD(clientappio_api_address)},
        {OPTION_STRING, "python-apps", .metavar = "DIR",
                .help = "Directory with the flwr-clientapp of a Python environment, for apps without a "
                        "native side for this "
                        "machine. Default: the first on PATH that is not this one.",
                .offset = FIELD(python_apps)},

        {OPTION_FLAG, "systemd-sockets",
                .help = "Listen on the sockets that systemd passes in and nowhere else; the service unit "
                        "says so.",
                .offset = FIELD(systemd_sockets), .flags = OPTION_HIDDEN},
        {OPTION_GROUP, .help = "Accepted for compatibility"},
        {OPTION_IGNORED, "flwr-dir", .metavar = "DIR", .help = "has no effect: set FLWR_HOME instead"},
        {},
};

int supernode_args_node_config(const SupernodeArgs *a, Config *ret, char **reterr_text)
{
        char *const strings[] = {a->node_config, NULL};
        _cleanup_config_ Config c = {};
        int r;

        r = config_parse_args(strings, &c, reterr_text);
        if (r < 0)
                return r;
        /* Flower's grammar skips what is no pair; a text of nothing else is a mistake. */
        if (c.n == 0 && !isempty(a->node_config) && !endswith(a->node_config, ".toml")) {
                *reterr_text = xasprintf(
                        "There is no key=value in '%s'. Write no blanks around the '='.", a->node_config);
                return *reterr_text ? -EINVAL : -ENOMEM;
        }
        *ret = c;
        c = (Config){};
        return 0;
}

static int check_args(const void *args, char **reterr_text)
{
        _cleanup_free_ char *why = NULL;
        _cleanup_config_ Config c = {};
        int r;

        r = supernode_args_node_config(args, &c, &why);
        if (r != -EINVAL)
                return r;
        *reterr_text = xasprintf("node-config: %s", strempty(why));
        return *reterr_text ? -EINVAL : -ENOMEM;
}

const Program SUPERNODE_PROGRAM = {
        .name = "flower-supernode",
        .summary = "a node of a Flower federation, beside its data",
        .description = "The SuperNode dials out to a SuperLink (flower-superlink), proves who it is with "
                       "its key, and runs the ClientApps of "
                       "the federation's runs on the data of this machine. The data stay here; models "
                       "travel over TLS.\n\n"
                       "Instructions that it has acknowledged, and the state of its ClientApps, are kept "
                       "below the Flower home in "
                       "supernode/<fingerprint of the key>: after a restart unfinished work is done again. "
                       "A node without a key of "
                       "its own keeps nothing.\n\n"
                       "It reconnects by itself when the SuperLink goes away.",
        .options = options,
        .check = check_args,
        .config_file = "/etc/flwr/supernode.toml",
        .examples = "flower-supernode --root-certificates certificates/ca.crt \\\n"
                    "    --auth-supernode-private-key keys/client_credentials_1 \\\n"
                    "    --auth-supernode-public-key keys/client_credentials_1.pub \\\n"
                    "    --node-config 'dataset-path=\"datasets/cifar10_part_1\"' "
                    "--clientappio-api-address=\"0.0.0.0:9094\"",
};

void supernode_args_done(SupernodeArgs *a)
{
        free(a->root_certificates);
        free(a->superlink);
        free(a->max_retries);
        free(a->max_wait_time);
        free(a->auth_private_key);
        free(a->auth_public_key);
        free(a->node_config);
        free(a->isolation);
        free(a->clientappio_api_address);
        free(a->python_apps);
}
