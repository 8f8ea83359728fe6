#include "wire/server.h"

#include <time.h>

#include "wire/server-internal.h"

static int server_set_accepting(Server *s, bool on)
{
        Listener *l;
        int r;

        s->accepting = on;
        LIST_FOREACH (l, &s->listeners, list) {
                r = listener_set_accepting(l, on);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The worker with the fewest connections; equals take turns. */
Worker *server_pick_worker(Server *s)
{
        Worker *best = NULL;

        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = &s->workers[(s->next_worker + i) % s->n_workers];

                if (!best || atomic_load(&w->n_conns) < atomic_load(&best->n_conns))
                        best = w;
        }
        s->next_worker = (s->next_worker + 1) % s->n_workers;
        return best;
}

bool server_is_full(const Server *s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->n_workers; i++)
                n += atomic_load(&s->workers[i].n_conns);
        return n >= s->config.max_connections;
}

static int on_accept_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        Server *s = userdata;

        if (s->accepting)
                (void) server_set_accepting(s, true);
        return 0;
}

void server_pause_accept(Server *s)
{
        Listener *l;

        LIST_FOREACH (l, &s->listeners, list)
                (void) listener_set_accepting(l, false);
        (void) sd_event_source_set_time_relative(s->accept_timer, ACCEPT_PAUSE_USEC);
        (void) sd_event_source_set_enabled(s->accept_timer, SD_EVENT_ONESHOT);
}

static int on_drain_timeout(sd_event_source *es, uint64_t usec, void *userdata)
{
        Server *s = userdata;

        for (size_t i = 0; i < s->n_workers; i++)
                mailbox_post(s->workers[i].mailbox, &s->workers[i].close_letter);
        return 0;
}

/* Not from inside a letter: the owner may free the server, and with it the mailbox. */
static int on_drain_done(sd_event_source *es, void *userdata)
{
        Server *s = userdata;

        if (s->drained)
                s->drained(s->drained_userdata);
        return 0;
}

void server_worker_drained(Server *s)
{
        s->n_drained++;
        if (s->n_drained < s->n_workers || !s->drain_done)
                return;
        (void) sd_event_source_set_enabled(s->drain_timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(s->drain_done, SD_EVENT_ONESHOT);
}

static int server_add_sources(Server *s)
{
        sd_event *e = s->config.event;
        int r;

        r = sd_event_add_time_relative(
                e, &s->accept_timer, CLOCK_MONOTONIC, ACCEPT_PAUSE_USEC, USEC_PER_MSEC, on_accept_timer, s);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(
                e, &s->drain_timer, CLOCK_MONOTONIC, USEC_PER_SEC, USEC_PER_MSEC, on_drain_timeout, s);
        if (r < 0)
                return r;
        r = sd_event_add_defer(e, &s->drain_done, on_drain_done, s);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->accept_timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->drain_timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(s->drain_done, SD_EVENT_OFF);
}

int server_new(const ServerConfig *config, Server **ret)
{
        _cleanup_(server_freep) Server *s = NULL;
        size_t n = MAX(config->n_workers, 1u);
        int r;

        s = new0(Server, 1);
        if (!s)
                return -ENOMEM;
        s->config = *config;
        sd_event_ref(s->config.event);
        if (s->config.max_connections == 0)
                s->config.max_connections = SERVER_CONNECTIONS_MAX;
        LIST_INIT(&s->listeners);
        r = mailbox_new(config->event, SD_EVENT_PRIORITY_NORMAL, &s->mailbox);
        if (r < 0)
                return r;
        r = server_add_sources(s);
        if (r < 0)
                return r;
        s->workers = new0(Worker, n);
        if (!s->workers)
                return -ENOMEM;
        for (; s->n_workers < n; s->n_workers++) {
                r = worker_init(&s->workers[s->n_workers], s, config->n_workers > 0);
                if (r < 0) {
                        worker_done(&s->workers[s->n_workers]);
                        return r;
                }
        }
        *ret = TAKE_PTR(s);
        return 0;
}

int server_listen(Server *s, const ListenerConfig *config, Listener **ret, char **reterr_text)
{
        Listener *l;
        int r;

        *reterr_text = NULL;
        r = listener_new(s, config, &l, reterr_text);
        if (r < 0)
                return r;
        if (s->accepting) {
                r = listener_set_accepting(l, true);
                if (r < 0) {
                        listener_remove(l);
                        return r;
                }
        }
        if (ret)
                *ret = l;
        return 0;
}

int server_start(Server *s)
{
        int r;

        for (size_t i = 0; i < s->n_workers; i++) {
                r = worker_start(&s->workers[i]);
                if (r < 0)
                        return r;
        }
        return server_set_accepting(s, true);
}

void server_drain(Server *s, usec_t timeout, void (*done)(void *userdata), void *userdata)
{
        Listener *l;

        s->accepting = false;
        LIST_FOREACH (l, &s->listeners, list)
                listener_close(l);
        s->drained = done;
        s->drained_userdata = userdata;
        for (size_t i = 0; i < s->n_workers; i++)
                mailbox_post(s->workers[i].mailbox, &s->workers[i].drain_letter);
        (void) sd_event_source_set_time_relative(s->drain_timer, timeout);
        (void) sd_event_source_set_enabled(s->drain_timer, SD_EVENT_ONESHOT);
}

Server *server_free(Server *s)
{
        Listener *l;

        if (!s)
                return NULL;
        s->accept_timer = sd_event_source_disable_unref(s->accept_timer);
        s->drain_timer = sd_event_source_disable_unref(s->drain_timer);
        s->drain_done = sd_event_source_disable_unref(s->drain_done);
        (void) server_set_accepting(s, false);
        for (size_t i = 0; i < s->n_workers; i++)
                worker_stop(&s->workers[i]);
        /* The workers' last letters cancel what the core holds; the core's last letters then let the
         * workers' side free it. */
        if (s->mailbox)
                mailbox_drain(s->mailbox);
        for (size_t i = 0; i < s->n_workers; i++) {
                mailbox_drain(s->workers[i].mailbox);
                worker_done(&s->workers[i]);
        }
        free(s->workers);
        while ((l = LIST_FIRST(&s->listeners)))
                listener_remove(l);
        mailbox_free(s->mailbox);
        sd_event_unref(s->config.event);
        free(s);
        return NULL;
}
