#include "superlink/args.h"

#define FIELD(name) offsetof(SuperlinkArgs, name)

static const char *const isolations[] = {"subprocess", "process", NULL};
static const char *const fleet_types[] = {"grpc-rere", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "TLS (Fleet and Exec/Control API)"},
        {OPTION_FLAG, "insecure",
                .help = "No TLS. For experiments on one machine only: models and commands travel in plain "
                        "text.",
                .offset = FIELD(insecure)},
        {OPTION_STRING, "ssl-ca-certfile", .metavar = "FILE", .help = "Certificate of the CA, PEM.",
                .offset = FIELD(ssl_ca_certfile), .packaged = "/etc/flwr/tls/ca.crt"},
        {OPTION_STRING, "ssl-certfile", .metavar = "FILE",
                .help = "Certificate of this server, signed by the CA, PEM; its names must include what "
                        "nodes connect to.",
                .offset = FIELD(ssl_certfile), .packaged = "/etc/flwr/tls/superlink.crt"},
        {OPTION_STRING, "ssl-keyfile", .metavar = "FILE", .help = "Private key of the certificate, PEM.",
                .offset = FIELD(ssl_keyfile), .packaged = "/etc/flwr/tls/superlink.key"},

        {OPTION_GROUP, .help = "SuperNodes"},
        {OPTION_STRING, "auth-list-public-keys", .metavar = "FILE",
                .help = "Only SuperNodes with these keys may connect: a CSV file whose every cell is one "
                        "OpenSSH public key line. "
                        "Without it every key is accepted.",
                .offset = FIELD(auth_list_public_keys)},
        {OPTION_FLAG, "enable-supernode-auth",
                .help = "Only SuperNodes that an administrator has registered (flwr supernode register, "
                        "flwr-provision "
                        "join) or whose key is in the key list may connect.",
                .offset = FIELD(enable_supernode_auth), .packaged = "true"},
        {OPTION_STRING, "fleet-api-address", .metavar = "ADDR", .fallback = "0.0.0.0:9092",
                .help = "Where SuperNodes connect.", .offset = FIELD(fleet_api_address)},
        {OPTION_CHOICE, "fleet-api-type", .fallback = "grpc-rere", .choices = fleet_types,
                .help = "Transport of the Fleet API.", .offset = FIELD(fleet_api_type)},

        {OPTION_GROUP, .help = "Runs"},
        {OPTION_CHOICE, "isolation", .fallback = "subprocess", .choices = isolations,
                .help = "subprocess: a launcher beside this program starts the ServerApps. process: you "
                        "start "
                        "flower-superexec, perhaps elsewhere.",
                .offset = FIELD(isolation)},
        {OPTION_STRING, "serverappio-api-address", .metavar = "ADDR", .fallback = "0.0.0.0:9091",
                .help = "Where ServerApps connect. With isolation subprocess only this machine's processes "
                        "are answered, whatever "
                        "the address.",
                .offset = FIELD(serverappio_api_address)},
        {OPTION_STRING, "control-api-address", .metavar = "ADDR", .fallback = "0.0.0.0:9093",
                .help = "Where the flwr command connects.", .offset = FIELD(control_api_address)},
        {OPTION_STRING, "exec-api-address", .metavar = "ADDR",
                .help = "Name of --control-api-address in Flower 1.20.", .offset = FIELD(exec_api_address)},
        {OPTION_STRING, "python-apps", .metavar = "DIR",
                .help = "Directory with the flwr-serverapp of a Python environment, for runs without a "
                        "native ServerApp. "
                        "Default: the first on PATH that is not this one.",
                .offset = FIELD(python_apps)},

        {OPTION_GROUP, .help = "State"},
        {OPTION_STRING, "database", .metavar = "FILE", .fallback = "<flwr home>/superlink/state.db",
                .help = "Database of runs, nodes and messages. `:flwr-in-memory:` keeps everything in "
                        "memory: a restart loses it.",
                .offset = FIELD(database), .packaged = "/var/lib/flwr/superlink/state.db"},
        {OPTION_STRING, "storage-dir", .metavar = "DIR", .fallback = "<flwr home>/superlink/fabs",
                .help = "Where FABs are kept.", .offset = FIELD(storage_dir),
                .packaged = "/var/lib/flwr/superlink/fabs"},
        {OPTION_UINT, "workers", .metavar = "N", .fallback = "one a core",
                .help = "Threads that carry connections (1 to 64).", .offset = FIELD(workers)},

        {OPTION_FLAG, "systemd-sockets",
                .help = "Listen on the sockets that systemd passes in and nowhere else; the service unit "
                        "says so.",
                .offset = FIELD(systemd_sockets), .flags = OPTION_HIDDEN},
        {OPTION_GROUP, .help = "Accepted for compatibility"},
        {OPTION_IGNORED, "auth-superlink-private-key", .metavar = "FILE",
                .help = "has no effect: node authentication needs the nodes' keys only"},
        {OPTION_IGNORED, "auth-superlink-public-key", .metavar = "FILE",
                .help = "has no effect: node authentication needs the nodes' keys only"},
        {OPTION_IGNORED, "simulationio-api-address", .metavar = "ADDR",
                .help = "has no effect: this SuperLink runs no simulations"},
        {OPTION_IGNORED, "fleet-api-num-workers", .metavar = "N", .help = "has no effect: see --workers"},
        {OPTION_IGNORED, "flwr-dir", .metavar = "DIR", .help = "has no effect: set FLWR_HOME instead"},
        {OPTION_IGNORED, "executor", .metavar = "NAME", .help = "has no effect: runs are deployed"},
        {OPTION_IGNORED, "executor-dir", .metavar = "DIR", .help = "has no effect: runs are deployed"},
        {OPTION_IGNORED, "executor-config", .metavar = "CONFIG", .help = "has no effect: runs are deployed"},
        {},
};

const Program SUPERLINK_PROGRAM = {
        .name = "flower-superlink",
        .summary = "the hub of a Flower federation",
        .description = "The SuperLink connects the nodes of a federation (flower-supernode), which hold the "
                       "data, with the "
                       "ServerApps that train models on them. Users start runs with flwr(1).\n\n"
                       "It keeps nodes, runs, messages and model objects in a database below the Flower "
                       "home and loses nothing that it "
                       "has acknowledged, neither by a restart nor by a crash: runs go on after it.\n\n"
                       "SIGTERM and SIGINT end it gracefully: calls in progress are finished, and held ones "
                       "sent away to try again.",
        .options = options,
        .config_file = "/etc/flwr/superlink.toml",
        .examples = "flower-superlink --ssl-ca-certfile certificates/ca.crt --ssl-certfile "
                    "certificates/server.pem \\\n"
                    "    --ssl-keyfile certificates/server.key --auth-list-public-keys "
                    "keys/client_public_keys.csv\n"
                    "flower-superlink --insecure",
};

void superlink_args_done(SuperlinkArgs *a)
{
        free(a->ssl_certfile);
        free(a->ssl_keyfile);
        free(a->ssl_ca_certfile);
        free(a->auth_list_public_keys);
        free(a->isolation);
        free(a->database);
        free(a->storage_dir);
        free(a->serverappio_api_address);
        free(a->fleet_api_address);
        free(a->fleet_api_type);
        free(a->control_api_address);
        free(a->exec_api_address);
        free(a->python_apps);
}
