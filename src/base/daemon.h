/* What every daemon's main does around its own work: signals, readiness, passed sockets. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* SIGTERM, SIGINT and SIGQUIT end the loop with code 0 (first) or at once (second); SIGPIPE is ignored.
 * Threads made later inherit the blocked mask. Call before the first thread. */
int daemon_setup_signals(sd_event *event);
/* The same, but the first signal calls stop() in the loop instead of ending it: for a daemon that drains
 * first. SIGCHLD and SIGHUP are blocked, too, for sd_event_add_child() and reloads. */
int daemon_setup_stop(sd_event *event, void (*stop)(void *userdata), void *userdata);
/* Also when systemd is not there: then nothing happens. */
/* status NULL: as it was. */
void daemon_notify_ready(const char *status);
void daemon_notify_status(const char *fmt, ...) _printf_(1, 2);
void daemon_notify_stopping(void);
/* At the beginning of a reload; daemon_notify_ready() ends it. */
void daemon_notify_reloading(void);
/* Tells systemd's watchdog from this loop that it turns, where the unit asks for it. */
int daemon_watchdog(sd_event *event);

/* Warns of a private key that every user of this host can read. */
void daemon_warn_exposed_key(const char *path);
/* What goes on after "PATH cannot be read: Permission denied"; NULL when out of memory. */
char *daemon_access_hint(const char *path);
/* How much later at most it is seen that a trouble is over which no file had caused. */
#define DAEMON_RESTART_PAUSE_SECONDS 10
/* The last thing in main of a service: returns what main returns. A failure that follows another one closely
 * first waits, for at most that pause, until a file below directory changes: systemd starts us again at
 * once, which a crash needs, but with a mistake in a file it would be a flood of messages. Without systemd
 * nothing happens. */
int daemon_end(int status, const char *directory);

/* Descriptors from systemd: listening sockets, and what an earlier instance of this service has stored. */
typedef struct PassedFd {
        int fd; /* close-on-exec; whoever takes it writes -EBADF here */
        char *name;
} PassedFd;

/* Takes all of them and clears the variables that announce them, so that no child believes that they are
 * meant for it: a second call finds none. Several may have the same name; the order is not that of storing.
 */
int daemon_passed_fds(PassedFd **ret, size_t *ret_n);
/* Closes those still >= 0. */
void passed_fds_free(PassedFd *fds, size_t n);

/* Gives systemd copies to keep for the next instance of this service; they all get this name (no ':', up to
 * 255 characters of ASCII). It keeps them, whatever their peers do, until daemon_unstore_fds() or a stop of
 * the service. 0 also says that systemd was told, not that the unit lets it keep them
 * (FileDescriptorStoreMax=); -ENOTCONN when there is no systemd. */
int daemon_store_fds(const char *name, const int *fds, size_t n);
void daemon_unstore_fds(const char *name);
/* Raises the soft limit of open files to the hard one: a hub holds a socket a node. */
void daemon_raise_nofile(void);
/* Unmaps what only the start has needed: unused heap, and pages of code (they come back from the page cache
 * when they are used). An idle daemon then holds what idling needs. */
void daemon_forget_start(void);
/* Not dumpable, and not traceable by others of the same user: keys stay here. */
void daemon_protect_memory(void);
/* Ends this process (SIGTERM to itself) when process pid goes; for --parent-pid. Watches a pidfd, no
 * polling. */
int daemon_watch_parent(sd_event *event, pid_t pid);
