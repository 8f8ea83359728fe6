/* How a service ends when it cannot go on. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/time-util.h"

/* In the runtime directory: its time is that of the last failure. Gone with a stop of the service. */
#define MARK ".failed"
/* Two failures belong together when the second follows within the pause and what a start may take. */
#define TOGETHER ((DAEMON_RESTART_PAUSE_SECONDS + 10) * USEC_PER_SEC)
/* Directories below the given one: settings, certificates, the keys of each node. */
#define DEPTH_MAX 3
#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

static bool mark_failure(const char *path)
{
        usec_t now = now_realtime(), then;
        struct stat st;
        bool again;

        again = stat(path, &st) >= 0;
        then = again ? (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC : 0;
        if (write_file_atomic(path, "", 0, 0600, false) < 0)
                return false;
        return again && then <= now && now - then < TOGETHER;
}

static void watch_below(int fd, const char *directory, unsigned depth)
{
        struct dirent *e;
        DIR *dir;

        /* What may not be looked at cannot be what is waited for. */
        if (inotify_add_watch(fd, directory, CHANGES) < 0 || depth >= DEPTH_MAX)
                return;
        dir = opendir(directory);
        if (!dir)
                return;
        while ((e = readdir(dir))) {
                _cleanup_free_ char *path = NULL;

                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                path = path_join(directory, e->d_name);
                if (path)
                        watch_below(fd, path, depth + 1);
        }
        closedir(dir);
}

/* True: told to stop. */
static bool wait_for_change(const char *directory)
{
        _cleanup_close_ int changes = inotify_init1(IN_CLOEXEC), signals = -EBADF;
        struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
        sigset_t set;

        if (changes >= 0)
                watch_below(changes, directory, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        signals = signalfd(-1, &set, SFD_CLOEXEC);
        /* A watchdog that was counting is kept quiet for longer than this waits. */
        (void) sd_notifyf(0,
                "WATCHDOG=1\nSTATUS=Cannot run, the last messages say why; trying again when something in "
                "%s changes, or in %d s",
                directory, DAEMON_RESTART_PAUSE_SECONDS);
        fds[0].fd = changes;
        fds[1].fd = signals;
        (void) poll(fds, ELEMENTSOF(fds), DAEMON_RESTART_PAUSE_SECONDS * 1000);
        return fds[1].revents & POLLIN;
}

int daemon_end(int status, const char *directory)
{
        const char *runtime = getenv("RUNTIME_DIRECTORY");
        _cleanup_free_ char *mark = NULL;

        if (status == EX_OK || !runtime || !getenv("NOTIFY_SOCKET"))
                return status;
        mark = path_join(runtime, MARK);
        if (!mark || !mark_failure(mark))
                return status;
        return wait_for_change(directory) ? EX_OK : status;
}
