#include <stdio.h>
#include <sysexits.h>

#include "base/daemon.h"
#include "base/log.h"
#include "provision/provision.h"

static const Command commands[] = {
        {"ca", &program_ca, command_ca},
        {"server", &program_server, command_server},
        {"node-keys", &program_node_keys, command_node_keys},
        {"show", &program_show, command_show},
};

static const Option all_options[] = {
        {OPTION_GROUP, .help = "ca"},
        ROWS_CA(0),
        {OPTION_GROUP, .help = "server"},
        ROWS_SERVER(0),
        {OPTION_GROUP, .help = "node-keys"},
        ROWS_NODE_KEYS(0),
        {OPTION_END},
};

/* Never parses a command's flags: for the help, the version, the manual page and the error when there is no
 * command. */
static const Program program_main = {
        .name = "flwr-provision",
        .summary = "Make and show the keys and certificates of a Flower federation.",
        .description =
                "flwr-provision makes what a federation with TLS and node authentication needs, without any "
                "other program: "
                "a certificate authority, a certificate for the SuperLink, keys for SuperNodes and the list "
                "of their public "
                "halves. Genuine Flower takes all of them.\n\n"
                "flwr-provision ca makes ca.key and ca.crt in DIR. Nodes and users get ca.crt "
                "(--root-certificates); ca.key "
                "signs server certificates and goes nowhere.\n\n"
                "flwr-provision server makes server.key and server.pem in DIR, signed by the CA. They are "
                "what "
                "flower-superlink takes as --ssl-keyfile and --ssl-certfile, with ca.crt as "
                "--ssl-ca-certfile. The host part of "
                "the address that clients use must be among the names.\n\n"
                "flwr-provision node-keys makes a key pair for each of N SuperNodes and, if asked for, adds "
                "their public halves "
                "to the list for flower-superlink --auth-list-public-keys.\n\n"
                "flwr-provision show says what a file is: type, fingerprint, names, until when it is "
                "valid.\n\n"
                "All but show can be called again at any time: files that are there are checked and kept, "
                "unless --force is "
                "given. Files are replaced atomically, and private keys can only be read by their owner.",
        .positionals = "ca|server|node-keys|show",
        .min_positionals = 1,
        .max_positionals = 1,
        .options = all_options,
        .exit_status = "0 after success, 2 after a usage error, otherwise a number of sysexits.h: 64 a "
                       "value makes no sense, 65 a "
                       "file holds something else than it should, 66 a file is missing, 71 out of memory, "
                       "73 a file is in the "
                       "way, 74 reading or writing failed, 77 permission denied.",
        .examples = "  flwr-provision ca --dir certificates\n"
                    "  flwr-provision server --dir certificates --name flower.example.org\n"
                    "  flwr-provision node-keys --dir keys --count 5 --list client_public_keys.csv\n"
                    "  flwr-provision show certificates/* keys/*\n",
};

void arguments_done(Arguments *a)
{
        free(a->dir);
        free(a->ca_dir);
        free(a->common_name);
        options_free_strings(a->names);
        free(a->prefix);
        free(a->list);
}

static int sysexit_of(int error)
{
        switch (-error) {
        case EINVAL:
                return EX_USAGE;
        case EKEYREJECTED:
        case EBADMSG:
                return EX_DATAERR;
        case ENOENT:
                return EX_NOINPUT;
        case ENOMEM:
                return EX_OSERR;
        case EEXIST:
        case ENOTDIR:
        case EISDIR:
                return EX_CANTCREAT;
        case EACCES:
        case EPERM:
        case EROFS:
                return EX_NOPERM;
        default:
                return EX_IOERR;
        }
}

static const Command *find_command(const char *name)
{
        for (size_t i = 0; name && i < ELEMENTSOF(commands); i++)
                if (streq(commands[i].name, name))
                        return commands + i;
        return NULL;
}

static int no_command(int argc, char *argv[])
{
        _cleanup_(arguments_done) Arguments a = {};
        _cleanup_free_ char **positionals = NULL;
        int r;

        if (argc < 2) {
                options_print_help(&program_main, stderr);
                return 2;
        }
        if (argv[1][0] != '-') {
                fprintf(stderr,
                        "flwr-provision: error: there is no command \"%s\", only ca, server, node-keys and "
                        "show\n",
                        argv[1]);
                return 2;
        }
        r = options_parse(&program_main, argc, argv, &a, &positionals);
        if (r == 0)
                fprintf(stderr, "flwr-provision: error: the command comes first: flwr-provision %s ...\n",
                        positionals[0]);
        return r > 0 ? EX_OK : 2;
}

static uint64_t default_number(const Program *p, const char *option)
{
        for (const Option *o = p->options; o->kind != OPTION_END; o++)
                if (o->kind == OPTION_UINT && streq(o->name, option))
                        return strtoull(o->fallback, NULL, 10);
        return 0;
}

int main(int argc, char *argv[])
{
        const Command *c = find_command(argc > 1 ? argv[1] : NULL);
        _cleanup_(arguments_done) Arguments a = {};
        _cleanup_free_ char **positionals = NULL;
        int r;

        log_open("flwr-provision");
        daemon_protect_memory();
        if (!c)
                return no_command(argc, argv);
        a.days = default_number(c->program, "days");
        a.count = default_number(c->program, "count");
        r = options_parse(c->program, argc - 1, argv + 1, &a, &positionals);
        if (r != 0)
                return r > 0 ? EX_OK : 2;
        r = c->run(&a, positionals);
        return r < 0 ? sysexit_of(r) : EX_OK;
}
