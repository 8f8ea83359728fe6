/* What every daemon's main does around its own work: signals, readiness, passed sockets. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* SIGTERM, SIGINT and SIGQUIT end the loop with code 0 (first) or at once (second); SIGPIPE is ignored.
 * Threads made later inherit the blocked mask. Call before the first thread. */
int daemon_setup_signals(sd_event *event);
/* The same, but the first signal calls stop() in the loop instead of ending it: for a daemon that drains
 * first. SIGCHLD is blocked, too, for sd_event_add_child(). */
int daemon_setup_stop(sd_event *event, void (*stop)(void *userdata), void *userdata);
/* Also when systemd is not there: then nothing happens. */
void daemon_notify_ready(const char *status);
void daemon_notify_status(const char *fmt, ...) _printf_(1, 2);
void daemon_notify_stopping(void);
/* Raises the soft limit of open files to the hard one: a hub holds a socket a node. */
void daemon_raise_nofile(void);
/* Not dumpable, and not traceable by others of the same user: keys stay here. */
void daemon_protect_memory(void);
/* Ends this process (SIGTERM to itself) when process pid goes; for --parent-pid. Watches a pidfd, no
 * polling. */
int daemon_watch_parent(sd_event *event, pid_t pid);
