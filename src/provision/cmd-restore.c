#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "provision/provision.h"
#include "provision/run-program.h"

#define UNPACKED PLACE_STATE "/.restore"
#define SYSTEMD_RUNS "/run/systemd/system"

static const Option options[] = {ROWS_RESTORE, {OPTION_END}};

const Program program_restore = {
        .name = "flwr-provision restore",
        .summary = "Make this host the SuperLink of which a backup was made.",
        .description =
                "FILE comes from \"flwr-provision backup\". The SuperLink is stopped, gets keys, "
                "configuration and state "
                "from FILE, and is started; nodes come back by themselves where they reach it under the "
                "name "
                "that they know. It takes over: the SuperLink that was saved must not run any more. Runs "
                "that "
                "waited then are started, "
                "those whose ServerApp was at work fail. Files of /etc/flwr that are not in FILE stay.",
        .positionals = "FILE",
        .min_positionals = 1,
        .max_positionals = 1,
        .options = options,
        .examples = "  flwr-provision restore /var/backups/hub.tar.gz\n",
};

static int inspect(const char *file)
{
        const char *argv[] = {"tar", "--list", "--gzip", "--file", file, "etc/flwr/tls/superlink.crt",
                "var/lib/flwr/superlink/state.db", NULL};
        FILE *nowhere;
        int r;

        if (access(file, R_OK) < 0)
                return log_error_errno(errno, "\"%s\" cannot be read", file);
        nowhere = fopen("/dev/null", "we");
        if (!nowhere)
                return log_error_errno(errno, "/dev/null cannot be opened");
        r = run_program(argv, fileno(nowhere));
        (void) fclose(nowhere);
        if (r >= 0)
                return 0;
        log_error(
                "\"%s\" is not whole, or no backup of \"flwr-provision backup\"; nothing was changed", file);
        return -EBADMSG;
}

static int unpack(const Place *p, const char *file, const char *directory, const char *member)
{
        _cleanup_free_ char *full = place_path(p, directory);
        const char *argv[] = {"tar", "--extract", "--gzip", "--preserve-permissions", "--file", file,
                "--directory", full, member, NULL};

        return full ? run_program(argv, -1) : log_oom();
}

/* The state first, beside the present one: what can fail does so before anything is changed. */
static int unpack_state(const Place *p, const char *file)
{
        _cleanup_free_ char *full = place_path(p, UNPACKED);
        int r;

        if (!full)
                return log_oom();
        r = rm_rf(full);
        if (r >= 0)
                r = mkdir_parents(full, 0755);
        if (r >= 0 && chmod(full, 0700) < 0)
                r = -errno;
        if (r < 0)
                return log_error_errno(r, "\"%s\" cannot be made", full);
        r = unpack(p, file, UNPACKED, "var/lib/flwr/superlink");
        if (r < 0)
                log_error("\"%s\" cannot be unpacked; nothing was changed", file);
        return r;
}

static int replace(const Place *p, const char *file)
{
        _cleanup_free_ char *state = place_path(p, PLACE_SUPERLINK_STATE),
                            *unpacked = place_path(p, UNPACKED);
        _cleanup_free_ char *from = place_path(p, UNPACKED PLACE_SUPERLINK_STATE);
        int r;

        if (!state || !unpacked || !from)
                return log_oom();
        r = unpack(p, file, "/", "etc/flwr");
        if (r < 0) {
                log_error("/etc/flwr is a mixture now: make room there and restore again");
                return r;
        }
        r = rm_rf(state);
        if (r >= 0 && rename(from, state) < 0)
                r = -errno;
        sync();
        return r < 0 ? log_error_errno(r, "\"%s\" cannot be replaced", state) : rm_rf(unpacked);
}

/* ---- the service ---- */

static bool has_systemd(const Place *p)
{
        return !*p->root && access(SYSTEMD_RUNS, F_OK) >= 0;
}

/* Nodes connect to the first socket: were it not the first to go, it would start the service in between. */
static int stop(const Place *p)
{
        const char *argv[] = {"systemctl", "stop", "flower-superlink-fleet.socket",
                "flower-superlink*.socket", "flower-superlink*.service", NULL};
        int r;

        if (!has_systemd(p))
                return 0;
        r = run_program(argv, -1);
        if (r < 0)
                log_error("The SuperLink cannot be stopped; nothing was changed");
        return r;
}

static int start(const Place *p)
{
        const char *argv[] = {"systemctl", "start", "flower-superlink.service", NULL};
        int r;

        if (!has_systemd(p))
                return 0;
        r = run_program(argv, -1);
        if (r < 0)
                log_error("The SuperLink does not start: journalctl -u flower-superlink says why");
        return r;
}

static int restore(const Place *p, const char *file, bool force)
{
        int r;

        if (place_is_joined(p, "superlink") && !force) {
                log_error("Nodes have joined the SuperLink of this host: nothing was changed. --force "
                          "replaces "
                          "it, with its keys and runs");
                return -EEXIST;
        }
        r = inspect(file);
        if (r >= 0)
                r = unpack_state(p, file);
        if (r >= 0)
                r = stop(p);
        return r < 0 ? r : replace(p, file);
}

/* The backup's machine is the original of which this one is the copy. */
static int adopt(const Arguments *a)
{
        Arguments adopting = {.root = a->root, .adopt = true};

        return command_superlink(&adopting, NULL);
}

int command_restore(const Arguments *a, char **positionals)
{
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        Account owner;
        int r;

        r = place_open(a->root, &p);
        /* By their names, files get owners that may have other numbers here. */
        if (r >= 0)
                r = place_account(&p, PLACE_SUPERLINK_USER, &owner);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0)
                r = restore(&p, positionals[0], a->force);
        place_done(&p);
        if (r >= 0)
                r = adopt(a);
        if (r >= 0)
                r = place_open(a->root, &p);
        if (r >= 0)
                r = start(&p);
        if (r >= 0)
                log_info("This host has the SuperLink of \"%s\" now", positionals[0]);
        return r;
}
