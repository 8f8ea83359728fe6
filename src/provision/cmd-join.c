#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "model/ssh-key.h"
#include "provision/enrol-call.h"
#include "provision/invite-make.h"
#include "provision/node-files.h"
#include "provision/probe.h"
#include "provision/provision.h"

#define CREDENTIAL "flwr.join"
#define LOCAL_ADDRESS "localhost:9092"
#define LOCAL_LIFE (5 * 60 * USEC_PER_SEC)

static const Option options[] = {ROWS_JOIN, {OPTION_END}};

const Program program_join = {
        .name = "flwr-provision join",
        .summary = "Have a SuperNode of this host trust a SuperLink, and be registered there.",
        .description =
                "The join string comes from \"flwr-provision invite\" on the SuperLink's host: as "
                "\"-\" (standard input), "
                "as a file that holds it, or as an argument, which other users of this host may see "
                "for a moment. "
                "Without any, the systemd credential flwr.join is used; nothing is done where there "
                "is none, or where "
                "the node has joined. A string without a secret, flwr+join://HOST:PORT?ca=PIN with the pin "
                "that "
                "\"flwr-provision show\" tells of a CA, works with every SuperLink whose chain has its CA, "
                "also a genuine one. HOST:PORT instead shows the pin of the CA there and asks on a "
                "terminal whether it "
                "is the right one.",
        .positionals = "[-|FILE|STRING|HOST:PORT]",
        .max_positionals = 1,
        .options = options,
        .examples = "  flwr-provision join - <join-string\n"
                    "  flwr-provision join --local\n"
                    "  flwr-provision join /root/join-b --node supernode@b\n",
};

/* ---- where the string comes from ---- */

static int parse(const char *text, JoinString *ret)
{
        _cleanup_free_ char *error = NULL;
        int r;

        r = join_string_parse(text, ret, &error);
        if (r < 0)
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_JOIN_REFUSED},
                        "%s. \"flwr-provision invite\" on the SuperLink's host prints a new one",
                        error ? error : strerror(-r));
        return r;
}

static int read_string(const char *path, JoinString *ret)
{
        _cleanup_wipe_ char *text = NULL;
        int r;

        r = read_text_file(path, 2 * JOIN_STRING_MAX, &text);
        return r < 0 ? log_error_errno(r, "The join string cannot be read from \"%s\"", path)
                     : parse(text, ret);
}

static int read_stdin(JoinString *ret)
{
        char text[2 * JOIN_STRING_MAX];
        int r;

        if (!fgets(text, sizeof(text), stdin)) {
                log_error("Standard input holds no join string");
                return -EINVAL;
        }
        r = parse(text, ret);
        explicit_bzero(text, sizeof(text));
        return r;
}

/* 1: there is none, or no need for it. */
static int read_credential(const Arguments *a, const char *node, JoinString *ret)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = directory ? path_join(directory, CREDENTIAL) : NULL;
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        if (!directory) {
                log_error("A join string is needed: as \"-\" (standard input), a file or an argument; or "
                          "--local");
                return -EINVAL;
        }
        if (!path)
                return log_oom();
        r = place_open(a->root, &p);
        if (r < 0)
                return r;
        if (access(path, F_OK) < 0 || place_is_joined(&p, node))
                return 1;
        return read_string(path, ret);
}

static int read_argument(char *argument, JoinString *ret)
{
        int r;

        if (streq(argument, "-"))
                return read_stdin(ret);
        if (!startswith(argument, JOIN_SCHEME) && access(argument, F_OK) >= 0)
                return read_string(argument, ret);
        r = parse(argument, ret);
        /* Out of the process list, as far as it is in our hands. */
        if (ret->secret)
                explicit_bzero(argument, strlen(argument));
        return r;
}

static int make_local(const Arguments *a, JoinString *ret)
{
        const InviteSpec spec = {
                .address = a->address ? a->address : LOCAL_ADDRESS,
                .name = "this host itself",
                .life = LOCAL_LIFE,
                .uses = 1,
        };
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        return r < 0 ? r : invite_make(&p, &spec, ret);
}

static int get_string(const Arguments *a, char *argument, const char *node, JoinString *ret)
{
        if (a->local && argument) {
                log_error("--local takes no join string");
                return -EINVAL;
        }
        if (a->address && !a->local) {
                log_error("--address belongs to --local; the join string has one of its own");
                return -EINVAL;
        }
        return a->local   ? make_local(a, ret)
               : argument ? read_argument(argument, ret)
                          : read_credential(a, node, ret);
}

/* ---- trust ---- */

static int refused(int r, const JoinString *j, const char *error)
{
        if (r == -ENOMEM)
                return log_oom();
        log_with(LOG_ERR, (&(LogFields){.peer = j->address, .message_id = FLWR_MESSAGE_JOIN_REFUSED}),
                "The SuperLink at %s was not joined: %s", j->address, error ? error : strerror(-r));
        return r == -EKEYREJECTED ? -EPROTO : r;
}

static int ask(JoinString *j)
{
        _cleanup_free_ char *ca = NULL, *pin = NULL, *error = NULL;
        char answer[16] = "";
        int r;

        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
                log_error("An address alone says not whom to trust there. Use a join string "
                          "(\"flwr-provision invite\" on "
                          "the SuperLink's host), or a terminal, where the pin can be compared by a person");
                return -EINVAL;
        }
        r = probe(j, &ca, &pin, &error);
        if (r < 0)
                return refused(r, j, error);
        fprintf(stderr,
                "The SuperLink at %s shows a CA with the pin\n\n  %s\n\n"
                "Compare it with what \"flwr-provision invite\" or its operator says.\nIs it the same "
                "(yes/no)? ",
                j->address, pin);
        if (!fgets(answer, sizeof(answer), stdin) || !streq(answer, "yes\n")) {
                log_error("Not joined; nothing was changed");
                return -EPROTO;
        }
        j->pin = TAKE_PTR(pin);
        return 0;
}

static int get_ca(JoinString *j, char **ret)
{
        _cleanup_free_ char *pin = NULL, *error = NULL;
        int r;

        if (!j->pin) {
                r = ask(j);
                if (r < 0)
                        return r;
        }
        r = probe(j, ret, &pin, &error);
        return r < 0 ? refused(r, j, error) : 0;
}

/* ---- what is written ---- */

static char *join_toml(const JoinString *j, const char *node)
{
        _cleanup_free_ char *ca = node_path(node, NODE_CA), *key = node_path(node, NODE_KEY);
        _cleanup_free_ char *key_line = !key ? NULL
                                        /* The file of the package names that of the first node. */
                                        : streq(node, "supernode")
                                                ? strdup("")
                                                : xasprintf("auth-supernode-private-key = \"%s\"\n", key);

        return ca && key_line ? xasprintf("# Written by flwr-provision join.\n"
                                          "superlink = \"%s\"\nroot-certificates = \"%s\"\n%s",
                                        j->address, ca, key_line)
                              : NULL;
}

static int write_trust(
        const Arguments *a, const char *node, const JoinString *j, const char *ca, NodeKey **ret)
{
        _cleanup_free_ char *ca_path = node_path(node, NODE_CA), *toml_path = node_join_path(node),
                            *toml = join_toml(j, node);
        _cleanup_(node_key_freep) NodeKey *key = NULL;
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        if (!ca_path || !toml_path || !toml)
                return log_oom();
        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0)
                r = node_provision(&p, node, NODE_KEEP, &key);
        if (r >= 0)
                r = place_write(&p, ca_path, ca, 0644, (gid_t) -1);
        /* The last file: with it the service may start. */
        if (r >= 0)
                r = place_write(&p, toml_path, toml, 0644, (gid_t) -1);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(key);
        return 0;
}

/* Only when all is done: until then a machine that nobody logs in to tries again at its next boot. */
static int mark(const Arguments *a, const char *node)
{
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        return r < 0 ? r : node_set_joined(&p, node);
}

static int enrol(const Arguments *a, const char *node, const JoinString *j, const NodeKey *key)
{
        _cleanup_free_ char *ca = node_path(node, NODE_CA), *public = node_path(node, NODE_PUBLIC_KEY),
                            *path = NULL, *error = NULL;
        EnrolResult result = ENROL_UNKNOWN_METHOD;
        int r = 0;

        path = ca ? xasprintf("%s%s", strempty(a->root), ca) : NULL;
        if (!path || !public)
                return log_oom();
        if (j->secret)
                r = enrol_call(j, path, node_key_pem(key), &result, &error);
        if (r < 0) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_JOIN_REFUSED},
                        "%s. This host trusts the SuperLink now, but is not registered there: join again "
                        "with another "
                        "invitation, or have %s%s registered there with \"flwr supernode register\"",
                        error ? error : strerror(-r), strempty(a->root), public);
                return r;
        }
        r = mark(a, node);
        if (r < 0)
                return r;
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_JOIN_DONE},
                "%s trusts the SuperLink at %s%s", node, j->address,
                result == ENROL_DONE ? " and is registered there" : "");
        if (result != ENROL_DONE)
                printf("Have the operator of the SuperLink register the key, with the file %s%s:\n"
                       "  flwr supernode register node.pub\n"
                       "Where the SuperLink has a list of keys (--auth-list-public-keys), add it there, and "
                       "restart "
                       "the SuperLink if it is not one of ours, which take a reload:\n"
                       "  cat node.pub >>LIST\n",
                        strempty(a->root), public);
        printf("Then start it:\n  systemctl start flower-%s\n", node);
        return 0;
}

int command_join(const Arguments *a, char **positionals)
{
        const char *node = a->node ? a->node : "supernode";
        _cleanup_(node_key_freep) NodeKey *key = NULL;
        _cleanup_join_string_ JoinString j = {};
        _cleanup_free_ char *ca = NULL;
        int r;

        if (!node_name_is_valid(node)) {
                log_error("--node takes \"supernode\" or \"supernode@NAME\"");
                return -EINVAL;
        }
        r = get_string(a, positionals[0], node, &j);
        if (r != 0)
                return MIN(r, 0);
        r = get_ca(&j, &ca);
        if (r >= 0)
                r = write_trust(a, node, &j, ca, &key);
        if (r >= 0)
                r = enrol(a, node, &j, key);
        if (r < 0 && a->local) {
                _cleanup_place_ Place p = {.lock_fd = -EBADF};

                if (place_open(a->root, &p) >= 0)
                        invite_unmake(&p, j.id);
        }
        return r;
}
