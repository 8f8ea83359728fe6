#include <inttypes.h>
#include <json-c/json.h>
#include <sysexits.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json-build.h"
#include "cli/node-view.h"
#include "cli/remote.h"
#include "model/key.h"

typedef struct NodeArgs {
        char **federation_config;
        char *format;
        bool verbose;
} NodeArgs;

static void node_args_done(NodeArgs *a)
{
        options_free_strings(a->federation_config);
        free(a->format);
}

static const Option CHANGE_OPTIONS[] = {OPTION_FORMAT(NodeArgs), OPTION_CONNECTION(NodeArgs), {OPTION_END}};

static const Option LIST_OPTIONS[] = {
        {OPTION_FLAG, "verbose", 'v', .offset = offsetof(NodeArgs, verbose),
                .help = "Show unregistered SuperNodes, too."},
        OPTION_FORMAT(NodeArgs),
        OPTION_CONNECTION(NodeArgs),
        {OPTION_END},
};

/* "node-id" is a number, as in genuine releases. */
static int print_done(OutputFormat f, uint64_t node_id, const char *verb)
{
        Json *document;

        report_line(f, "✅ SuperNode %" PRIu64 " %s successfully.", node_id, verb);
        if (f == FORMAT_DEFAULT)
                return 0;
        document = json_object_new_object();
        json_add_bool(&document, "success", true);
        json_add(&document, "node-id", json_object_new_uint64(node_id));
        return report_json(document);
}

/* ---- register ---- */

static const Program REGISTER_PROGRAM = {
        .name = "flwr supernode register",
        .summary = "Register the public key of a SuperNode.",
        .description =
                "PUBKEY is the file of an ECDSA public key in OpenSSH's form, as `flwr-provision` and "
                "`ssh-keygen -t ecdsa` write it. The SuperNode that has its private key is then "
                "allowed to join. A key can be registered once: that of an unregistered SuperNode "
                "does not come back.",
        .positionals = "PUBKEY [APP] [SUPERLINK]",
        .min_positionals = 1,
        .max_positionals = 3,
        .options = CHANGE_OPTIONS,
        .examples = "  flwr supernode register client-1.pub\n",
};

static int send_key(Remote *remote, const PublicKey *key, uint64_t *ret_node_id)
{
        NodeRequest request = {.public_key = (char *) public_key_pem(key)};
        NodeReply *reply = NULL;
        int status = remote_call(remote, RPC_CONTROL_REGISTER_NODE, &request, (void **) &reply);

        if (status != 0)
                return status;
        *ret_node_id = reply->node_id;
        rpc_free(RPC_REGISTER_NODE_FLEET_RESPONSE, reply);
        return *ret_node_id == 0 ? remote_report(remote, RPC_INTERNAL, "SuperNode could not be registered")
                                 : 0;
}

static int register_node(int argc, char *argv[])
{
        _cleanup_(public_key_freep) PublicKey *key = NULL;
        _cleanup_(node_args_done) NodeArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        _cleanup_free_ char *text = NULL;
        const char *app, *name;
        uint64_t node_id;
        OutputFormat f;
        int r;

        r = options_parse(&REGISTER_PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        r = public_key_from_ssh_file(positionals[0], &key, &text);
        if (r == -EKEYREJECTED)
                return report_error(f, EX_DATAERR, "%s", strempty(text));
        if (r < 0)
                return report_errno(f, r, text);

        remote_split_positionals(positionals + 1, &app, &name);
        r = remote_open(&remote, f, app, name, args.federation_config);
        if (r != 0)
                return r;
        r = send_key(&remote, key, &node_id);
        return r != 0 ? r : print_done(f, node_id, "registered");
}

/* ---- unregister ---- */

static const Program UNREGISTER_PROGRAM = {
        .name = "flwr supernode unregister",
        .summary = "Unregister a SuperNode: it may not join any more.",
        .positionals = "NODE_ID [APP] [SUPERLINK]",
        .min_positionals = 1,
        .max_positionals = 3,
        .options = CHANGE_OPTIONS,
        .examples = "  flwr supernode unregister 1234\n",
};

static int unregister_node(int argc, char *argv[])
{
        _cleanup_(node_args_done) NodeArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        NodeRequest request = {};
        void *reply = NULL;
        OutputFormat f;
        int r;

        r = options_parse(&UNREGISTER_PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        if (parse_u64(positionals[0], &request.node_id) < 0)
                return report_error(f, EXIT_USAGE,
                        "\"%s\" is not a node ID: `flwr supernode list` shows them.", positionals[0]);

        remote_split_positionals(positionals + 1, &app, &name);
        r = remote_open(&remote, f, app, name, args.federation_config);
        if (r != 0)
                return r;
        r = remote_call(&remote, RPC_CONTROL_UNREGISTER_NODE, &request, &reply);
        return r != 0 ? r : print_done(f, request.node_id, "unregistered");
}

/* ---- list ---- */

static const Program LIST_PROGRAM = {
        .name = "flwr supernode list",
        .summary = "List the SuperNodes that the SuperLink knows.",
        .positionals = "[APP] [SUPERLINK]",
        .max_positionals = 2,
        .options = LIST_OPTIONS,
        .examples = "  flwr supernode ls\n  flwr supernode ls --format json\n",
};

static int print_list(OutputFormat f, NodesReply *reply, bool verbose)
{
        usec_t now;

        if (iso_time_parse(strempty(reply->now), &now) < 0)
                now = now_realtime();
        nodes_sort_oldest_first(reply->nodes, reply->n);
        return f == FORMAT_JSON ? nodes_print_json(reply->nodes, reply->n, now)
                                : nodes_print_table(reply->nodes, reply->n, now, verbose);
}

static int list_nodes(int argc, char *argv[])
{
        _cleanup_(node_args_done) NodeArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        NodesReply *reply = NULL;
        OutputFormat f;
        int r;

        r = options_parse(&LIST_PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        remote_split_positionals(positionals, &app, &name);
        r = remote_open(&remote, f, app, name, args.federation_config);
        if (r != 0)
                return r;
        report_line(f, "📄 Listing all nodes...");
        r = remote_call(&remote, RPC_CONTROL_LIST_NODES, NULL, (void **) &reply);
        if (r != 0)
                return r;
        r = print_list(f, reply, args.verbose);
        rpc_free(RPC_LIST_NODES_RESPONSE, reply);
        return r;
}

/* ---- all ---- */

static const Program PROGRAM = {
        .name = "flwr supernode",
        .summary = "Register, unregister and list SuperNodes.",
        .description = "Commands are register, unregister and list (ls); `flwr supernode COMMAND --help` "
                       "explains each.\n\n"
                       "A SuperLink that is started with --enable-supernode-auth lets only those SuperNodes "
                       "join whose keys have been registered.",
        .positionals = "COMMAND [ARGUMENT]...",
        .min_positionals = 1,
        .max_positionals = 1,
};

static int supernode(int argc, char *argv[])
{
        static const Command REGISTER = {"register", NULL, &REGISTER_PROGRAM, register_node};
        static const Command UNREGISTER = {"unregister", NULL, &UNREGISTER_PROGRAM, unregister_node};
        static const Command LIST = {"list", "ls", &LIST_PROGRAM, list_nodes};
        static const Command *const commands[] = {&REGISTER, &UNREGISTER, &LIST};

        return command_dispatch(&PROGRAM, commands, ELEMENTSOF(commands), argc, argv);
}

const Command CMD_SUPERNODE = {"supernode", NULL, &PROGRAM, supernode};
