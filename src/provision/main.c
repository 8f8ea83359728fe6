#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/log.h"
#include "provision/provision.h"

static const Command commands[] = {
        {"ca", &program_ca, command_ca},
        {"server", &program_server, command_server},
        {"node-keys", &program_node_keys, command_node_keys},
        {"show", &program_show, command_show},
        {"superlink", &program_superlink, command_superlink},
        {"supernode", &program_supernode, command_supernode, .has_instances = true},
        {"invite", &program_invite, command_invite},
        {"join", &program_join, command_join},
        {"reset", &program_reset, command_reset},
        {"backup", &program_backup, command_backup},
        {"restore", &program_restore, command_restore},
};

static const Option all_options[] = {
        {OPTION_GROUP, .help = "ca"},
        ROWS_CA(0),
        {OPTION_GROUP, .help = "server"},
        ROWS_SERVER(0),
        {OPTION_GROUP, .help = "node-keys"},
        ROWS_NODE_KEYS(0),
        {OPTION_GROUP, .help = "superlink"},
        ROWS_SUPERLINK,
        {OPTION_GROUP, .help = "supernode[@NAME]"},
        ROWS_SUPERNODE,
        {OPTION_GROUP, .help = "invite"},
        ROWS_INVITE,
        {OPTION_GROUP, .help = "join"},
        ROWS_JOIN,
        {OPTION_GROUP, .help = "reset"},
        ROWS_RESET,
        {OPTION_GROUP, .help = "backup"},
        ROWS_BACKUP,
        {OPTION_GROUP, .help = "restore"},
        ROWS_RESTORE,
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
                "flwr-provision superlink and flwr-provision supernode do the same for the services of this "
                "host, below /etc/flwr; packages and flwr-provision@.service call them. Each makes what is "
                "missing, keeps what is there, and renews the server's certificate when less than a third "
                "of "
                "its life is left or /etc/flwr/tls/names has changed. A certificate of the administrator's "
                "(superlink.crt and superlink.key in /etc/flwr/tls, without private/ca.key) is never "
                "touched. "
                "On a machine that is a copy of another one, keys with which nobody has joined are "
                "replaced; "
                "with others, a SuperNode does not start and a SuperLink warns, until --rotate or --adopt "
                "says "
                "what is right.\n\n"
                "flwr-provision invite, on the SuperLink's host, prints a join string: the address, the "
                "hash of "
                "the CA's public key, and a secret. flwr-provision join on the node looks for a certificate "
                "with "
                "that hash among those that the SuperLink shows, verifies the SuperLink against it alone, "
                "and "
                "refuses everything else before anything is sent or written. Then it has the node's key "
                "registered with the secret; genuine Flower does not know that, so there the command for "
                "its "
                "operator is printed. A join string is good for one node and 24 hours, unless invite was "
                "told "
                "otherwise; give it as a file or on standard input, as arguments can be seen by other "
                "users. "
                "Private keys never leave the host on which they were made.\n\n"
                "flwr-provision reset removes what superlink, supernode and join have made, as the last "
                "step of "
                "building an image.\n\n"
                "flwr-provision backup saves keys, configuration and state of the SuperLink in a file, "
                "while it goes on; "
                "flwr-provision restore makes a host the SuperLink that was saved.\n\n"
                "flwr-provision show says what a file is: type, fingerprint, names, until when it is "
                "valid.\n\n"
                "All but show, invite, join, backup and restore can be called again at any time: files that "
                "are there are "
                "checked and kept, "
                "unless --force is "
                "given. Files are replaced atomically. Private keys can only be read by their owner and, "
                "those of "
                "services, by the group of the daemon.",
        .positionals = "ca|server|node-keys|show|superlink|supernode|invite|join|reset|backup|restore",
        .min_positionals = 1,
        .max_positionals = 1,
        .options = all_options,
        .exit_status = "0 after success, 2 after a usage error, otherwise a number of sysexits.h: 64 a "
                       "value makes no sense, 65 a "
                       "file holds something else than it should, 66 a file is missing, 71 out of memory, "
                       "73 a file is in the "
                       "way, 74 reading or writing failed, 77 permission denied or an invitation refused; "
                       "67 a user of the "
                       "packages is missing, 69 the SuperLink cannot be reached, 75 another flwr-provision "
                       "holds the lock, 76 "
                       "the SuperLink is not the one of the join string, 78 this machine is a copy of a "
                       "node that has joined.",
        .examples = "  flwr-provision ca --dir certificates\n"
                    "  flwr-provision server --dir certificates --name flower.example.org\n"
                    "  flwr-provision node-keys --dir keys --count 5 --list client_public_keys.csv\n"
                    "  flwr-provision show certificates/* keys/*\n"
                    "  flwr-provision invite --name site-a\n"
                    "  flwr-provision join - <join-string\n",
};

void arguments_done(Arguments *a)
{
        free(a->dir);
        free(a->ca_dir);
        free(a->common_name);
        options_free_strings(a->names);
        free(a->prefix);
        free(a->list);
        free(a->root);
        free(a->until);
        free(a->ttl);
        free(a->name);
        free(a->address);
        free(a->node);
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
        case EPROTO:
                return EX_PROTOCOL;
        case EHOSTUNREACH:
                return EX_UNAVAILABLE;
        case EBUSY:
                return EX_TEMPFAIL;
        case ESRCH:
                return EX_NOUSER;
        case ESTALE:
                return EX_CONFIG;
        case EACCES:
        case EPERM:
        case EROFS:
                return EX_NOPERM;
        default:
                return EX_IOERR;
        }
}

/* *ret_instance: behind the "@", NULL if there is none. */
static const Command *find_command(char *name, char **ret_instance)
{
        for (size_t i = 0; name && i < ELEMENTSOF(commands); i++) {
                const char *rest = startswith(name, commands[i].name);

                if (!rest || (*rest && (*rest != '@' || !commands[i].has_instances)))
                        continue;
                *ret_instance = *rest ? name + (rest - name) + 1 : NULL;
                return commands + i;
        }
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
                        "flwr-provision: error: there is no command \"%s\", only ca, server, node-keys, "
                        "show, "
                        "superlink, supernode, invite, join, reset, backup and restore\n",
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
        char *instance = NULL;
        const Command *c = find_command(argc > 1 ? argv[1] : NULL, &instance);
        _cleanup_(arguments_done) Arguments a = {};
        _cleanup_free_ char **positionals = NULL;
        int r;

        log_open("flwr-provision");
        daemon_protect_memory();
        if (!c)
                return no_command(argc, argv);
        a.days = default_number(c->program, "days");
        a.count = default_number(c->program, "count");
        a.uses = default_number(c->program, "uses");
        r = options_parse(c->program, argc - 1, argv + 1, &a, &positionals);
        if (r != 0)
                return r > 0 ? EX_OK : 2;
        /* Whoever looks into the journal for what became of a key finds it, also when a person called us. */
        if (!a.root && geteuid() == 0)
                log_keep_records();
        r = c->run(&a, c->has_instances ? (char *[]){instance, NULL} : positionals);
        return r < 0 ? sysexit_of(r) : EX_OK;
}
