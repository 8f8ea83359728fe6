#include <dirent.h>
#include <unistd.h>

#include "base/log.h"
#include "provision/node-files.h"
#include "provision/provision.h"
#include "provision/superlink-files.h"

static const Option options[] = {ROWS_RESET, {OPTION_END}};

const Program program_reset = {
        .name = "flwr-provision reset",
        .summary = "Remove the keys and certificates that this program made, as the last step of building "
                   "an image.",
        .options = options,
        .examples = "  flwr-provision reset --root /mnt/image\n",
};

static int reset_superlink(const Place *p, bool force)
{
        _cleanup_superlink_files_ SuperlinkFiles f = {};
        int r;

        if (!place_has(p, PLACE_TLS_PRIVATE))
                return 0;
        r = superlink_files_load(p, &f);
        if (r < 0)
                return r;
        if (f.joined && !force) {
                log_error("Nodes have joined the SuperLink of this host: nothing was removed. --force does "
                          "it");
                return -EEXIST;
        }
        /* Without a CA of ours the certificate came from somewhere else. */
        if (!f.ca_key)
                return place_remove(p, PLACE_MACHINE);
        superlink_forget_joined(p);
        r = superlink_remove(&f);
        return r < 0 ? r : place_remove(p, PLACE_MACHINE);
}

/* check: only look whether one has joined. */
static int each_node(const Place *p, bool check)
{
        _cleanup_free_ char *path = place_path(p, PLACE_KEYS);
        struct dirent *de;
        int r = 0;
        DIR *d;

        if (!path)
                return log_oom();
        d = opendir(path);
        if (!d)
                return errno == ENOENT ? 0 : log_error_errno(errno, "\"%s\" cannot be read", path);
        while (r >= 0 && (de = readdir(d))) {
                if (!node_name_is_valid(de->d_name))
                        continue;
                if (!check) {
                        r = node_remove(p, de->d_name);
                        node_forget_joined(p, de->d_name);
                } else if (place_is_joined(p, de->d_name)) {
                        log_error("%s of this host has joined: nothing was removed. --force does it",
                                de->d_name);
                        r = -EEXIST;
                }
        }
        closedir(d);
        return r;
}

int command_reset(const Arguments *a, char **positionals)
{
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        int r;

        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0 && !a->force)
                r = each_node(&p, true);
        if (r >= 0)
                r = reset_superlink(&p, a->force);
        return r < 0 ? r : each_node(&p, false);
}
