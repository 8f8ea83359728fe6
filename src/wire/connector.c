#include "wire/connector.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "wire/address.h"

/* A lookup outlives its connector when that is freed early: getaddrinfo() cannot be stopped. Two references:
 * thread, connector. */
typedef struct Lookup {
        atomic_uint n_ref;
        char *host;
        char service[8];
        int flags;
        int eventfd;       /* readable once the rest is set */
        atomic_bool ready; /* the same, for the memory model */
        int error;         /* of getaddrinfo() */
        struct addrinfo *found;
} Lookup;

typedef struct Target {
        SocketAddress address;
        socklen_t size;
} Target;

struct Connector {
        sd_event *event;
        ConnectorConfig config; /* host and path are not kept */
        char *name;             /* for texts */
        Lookup *lookup;
        Target *targets;
        size_t n_targets, next_target;
        int fd;                  /* being connected */
        int error;               /* of the last address */
        sd_event_source *source; /* lookup's eventfd, or fd */
        sd_event_source *start;
        sd_event_source *timer;         /* of everything */
        sd_event_source *address_timer; /* of this address */
};

static Lookup *lookup_unref(Lookup *l)
{
        if (!l || atomic_fetch_sub(&l->n_ref, 1) > 1)
                return NULL;
        if (l->found)
                freeaddrinfo(l->found);
        safe_close(l->eventfd);
        free(l->host);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Lookup *, lookup_unref);

static void lookup_run(Lookup *l)
{
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | l->flags};

        l->error = getaddrinfo(l->host, l->service, &hints, &l->found);
}

static void *lookup_main(void *userdata)
{
        Lookup *l = userdata;

        lookup_run(l);
        atomic_store(&l->ready, true);
        (void) eventfd_write(l->eventfd, 1);
        lookup_unref(l);
        return NULL;
}

static int lookup_start_thread(Lookup *l)
{
        sigset_t all, old;
        pthread_t t;
        int r;

        atomic_fetch_add(&l->n_ref, 1);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&t, NULL, lookup_main, l);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r != 0) {
                atomic_fetch_sub(&l->n_ref, 1);
                return -r;
        }
        pthread_detach(t);
        return 0;
}

static int lookup_new(const char *host, uint16_t port, Lookup **ret)
{
        _cleanup_(lookup_unrefp) Lookup *l = NULL;

        l = new0(Lookup, 1);
        if (!l)
                return -ENOMEM;
        atomic_init(&l->n_ref, 1);
        snprintf(l->service, sizeof(l->service), "%u", port);
        l->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (l->eventfd < 0)
                return -errno;
        if (free_and_strdup(&l->host, host) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(l);
        return 0;
}

static void connector_stop(Connector *c)
{
        c->source = sd_event_source_disable_unref(c->source);
        c->start = sd_event_source_disable_unref(c->start);
        c->timer = sd_event_source_disable_unref(c->timer);
        c->address_timer = sd_event_source_disable_unref(c->address_timer);
}

/* The last thing to happen: done() may free the connector. */
static void connector_finish(Connector *c, int fd, const char *detail)
{
        connector_stop(c);
        c->config.done(fd, detail, c->config.userdata);
}

static void connector_fail(Connector *c, int error, const char *reason)
{
        _cleanup_free_ char *text = NULL;

        text = xasprintf("Cannot connect to %s: %s%s", c->name, reason,
                error == -ECONNREFUSED ? ". Is the server running, and is this its address?" : "");
        connector_finish(c, error, text ? text : reason);
}

static void connector_try_next(Connector *c);

static void connector_next_after(Connector *c, int error)
{
        c->source = sd_event_source_disable_unref(c->source);
        c->fd = safe_close(c->fd);
        c->error = error;
        connector_try_next(c);
}

static int on_connected(sd_event_source *es, int fd, uint32_t revents, void *userdata)
{
        Connector *c = userdata;
        int error = 0;
        socklen_t size = sizeof(error);

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        if (error != 0)
                connector_next_after(c, -error);
        else {
                socket_tune(fd);
                c->source = sd_event_source_disable_unref(c->source);
                connector_finish(c, TAKE_FD(c->fd), NULL);
        }
        return 0;
}

static int on_address_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        connector_next_after(userdata, -ETIMEDOUT);
        return 0;
}

static int connector_try(Connector *c, const Target *t)
{
        int r;

        c->fd = socket(t->address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0)
                return -errno;
        if (connect(c->fd, &t->address.sa, t->size) < 0 && errno != EINPROGRESS)
                return -errno;
        r = sd_event_add_io(c->event, &c->source, c->fd, EPOLLOUT, on_connected, c);
        if (r < 0)
                return r;
        c->address_timer = sd_event_source_disable_unref(c->address_timer);
        if (c->next_target == c->n_targets)
                return 0;
        return sd_event_add_time_relative(c->event, &c->address_timer, CLOCK_MONOTONIC, CONNECT_ADDRESS_USEC,
                USEC_PER_MSEC, on_address_timer, c);
}

static void connector_try_next(Connector *c)
{
        while (c->next_target < c->n_targets) {
                int r = connector_try(c, &c->targets[c->next_target++]);

                if (r >= 0)
                        return;
                c->source = sd_event_source_disable_unref(c->source);
                c->fd = safe_close(c->fd);
                c->error = r;
        }
        connector_fail(c, c->error, strerror(-c->error));
}

static int connector_add_target(Connector *c, const void *address, socklen_t size)
{
        int r;

        r = GROW_ARRAY(c->targets, c->n_targets);
        if (r < 0)
                return r;
        c->targets[c->n_targets] = (Target){.size = size};
        memcpy(&c->targets[c->n_targets++].address, address, size);
        return 0;
}

static void connector_use_lookup(Connector *c)
{
        _cleanup_(lookup_unrefp) Lookup *l = TAKE_PTR(c->lookup);

        if (l->error != 0) {
                connector_fail(c, -EHOSTUNREACH, gai_strerror(l->error));
                return;
        }
        for (struct addrinfo *i = l->found; i && c->n_targets < CONNECT_ADDRESSES_MAX; i = i->ai_next)
                if (i->ai_addrlen <= sizeof(SocketAddress) &&
                        connector_add_target(c, i->ai_addr, i->ai_addrlen) < 0) {
                        connector_fail(c, -ENOMEM, strerror(ENOMEM));
                        return;
                }
        c->error = -EADDRNOTAVAIL;
        connector_try_next(c);
}

static int on_lookup(sd_event_source *es, int fd, uint32_t revents, void *userdata)
{
        Connector *c = userdata;

        if (!atomic_load(&c->lookup->ready))
                return 0;
        c->source = sd_event_source_disable_unref(c->source);
        connector_use_lookup(c);
        return 0;
}

static int on_start(sd_event_source *es, void *userdata)
{
        Connector *c = userdata;

        if (c->lookup)
                connector_use_lookup(c);
        else
                connector_try_next(c);
        return 0;
}

static int on_timer(sd_event_source *es, uint64_t usec, void *userdata)
{
        connector_fail(userdata, -ETIMEDOUT, "no answer in time");
        return 0;
}

/* Addresses in figures need no resolver, so no thread. */
static int connector_look_up(Connector *c, const char *host, uint16_t port)
{
        int r;

        r = lookup_new(host, port, &c->lookup);
        if (r < 0)
                return r;
        c->lookup->flags = AI_NUMERICHOST;
        lookup_run(c->lookup);
        if (c->lookup->error == 0)
                return sd_event_add_defer(c->event, &c->start, on_start, c);
        c->lookup->flags = 0;
        r = sd_event_add_io(c->event, &c->source, c->lookup->eventfd, EPOLLIN, on_lookup, c);
        if (r < 0)
                return r;
        return lookup_start_thread(c->lookup);
}

static int connector_begin(Connector *c, const ConnectorConfig *config)
{
        SocketAddress a;
        socklen_t size;
        int r;

        if (!config->unix_path)
                return connector_look_up(c, config->host, config->port);
        r = address_from_unix_path(config->unix_path, &a, &size);
        if (r < 0)
                return r;
        r = connector_add_target(c, &a, size);
        if (r < 0)
                return r;
        return sd_event_add_defer(c->event, &c->start, on_start, c);
}

int connector_new(sd_event *event, const ConnectorConfig *config, Connector **ret)
{
        _cleanup_(connector_freep) Connector *c = NULL;
        int r;

        c = new0(Connector, 1);
        if (!c)
                return -ENOMEM;
        *c = (Connector){.event = sd_event_ref(event), .config = *config, .fd = -EBADF};
        c->name = config->unix_path ? xasprintf("unix:%s", config->unix_path)
                                    : xasprintf(strchr(config->host, ':') ? "[%s]:%u" : "%s:%u",
                                              config->host, config->port);
        if (!c->name)
                return -ENOMEM;
        r = sd_event_add_time_relative(
                event, &c->timer, CLOCK_MONOTONIC, CONNECT_TIMEOUT_USEC, USEC_PER_MSEC, on_timer, c);
        if (r < 0)
                return r;
        r = connector_begin(c, config);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Connector *connector_free(Connector *c)
{
        if (!c)
                return NULL;
        connector_stop(c);
        lookup_unref(c->lookup);
        safe_close(c->fd);
        sd_event_unref(c->event);
        free(c->targets);
        free(c->name);
        free(c);
        return NULL;
}
