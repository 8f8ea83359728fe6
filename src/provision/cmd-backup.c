#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "base/toml.h"
#include "provision/provision.h"
#include "provision/run-program.h"
#include "state/snapshot.h"

#define CONFIG_FILE "/etc/flwr/superlink.toml"
#define CONFIG_DROPINS "/etc/flwr/superlink.d/*.toml"
#define CONFIG_SIZE_MAX 1048576 /* as the daemon's own limit */
#define STAGE ".backup"

static const Option options[] = {ROWS_BACKUP, {OPTION_END}};

const Program program_backup = {
        .name = "flwr-provision backup",
        .summary = "Save keys, configuration, nodes, runs and logs of this host's SuperLink, which goes on.",
        .description =
                "FILE becomes a compressed tar archive of /etc/flwr, without the SuperNodes' files, and of "
                "/var/lib/flwr/superlink as it is at one moment; \"-\" is standard output. The "
                "SuperLink may be at work: its calls wait for well under a second. FILE appears only when "
                "it is "
                "complete and the copy of the database was found to be in order. It holds private keys: "
                "only root can read it, and copies of it need the same care.",
        .positionals = "FILE|-",
        .min_positionals = 1,
        .max_positionals = 1,
        .options = options,
        .examples = "  flwr-provision backup /var/backups/hub.tar.gz\n"
                    "  flwr-provision backup - | ssh backup.example.org 'cat >hub.tar.gz'\n",
};

/* ---- where the state is ---- */

/* key of one file must be expected, if it is there at all. */
static int check_key(const Toml *toml, const char *file, const char *key, const char *expected)
{
        const TomlNode *node = toml_find(toml_root(toml), key);
        const char *value;

        if (!node || toml_get_string(node, &value) < 0 || !*value || streq(value, expected))
                return 0;
        log_error("%s:%u: %s = \"%s\": only the state in " PLACE_SUPERLINK_STATE
                  " can be saved. Stop the SuperLink and copy that one by other means",
                file, toml_line(node), key, value);
        return -EINVAL;
}

static int check_file(const Place *p, const char *path)
{
        _cleanup_free_ char *text = NULL, *error = NULL;
        _cleanup_(toml_freep) Toml *toml = NULL;
        int r;

        r = place_read(p, path, CONFIG_SIZE_MAX, &text);
        if (r < 0 || !text)
                return r;
        r = toml_parse(text, strlen(text), path, &toml, &error);
        if (r < 0) {
                log_error("%s", error ? error : strerror(-r));
                return r;
        }
        r = check_key(toml, path, "database", PLACE_SUPERLINK_STATE "/state.db");
        return r < 0 ? r : check_key(toml, path, "storage-dir", PLACE_SUPERLINK_STATE "/fabs");
}

/* Stricter than the daemon, where a later file wins: nobody needs two places. */
static int check_config(const Place *p)
{
        _cleanup_free_ char *pattern = place_path(p, CONFIG_DROPINS);
        glob_t found = {};
        int r;

        if (!pattern)
                return log_oom();
        r = check_file(p, CONFIG_FILE);
        if (r >= 0 && glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
                for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++)
                        r = check_file(p, found.gl_pathv[i] + strlen(p->root));
        globfree(&found);
        return r;
}

/* ---- the copy ---- */

static int stage(void *userdata)
{
        const Place *p = userdata;
        _cleanup_free_ char *state = place_path(p, PLACE_SUPERLINK_STATE), *error = NULL;
        _cleanup_free_ char *target = place_path(p, PLACE_SUPERLINK_STATE "/" STAGE);
        int r;

        if (!state || !target)
                return log_oom();
        r = rm_rf(target);
        if (r < 0)
                return log_error_errno(r, "What a killed backup left in \"%s\" cannot be removed", target);
        r = state_snapshot(state, target, &error);
        if (r == -ENOENT)
                log_error("There is nothing to save yet: %s. The first start of the SuperLink makes it",
                        strempty(error));
        else if (r < 0)
                log_error("The state of the SuperLink cannot be saved: %s", error ? error : strerror(-r));
        return r;
}

static int unstage(void *userdata)
{
        _cleanup_free_ char *target = place_path(userdata, PLACE_SUPERLINK_STATE "/" STAGE);

        return target ? rm_rf(target) : -ENOMEM;
}

static int pack(const Place *p, int fd)
{
        const char *argv[] = {"tar", "--create", "--gzip", "--file=-", "--directory",
                *p->root ? p->root : "/", "--exclude=etc/flwr/.lock", "--exclude=etc/flwr/keys",
                "--exclude=etc/flwr/supernode*",
                "--transform=s,^var/lib/flwr/superlink/" STAGE ",var/lib/flwr/superlink,", "etc/flwr",
                "var/lib/flwr/superlink/" STAGE, NULL};

        return run_program(argv, fd);
}

static int pack_file(const Place *p, const char *path)
{
        _cleanup_free_ char *temporary = xasprintf("%s.part", path);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!temporary)
                return log_oom();
        if (unlink(temporary) < 0 && errno != ENOENT)
                return log_error_errno(errno, "\"%s\" is in the way", temporary);
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return log_error_errno(errno, "\"%s\" cannot be made", temporary);
        r = pack(p, fd);
        if (r >= 0 && (fsync(fd) < 0 || rename(temporary, path) < 0))
                r = log_error_errno(errno, "\"%s\" cannot be written", path);
        if (r < 0) {
                (void) unlink(temporary);
                log_error("There is no new backup");
        } else
                log_info("Saved in \"%s\", with its private keys: keep it where only administrators can "
                         "read it",
                        path);
        return r;
}

static int save(const Place *p, const char *path)
{
        if (!streq(path, "-"))
                return pack_file(p, path);
        if (isatty(STDOUT_FILENO)) {
                log_error("A terminal takes no archive: name a file, or a pipe for \"-\"");
                return -EINVAL;
        }
        return pack(p, STDOUT_FILENO);
}

int command_backup(const Arguments *a, char **positionals)
{
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        Account owner;
        int r;

        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_account(&p, PLACE_SUPERLINK_USER, &owner);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0)
                r = check_config(&p);
        if (r < 0)
                return r;
        r = run_as(&owner, stage, &p);
        if (r >= 0)
                r = save(&p, positionals[0]);
        (void) run_as(&owner, unstage, &p);
        return r;
}
