#include "services/launcher.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/time-util.h"

/* A child that ends is started again after a pause that doubles, so that a broken one does not spin. */
#define RESTART_FIRST (100 * USEC_PER_MSEC)
#define RESTART_MAX (10 * USEC_PER_SEC)
/* While another launcher serves us, look this often whether it still does. */
#define RESTART_SERVED (5 * USEC_PER_SEC)

struct Launcher {
        sd_event *event;
        sd_event_source *child, *restart;
        usec_t pause, started_at;
        void (*gone)(void *userdata);
        void *userdata;
        char *program;
        char **argv;
};

extern char **environ;

char *launcher_local_address(const char *address, uint16_t port)
{
        _cleanup_free_ char *host = NULL;
        uint16_t ignored;

        if (parse_address(address, &host, &ignored) < 0)
                return NULL;
        if (streq(host, "0.0.0.0") || streq(host, "*"))
                return xasprintf("127.0.0.1:%u", port);
        if (streq(host, "::"))
                return xasprintf("[::1]:%u", port);
        return strchr(host, ':') ? xasprintf("[%s]:%u", host, port) : xasprintf("%s:%u", host, port);
}

/* Beside our own program first: that one fits us. */
static int find_program(const char *name, char **ret)
{
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        const char *path = getenv("PATH");
        _cleanup_free_ char *copy = NULL;
        char *slash, *p, *dir;

        if (n > 0) {
                self[n] = 0;
                slash = strrchr(self, '/');
                if (slash) {
                        _cleanup_free_ char *beside = NULL;

                        *slash = 0;
                        beside = path_join(self, name);
                        if (beside && access(beside, X_OK) == 0) {
                                *ret = TAKE_PTR(beside);
                                return 0;
                        }
                }
        }
        copy = strdup(path ? path : "/usr/bin:/bin");
        if (!copy)
                return -ENOMEM;
        for (p = copy; (dir = strsep(&p, ":"));) {
                _cleanup_free_ char *candidate = path_join(*dir ? dir : ".", name);

                if (candidate && access(candidate, X_OK) == 0) {
                        *ret = TAKE_PTR(candidate);
                        return 0;
                }
        }
        return -ENOENT;
}

static int spawn(Launcher *l);

static void restart_after(Launcher *l, usec_t pause)
{
        (void) sd_event_source_set_time(l->restart, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(l->restart, SD_EVENT_ONESHOT);
}

static int on_restart(sd_event_source *s, uint64_t usec, void *userdata)
{
        if (spawn(userdata) < 0)
                restart_after(userdata, RESTART_MAX);
        return 0;
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *userdata)
{
        Launcher *l = userdata;

        l->child = sd_event_source_unref(l->child);
        if (si->si_code == CLD_EXITED && si->si_status == LAUNCHER_STATUS_SERVED) {
                restart_after(l, RESTART_SERVED);
                return 0;
        }
        if (l->gone)
                l->gone(l->userdata);
        l->pause = now_monotonic() - l->started_at > RESTART_MAX ? RESTART_FIRST
                                                                 : MIN(l->pause * 2, RESTART_MAX);
        restart_after(l, l->pause);
        return 0;
}

/* What systemd tells this daemon is not meant for its children. */
static bool is_ours_alone(const char *variable)
{
        static const char *const names[] = {"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
                "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (startswith(variable, names[i]))
                        return true;
        return false;
}

static char **make_environment(void)
{
        size_t n = 0, m = 0;
        char **env;

        while (environ[n])
                n++;
        env = new0(char *, n + 1);
        for (size_t i = 0; env && i < n; i++)
                if (!is_ours_alone(environ[i]))
                        env[m++] = environ[i];
        return env;
}

static int spawn(Launcher *l)
{
        _cleanup_free_ char **env = make_environment();
        pid_t pid;
        int r;

        if (!env)
                return -ENOMEM;
        r = spawn_program(l->program, l->argv, env, -1, &pid);
        if (r < 0)
                return r;
        l->started_at = now_monotonic();
        return sd_event_add_child(l->event, &l->child, pid, WEXITED, on_child, l);
}

static int make_argv(Launcher *l, const LauncherConfig *config)
{
        size_t n = 0;

        l->argv = new0(char *, 12);
        if (!l->argv)
                return -ENOMEM;
        l->argv[n++] = strdup("flower-superexec");
        l->argv[n++] = strdup("--insecure");
        l->argv[n++] = strdup("--appio-api-address");
        l->argv[n++] = launcher_local_address(config->appio_address, config->appio_port);
        l->argv[n++] = strdup("--plugin-type");
        l->argv[n++] = strdup(config->plugin_type);
        if (config->lock_file) {
                l->argv[n++] = strdup("--lock-file");
                l->argv[n++] = strdup(config->lock_file);
        }
        if (config->python_apps) {
                l->argv[n++] = strdup("--python-apps");
                l->argv[n++] = strdup(config->python_apps);
        }
        for (size_t i = 0; i < n; i++)
                if (!l->argv[i])
                        return -ENOMEM;
        return 0;
}

int launcher_new(const LauncherConfig *config, Launcher **ret, char **reterr_text)
{
        _cleanup_(launcher_freep) Launcher *l = new0(Launcher, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->event = sd_event_ref(config->event);
        l->pause = RESTART_FIRST;
        l->gone = config->gone;
        l->userdata = config->userdata;
        r = find_program("flower-superexec", &l->program);
        if (r == -ENOENT)
                *reterr_text = strdup(
                        "flower-superexec is neither beside this program nor on PATH. Install it (package "
                        "flwr-apps), or use --isolation process and start the launcher yourself.");
        if (r < 0)
                return r;
        r = make_argv(l, config);
        if (r < 0)
                return r;
        r = sd_event_add_time(l->event, &l->restart, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_restart, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

Launcher *launcher_free(Launcher *l)
{
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->child);
        sd_event_source_disable_unref(l->restart);
        free(l->program);
        for (char **a = l->argv; a && *a; a++)
                free(*a);
        free(l->argv);
        sd_event_unref(l->event);
        return mfree(l);
}
