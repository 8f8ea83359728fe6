#include "libflwr/app-io.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <flwr/base.h>

#include "base/daemon.h"
#include "base/log.h"

/* An app that looks at the result of its next call ends in time; one that computes is ended. */
#define APP_GRACE_USEC (10 * USEC_PER_SEC)
/* To send the last log lines. */
#define LAST_WILL_USEC (5 * USEC_PER_SEC)

struct AppIo {
        pthread_t thread;
        bool has_thread;
        sd_event *event;
        Mailbox *mailbox;
        Channel *channel;
        Stub *stub;
        sd_event_source *grace;
        Task *active; /* I/O thread only, as all above once the thread runs */
        void (*last_will)(void *userdata);
        void *last_will_userdata;
        AppStop stop;          /* atomic */
        pthread_mutex_t mutex; /* of done and result of tasks */
        pthread_cond_t cond;
};

/* ---- stopping ---- */

void app_io_end_process(void)
{
        /* Not exit(): the app's thread still runs, and its destructors must not pull the floor away. */
        _exit(EXIT_SUCCESS);
}

void app_io_set_last_will(AppIo *io, void (*flush)(void *userdata), void *userdata)
{
        io->last_will = flush;
        io->last_will_userdata = userdata;
}

static int on_last_will_late(sd_event_source *s, uint64_t t, void *userdata)
{
        app_io_end_process();
}

static int arm_grace(AppIo *io, usec_t delay, sd_event_time_handler_t handler)
{
        io->grace = sd_event_source_disable_unref(io->grace);
        return sd_event_add_time_relative(io->event, &io->grace, CLOCK_MONOTONIC, delay, 0, handler, io);
}

static int on_grace_over(sd_event_source *s, uint64_t t, void *userdata)
{
        AppIo *io = userdata;

        if (!io->last_will || arm_grace(io, LAST_WILL_USEC, on_last_will_late) < 0)
                app_io_end_process();
        io->last_will(io->last_will_userdata);
        return 0;
}

void app_io_stop(AppIo *io, AppStop why)
{
        Task *t = io->active;

        if (io->stop != APP_STOP_NONE)
                return;
        log_debug("The app is to stop: %s", why == APP_STOP_RUN ? "its run does not run" : "signal");
        __atomic_store_n(&io->stop, why, __ATOMIC_RELEASE);
        if (t && t->cancel) {
                t->cancel(t);
                task_done(t, -ECANCELED);
        }
        if (arm_grace(io, APP_GRACE_USEC, on_grace_over) < 0)
                app_io_end_process();
}

AppStop app_io_stopped(const AppIo *io)
{
        return __atomic_load_n(&io->stop, __ATOMIC_ACQUIRE);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        static const int ends[] = {SIGTERM, SIGINT, SIGQUIT};

        if (app_io_stopped(userdata) == APP_STOP_SIGNAL)
                for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                        if ((uint32_t) ends[i] == si->ssi_signo)
                                app_io_end_process();
        app_io_stop(userdata, APP_STOP_SIGNAL);
        return 0;
}

/* Blocks the signals in the calling thread, so that all later ones inherit it. */
static int setup_signals(AppIo *io)
{
        static const int ends[] = {SIGTERM, SIGINT, SIGQUIT};
        sigset_t set;
        int r;

        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                sigaddset(&set, ends[i]);
        r = pthread_sigmask(SIG_BLOCK, &set, NULL);
        if (r != 0)
                return -r;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                r = sd_event_add_signal(io->event, NULL, ends[i], on_signal, io);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the thread ---- */

static void on_retry(const char *path, const char *failure, usec_t delay, unsigned attempt, void *userdata)
{
        if (failure)
                log_debug("%s: %s, next attempt in %.1f s", path, failure, usec_to_seconds(delay));
}

static void *io_thread(void *userdata)
{
        AppIo *io = userdata;
        int r;

        r = sd_event_loop(io->event);
        if (r < 0) {
                fprintf(stderr, "The event loop failed: %s\n", strerror(-r));
                _exit(EXIT_FAILURE);
        }
        return NULL;
}

int app_io_new(const char *address, pid_t parent, AppIo **ret)
{
        _cleanup_(app_io_freep) AppIo *io = new0(AppIo, 1);
        int r;

        if (!io)
                return -ENOMEM;
        pthread_mutex_init(&io->mutex, NULL);
        pthread_cond_init(&io->cond, NULL);
        r = sd_event_new(&io->event);
        if (r >= 0)
                r = mailbox_new(io->event, SD_EVENT_PRIORITY_NORMAL, &io->mailbox);
        if (r >= 0)
                r = setup_signals(io);
        if (r >= 0 && parent > 0)
                r = daemon_watch_parent(io->event, parent);
        if (r >= 0)
                r = channel_new(io->event, address, NULL, &io->channel);
        if (r < 0)
                return r;
        r = stub_new(io->event,
                &(StubConfig){
                        .channel = io->channel,
                        .max_retries = -1,
                        .max_wait = USEC_INFINITY,
                        .on_retry = on_retry,
                },
                &io->stub);
        if (r < 0)
                return r;
        r = pthread_create(&io->thread, NULL, io_thread, io);
        if (r != 0)
                return -r;
        io->has_thread = true;
        *ret = TAKE_PTR(io);
        return 0;
}

static int end_loop(void *userdata)
{
        AppIo *io = userdata;

        io->grace = sd_event_source_disable_unref(io->grace);
        return sd_event_exit(io->event, 0);
}

AppIo *app_io_free(AppIo *io)
{
        if (!io)
                return NULL;
        if (io->has_thread) {
                (void) app_io_run(io, end_loop, io);
                pthread_join(io->thread, NULL);
        }
        stub_free(io->stub);
        channel_free(io->channel);
        mailbox_free(io->mailbox);
        sd_event_source_disable_unref(io->grace);
        sd_event_unref(io->event);
        pthread_cond_destroy(&io->cond);
        pthread_mutex_destroy(&io->mutex);
        return mfree(io);
}

sd_event *app_io_event(AppIo *io)
{
        return io->event;
}

Stub *app_io_stub(AppIo *io)
{
        return io->stub;
}

/* ---- tasks ---- */

static void on_task(Letter *l)
{
        Task *t = CONTAINER_OF(l, Task, letter);

        if (t->cancel && t->io->stop != APP_STOP_NONE) {
                task_done(t, -ECANCELED);
                return;
        }
        t->io->active = t;
        t->start(t);
}

void task_done(Task *t, int result)
{
        AppIo *io = t->io;

        if (io->active == t)
                io->active = NULL;
        pthread_mutex_lock(&io->mutex);
        t->result = result;
        t->done = true; /* from the unlock on, t is the other thread's again */
        pthread_cond_broadcast(&io->cond);
        pthread_mutex_unlock(&io->mutex);
}

int app_io_perform(AppIo *io, Task *t)
{
        t->io = io;
        t->done = false;
        t->letter = (Letter){.run = on_task};
        mailbox_post(io->mailbox, &t->letter);
        pthread_mutex_lock(&io->mutex);
        while (!t->done)
                pthread_cond_wait(&io->cond, &io->mutex);
        pthread_mutex_unlock(&io->mutex);
        return t->result;
}

void app_io_post(AppIo *io, Letter *l)
{
        mailbox_post(io->mailbox, l);
}

typedef struct RunTask {
        Task task;
        int (*function)(void *userdata);
        void *userdata;
} RunTask;

static void run_start(Task *t)
{
        RunTask *run = CONTAINER_OF(t, RunTask, task);

        task_done(t, run->function(run->userdata));
}

int app_io_run(AppIo *io, int (*function)(void *userdata), void *userdata)
{
        RunTask run = {.task.start = run_start, .function = function, .userdata = userdata};

        return app_io_perform(io, &run.task);
}

typedef struct SleepTask {
        Task task;
        usec_t delay;
        sd_event_source *timer;
} SleepTask;

static int on_sleep_over(sd_event_source *s, uint64_t t, void *userdata)
{
        SleepTask *sleep = userdata;

        sleep->timer = sd_event_source_disable_unref(sleep->timer);
        task_done(&sleep->task, 0);
        return 0;
}

static void sleep_start(Task *t)
{
        SleepTask *sleep = CONTAINER_OF(t, SleepTask, task);
        int r;

        r = sd_event_add_time_relative(t->io->event, &sleep->timer, CLOCK_MONOTONIC, sleep->delay,
                USEC_PER_MSEC, on_sleep_over, sleep);
        if (r < 0)
                task_done(t, r);
}

static void sleep_cancel(Task *t)
{
        SleepTask *sleep = CONTAINER_OF(t, SleepTask, task);

        sleep->timer = sd_event_source_disable_unref(sleep->timer);
}

int app_io_sleep(AppIo *io, usec_t t)
{
        SleepTask sleep = {.task.start = sleep_start, .task.cancel = sleep_cancel, .delay = t};

        return app_io_perform(io, &sleep.task);
}

/* ---- calls ---- */

int app_io_check(AppIo *io, RpcMethodId method, RpcClass status, const char *detail, char **reterr_text)
{
        if (status == RPC_OK)
                return 0;
        if (reterr_text)
                *reterr_text = xasprintf("%s: %s: %s", RPC_METHODS[method].path, rpc_class_to_string(status),
                        strempty(detail));
        switch (status) {
        case RPC_PERMISSION_DENIED:
                app_io_stop(io, APP_STOP_RUN);
                return -ECANCELED;
        case RPC_UNIMPLEMENTED:
                return -EOPNOTSUPP;
        case RPC_FAILED_PRECONDITION:
                return -EPERM;
        case RPC_UNAVAILABLE:
                return -EHOSTUNREACH;
        default:
                return -EREMOTEIO;
        }
}

typedef struct CallTask {
        Task task;
        RpcMethodId method;
        const void *request;
        const StubOptions *options;
        StubCall *call;
        void *reply;
        char *text;
} CallTask;

static void on_call_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        CallTask *c = userdata;
        char *text = NULL;

        c->call = NULL;
        c->reply = TAKE_PTR(*reply);
        /* The task must be gone before the run is stopped, or it would be cancelled under our hands. */
        c->task.io->active = NULL;
        int r = app_io_check(c->task.io, c->method, status, detail, &text);
        c->text = text;
        task_done(&c->task, r);
}

static void call_start(Task *t)
{
        CallTask *c = CONTAINER_OF(t, CallTask, task);
        int r;

        r = stub_call(t->io->stub, c->method, c->request, c->options, on_call_done, c, &c->call);
        if (r < 0)
                task_done(t, r);
}

static void call_cancel(Task *t)
{
        CallTask *c = CONTAINER_OF(t, CallTask, task);

        c->call = stub_call_cancel(c->call);
}

int app_io_call(AppIo *io, RpcMethodId method, const void *request, const StubOptions *options,
        void **ret_reply, char **reterr_text)
{
        CallTask c = {
                .task.start = call_start,
                .task.cancel = call_cancel,
                .method = method,
                .request = request,
                .options = options,
        };
        int r;

        r = app_io_perform(io, &c.task);
        if (r < 0) {
                if (c.text)
                        *reterr_text = c.text;
                return r;
        }
        if (ret_reply)
                *ret_reply = c.reply;
        else
                rpc_free(RPC_METHODS[method].reply, c.reply);
        return r;
}
