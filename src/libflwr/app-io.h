/* An executor's connection to its AppIo service, in a thread of its own.
 *
 * The app keeps the main thread, for as long as it likes: it may compute for hours in there. All that must
 * go on meanwhile (heartbeats, uploads of logs, objects that are fetched ahead, signals) lives in one
 * sd-event loop in the I/O thread. The app's thread, one at a time, hands tasks over and sleeps until they
 * are done:
 *
 *      app thread:  app_io_perform(task) --letter--> I/O thread: start() ... task_done()
 *                                        <--condition-----------------------
 *
 * A run that was stopped (PERMISSION_DENIED in any call, a heartbeat answered "no") and a signal end the
 * task under way with -ECANCELED, and those to come as well. If the app does not return within a grace, the
 * process ends from the I/O thread: nobody can interrupt computing code cleanly. */
#pragma once

#include "base/mailbox.h"
#include "stubs/stub.h"

typedef enum AppStop {
        APP_STOP_NONE,
        APP_STOP_RUN,    /* the run does not run any more */
        APP_STOP_SIGNAL, /* SIGTERM and the like, also when the parent is gone */
} AppStop;

typedef struct AppIo AppIo;
typedef struct Task Task;
struct Task {
        void (*start)(Task *t);  /* in the I/O thread; ends in task_done(), now or later */
        void (*cancel)(Task *t); /* in the I/O thread: takes back what start() began, without task_done().
                                    NULL: start() ends at once */
        AppIo *io;
        /* private */
        Letter letter;
        bool done;
        int result;
};

/* Connects when the first call needs it. -EINVAL: the address does not parse. parent: the process ends with
 * that one; 0: none. */
int app_io_new(const char *address, pid_t parent, AppIo **ret);
/* Ends the thread and frees the connection. */
AppIo *app_io_free(AppIo *io);
DEFINE_CLEANUP(AppIo *, app_io_free);

/* ---- from the app's thread ---- */

/* Gives what task_done() got, or -ECANCELED. */
int app_io_perform(AppIo *io, Task *t);
/* Runs a function in the I/O thread, also after a stop, and gives its result. */
int app_io_run(AppIo *io, int (*function)(void *userdata), void *userdata);
/* One call and its reply (NULL where the method has none; rpc_free()). options may be NULL. Errors as of
 * app_io_check(). */
int app_io_call(AppIo *io, RpcMethodId method, const void *request, const StubOptions *options,
        void **ret_reply, char **reterr_text);
/* -ECANCELED after a stop, else 0. */
int app_io_sleep(AppIo *io, usec_t t);
/* From any thread: */
AppStop app_io_stopped(const AppIo *io);
void app_io_post(AppIo *io, Letter *l);

/* ---- from the I/O thread ---- */

void task_done(Task *t, int result);
sd_event *app_io_event(AppIo *io);
Stub *app_io_stub(AppIo *io);
void app_io_stop(AppIo *io, AppStop why);
/* 0 for RPC_OK; -ECANCELED for PERMISSION_DENIED, which also stops the run; -EOPNOTSUPP: the peer does not
 * know the method; -EHOSTUNREACH: not there (UNAVAILABLE, after all repetitions); -EREMOTEIO. *reterr_text
 * (may be NULL; owned by the caller): method, status, the peer's words. */
int app_io_check(AppIo *io, RpcMethodId method, RpcClass status, const char *detail, char **reterr_text);
/* What to do when the grace is over, before the process ends: flush ends in app_io_end_process(), or a
 * second grace ends it. */
void app_io_set_last_will(AppIo *io, void (*flush)(void *userdata), void *userdata);
_noreturn_ void app_io_end_process(void);
