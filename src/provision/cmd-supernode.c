#include "base/log.h"
#include "provision/node-files.h"
#include "provision/provision.h"

static const Option options[] = {ROWS_SUPERNODE, {OPTION_END}};

const Program program_supernode = {
        .name = "flwr-provision supernode",
        .summary = "Make the key of a SuperNode of this host below /etc/flwr/keys, or check it. "
                   "\"supernode@NAME\" is "
                   "that of flower-supernode@NAME.service.",
        .options = options,
        .examples = "  flwr-provision supernode\n"
                    "  flwr-provision supernode@site-b --rotate\n",
};

int command_supernode(const Arguments *a, char **positionals)
{
        _cleanup_free_ char *node =
                xasprintf("supernode%s%s", positionals[0] ? "@" : "", strempty(positionals[0]));
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        if (!node)
                return log_oom();
        if (!node_name_is_valid(node)) {
                log_error("\"%s\" is not \"supernode\" or \"supernode@NAME\" with a name of up to %d "
                          "letters, digits, "
                          "\"-\", \"_\" and \".\"",
                        node, NODE_INSTANCE_MAX);
                return -EINVAL;
        }
        if (a->rotate && a->adopt) {
                log_error("Only one of --rotate and --adopt can be done");
                return -EINVAL;
        }
        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        return r < 0 ? r
                     : node_provision(&p, node,
                               a->rotate  ? NODE_ROTATE
                               : a->adopt ? NODE_ADOPT
                                          : NODE_KEEP,
                               NULL);
}
