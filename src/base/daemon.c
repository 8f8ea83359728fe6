#include "base/daemon.h"

#include <grp.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "base/time-util.h"

static const int end_signals[] = {SIGTERM, SIGINT, SIGQUIT};

static void end_signal_set(sigset_t *set)
{
        sigemptyset(set);
        for (size_t i = 0; i < ELEMENTSOF(end_signals); i++)
                sigaddset(set, end_signals[i]);
}

typedef struct StopHook {
        void (*stop)(void *userdata);
        void *userdata;
} StopHook;

static int on_end_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        StopHook *hook = userdata;
        sigset_t set;

        log_debug("Signal %u, ending", si->ssi_signo);
        if (hook->stop)
                hook->stop(hook->userdata);
        else
                (void) sd_event_exit(sd_event_source_get_event(s), 0);
        /* The second one finds its default action and ends the process, wherever it is. */
        end_signal_set(&set);
        (void) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        return 0;
}

static int add_end_signal(sd_event *event, int signo, void (*stop)(void *userdata), void *userdata)
{
        _cleanup_free_ StopHook *hook = new0(StopHook, 1);
        sd_event_source *s = NULL;
        int r;

        if (!hook)
                return -ENOMEM;
        *hook = (StopHook){.stop = stop, .userdata = userdata};
        /* A shell starts its background jobs with SIGINT and SIGQUIT ignored. */
        if (signal(signo, SIG_DFL) == SIG_ERR)
                return -errno;
        r = sd_event_add_signal(event, &s, signo, on_end_signal, hook);
        if (r < 0)
                return r;
        (void) sd_event_source_set_destroy_callback(s, free);
        TAKE_PTR(hook);
        r = sd_event_source_set_floating(s, true);
        sd_event_source_unref(s);
        return r;
}

int daemon_setup_signals(sd_event *event)
{
        return daemon_setup_stop(event, NULL, NULL);
}

int daemon_setup_stop(sd_event *event, void (*stop)(void *userdata), void *userdata)
{
        sigset_t set;
        int r;

        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        end_signal_set(&set);
        /* sd_event_add_child() wants it. */
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGHUP);
        r = pthread_sigmask(SIG_BLOCK, &set, NULL);
        if (r != 0)
                return -r;
        for (size_t i = 0; i < ELEMENTSOF(end_signals); i++) {
                r = add_end_signal(event, end_signals[i], stop, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

void daemon_notify_ready(const char *status)
{
        if (status)
                (void) sd_notifyf(0, "READY=1\nSTATUS=%s", status);
        else
                (void) sd_notify(0, "READY=1");
}

void daemon_notify_status(const char *fmt, ...)
{
        _cleanup_free_ char *s = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&s, fmt, ap) < 0)
                s = NULL;
        va_end(ap);
        if (s)
                (void) sd_notifyf(0, "STATUS=%s", s);
}

void daemon_notify_reloading(void)
{
        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_monotonic());
}

void daemon_notify_stopping(void)
{
        (void) sd_notify(0, "STOPPING=1");
}

int daemon_watchdog(sd_event *event)
{
        int r = sd_event_set_watchdog(event, true);

        return r < 0 ? r : 0;
}

void passed_fds_free(PassedFd *fds, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                safe_close(fds[i].fd);
                free(fds[i].name);
        }
        free(fds);
}

int daemon_passed_fds(PassedFd **ret, size_t *ret_n)
{
        char **names = NULL;
        PassedFd *fds;
        int n = sd_listen_fds_with_names(true, &names);

        if (n < 0)
                return n;
        fds = new0(PassedFd, (size_t) n);
        for (int i = 0; i < n; i++) {
                if (fds)
                        fds[i] = (PassedFd){SD_LISTEN_FDS_START + i, names[i]};
                else {
                        safe_close(SD_LISTEN_FDS_START + i);
                        free(names[i]);
                }
        }
        free(names);
        if (!fds)
                return -ENOMEM;
        *ret = fds;
        *ret_n = (size_t) n;
        return 0;
}

int daemon_store_fds(const char *name, const int *fds, size_t n)
{
        _cleanup_free_ char *state = xasprintf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
        int r;

        if (!state)
                return -ENOMEM;
        r = sd_pid_notify_with_fds(0, 0, state, fds, (unsigned) n);
        return r < 0 ? r : r == 0 ? -ENOTCONN : 0;
}

void daemon_unstore_fds(const char *name)
{
        (void) sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void daemon_raise_nofile(void)
{
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) < 0)
                return;
        l.rlim_cur = l.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &l) < 0)
                log_debug_errno(errno, "Limit of open files not raised, ignoring");
}

static int forget_segments(struct dl_phdr_info *info, size_t size, void *userdata)
{
        size_t page = (size_t) sysconf(_SC_PAGESIZE);

        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;

                /* Only what nothing can have changed. */
                if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
                        continue;
                start = (start + page - 1) & ~(page - 1);
                end &= ~(page - 1);
                if (start < end)
                        (void) madvise((void *) start, end - start, MADV_DONTNEED);
        }
        return 0;
}

void daemon_forget_start(void)
{
        (void) malloc_trim(0);
        (void) dl_iterate_phdr(forget_segments, NULL);
}

void daemon_protect_memory(void)
{
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                log_debug_errno(errno, "Process stays dumpable, ignoring");
}

void daemon_warn_exposed_key(const char *path)
{
        struct stat st;

        if (stat(path, &st) >= 0 && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)))
                log_with(LOG_WARNING, (&(LogFields){.message_id = FLWR_MESSAGE_KEY_EXPOSED}),
                        "The private key %s is open to others (mode %04o), who can pretend to be this "
                        "service with it: chmod 640 %s, and make a new one if somebody may have read it",
                        path, (unsigned) st.st_mode & 07777, path);
}

char *daemon_access_hint(const char *path)
{
        const struct group *g = getgrgid(getegid());

        if (!g)
                return xasprintf(
                        ". This program runs as group %u: let it read the file", (unsigned) getegid());
        return xasprintf(". This program runs as group %s: chgrp %s %s, chmod 640 %s", g->gr_name,
                g->gr_name, path, path);
}

static int on_parent_gone(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        log_debug("Parent process is gone, ending");
        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return kill(getpid(), SIGTERM) < 0 ? -errno : 0;
}

int daemon_watch_parent(sd_event *event, pid_t pid)
{
        _cleanup_close_ int fd = -EBADF;
        sd_event_source *s;
        int r;

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0) {
                if (errno != ESRCH)
                        return -errno;
                return kill(getpid(), SIGTERM) < 0 ? -errno : 0;
        }
        r = sd_event_add_io(event, &s, fd, EPOLLIN, on_parent_gone, NULL);
        if (r < 0)
                return r;
        r = sd_event_source_set_io_fd_own(s, true);
        if (r >= 0)
                TAKE_FD(fd);
        if (r >= 0)
                r = sd_event_source_set_floating(s, true);
        sd_event_source_unref(s);
        return r < 0 ? r : 0;
}
