#include <signal.h>

#include "wire/server-internal.h"

void worker_check_drained(Worker *w)
{
        if (!w->draining || w->drained_posted || !LIST_EMPTY(&w->conns))
                return;
        w->drained_posted = true;
        mailbox_post(w->server->mailbox, &w->drained_letter);
}

static void on_drain(Letter *l)
{
        Worker *w = CONTAINER_OF(l, Worker, drain_letter);
        ServerConn *c;

        w->draining = true;
        LIST_FOREACH (c, &w->conns, list)
                server_conn_drain(c);
        worker_check_drained(w);
}

static void worker_close_all(Worker *w)
{
        ServerConn *c;

        while ((c = LIST_FIRST(&w->conns)))
                server_conn_free(c);
}

static void on_close(Letter *l)
{
        Worker *w = CONTAINER_OF(l, Worker, close_letter);

        worker_close_all(w);
        worker_check_drained(w);
}

static void on_stop(Letter *l)
{
        Worker *w = CONTAINER_OF(l, Worker, stop_letter);

        w->stopping = true;
        worker_close_all(w);
        if (w->has_thread)
                (void) sd_event_exit(w->event, 0);
}

static void on_drained(Letter *l)
{
        server_worker_drained(CONTAINER_OF(l, Worker, drained_letter)->server);
}

int worker_init(Worker *w, Server *s, bool threaded)
{
        int r;

        *w = (Worker){
                .server = s,
                .has_thread = threaded,
                .drain_letter.run = on_drain,
                .close_letter.run = on_close,
                .stop_letter.run = on_stop,
                .drained_letter.run = on_drained,
        };
        LIST_INIT(&w->conns);
        if (threaded) {
                r = sd_event_new(&w->event);
                if (r < 0)
                        return r;
        } else
                w->event = sd_event_ref(s->config.event);
        r = mailbox_new(w->event, SD_EVENT_PRIORITY_NORMAL, &w->mailbox);
        if (r < 0)
                return r;
        return io_loop_new(w->event, &w->io);
}

static void *worker_main(void *userdata)
{
        Worker *w = userdata;

        (void) sd_event_loop(w->event);
        return NULL;
}

/* Signals are for the core thread. */
static int worker_create_thread(Worker *w)
{
        sigset_t all, old;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&w->thread, NULL, worker_main, w);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return -r;
}

int worker_start(Worker *w)
{
        const ServerConfig *config = &w->server->config;
        int r = 0;

        if (config->worker_new) {
                w->data = config->worker_new();
                if (!w->data)
                        return -ENOMEM;
        }
        if (w->has_thread)
                r = worker_create_thread(w);
        w->started = r >= 0;
        return r;
}

void worker_stop(Worker *w)
{
        if (!w->started)
                return;
        w->started = false;
        if (w->has_thread) {
                mailbox_post(w->mailbox, &w->stop_letter);
                pthread_join(w->thread, NULL);
        } else
                on_stop(&w->stop_letter);
}

void worker_done(Worker *w)
{
        mailbox_free(w->mailbox);
        io_loop_free(w->io);
        sd_event_unref(w->event);
        if (w->data && w->server->config.worker_free)
                w->server->config.worker_free(w->data);
        *w = (Worker){};
}
