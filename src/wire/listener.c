#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "wire/server-internal.h"

static void freeaddrinfop(struct addrinfo **a)
{
        if (*a)
                freeaddrinfo(*a);
}

static char *explain_bind(const char *address, int error)
{
        switch (error) {
        case -EADDRINUSE:
                return xasprintf(
                        "Port in server address %s is already in use. Stop the other program, or choose "
                        "another address.",
                        address);
        case -EACCES:
                return xasprintf("No permission to listen on %s.", address);
        case -EADDRNOTAVAIL:
                return xasprintf("Cannot listen on %s: this machine does not have that address.", address);
        default:
                return xasprintf("Cannot listen on %s: %s", address, strerror(-error));
        }
}

/* 0, 1: accepting has to pause, or -errno. */
static int listener_accept_one(Listener *l, int fd)
{
        SocketAddress peer = {}, own = {};
        socklen_t peer_size = sizeof(peer), own_size = sizeof(own);
        NewConn *n;
        int k;

        if (server_is_full(l->server))
                return 1;
        k = accept4(fd, &peer.sa, &peer_size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (k < 0)
                return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? 1
                                                                                                 : -errno;
        n = new0(NewConn, 1);
        if (!n) {
                safe_close(k);
                return 1;
        }
        (void) getsockname(k, &own.sa, &own_size);
        socket_tune(k);
        *n = (NewConn){
                .letter.run = server_conn_accept,
                .worker = server_pick_worker(l->server),
                .listener = listener_ref(l),
                .tls = tls_context_ref(l->tls),
                .fd = k,
                .is_local = address_is_local(&peer, &own),
        };
        address_format(&peer, peer_size, n->peer);
        atomic_fetch_add(&n->worker->n_conns, 1);
        mailbox_post(n->worker->mailbox, &n->letter);
        return 0;
}

static int listener_on_accept(sd_event_source *es, int fd, uint32_t revents, void *userdata)
{
        Listener *l = userdata;

        for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
                int r = listener_accept_one(l, fd);

                if (r > 0) {
                        log_debug("%s: pausing accept", l->config.name);
                        server_pause_accept(l->server);
                        return 0;
                }
                /* Connections that ended in the queue, and networks that went away, are not our trouble. */
                if (r < 0 && r != -ECONNABORTED && r != -EINTR)
                        return 0;
        }
        return 0;
}

static int listener_add_fd(Listener *l, int fd)
{
        sd_event_source *es = NULL;
        int r;

        if (l->n_fds >= LISTENER_SOCKETS_MAX)
                return -E2BIG;
        r = sd_event_add_io(l->server->config.event, &es, fd, EPOLLIN, listener_on_accept, l);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(es, SD_EVENT_OFF);
        if (r < 0) {
                sd_event_source_disable_unref(es);
                return r;
        }
        l->fds[l->n_fds] = fd;
        l->sources[l->n_fds++] = es;
        return 0;
}

static int listener_bind(Listener *l, const SocketAddress *a, socklen_t size)
{
        _cleanup_close_ int fd = -EBADF;
        const int one = 1;
        int r;

        fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (a->sa.sa_family != AF_UNIX)
                (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (a->sa.sa_family == AF_INET6)
                (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
        if (bind(fd, &a->sa, size) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        r = listener_add_fd(l, fd);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        return 0;
}

/* A socket file that nobody listens on is left from a program that was killed. */
static void unlink_stale_socket(const SocketAddress *a, socklen_t size)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (lstat(a->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
                return;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, &a->sa, size) < 0 && errno == ECONNREFUSED)
                (void) unlink(a->un.sun_path);
}

static int listener_bind_unix(Listener *l, const char *path)
{
        SocketAddress a;
        socklen_t size;
        int r;

        r = address_from_unix_path(path, &a, &size);
        if (r < 0)
                return r;
        unlink_stale_socket(&a, size);
        r = listener_bind(l, &a, size);
        if (r < 0)
                return r;
        return free_and_strdup(&l->unix_path, path);
}

static int listener_read_port(Listener *l)
{
        struct sockaddr_storage a;
        socklen_t size = sizeof(a);

        if (getsockname(l->fds[0], (struct sockaddr *) &a, &size) < 0)
                return -errno;
        if (a.ss_family == AF_INET)
                l->port = ntohs(((struct sockaddr_in *) &a)->sin_port);
        else if (a.ss_family == AF_INET6)
                l->port = ntohs(((struct sockaddr_in6 *) &a)->sin6_port);
        return 0;
}

/* All addresses of one name share the port, also when the system chooses it. */
static int listener_bind_found(Listener *l, const struct addrinfo *found)
{
        int r;

        for (const struct addrinfo *i = found; i; i = i->ai_next) {
                SocketAddress a = {};

                memcpy(&a, i->ai_addr, MIN(i->ai_addrlen, sizeof(a)));
                if (l->port != 0 && i->ai_family == AF_INET)
                        ((struct sockaddr_in *) &a)->sin_port = htons(l->port);
                if (l->port != 0 && i->ai_family == AF_INET6)
                        ((struct sockaddr_in6 *) &a)->sin6_port = htons(l->port);
                r = listener_bind(l, &a, i->ai_addrlen);
                /* "localhost" has an IPv6 address also where the kernel has no IPv6. */
                if (r < 0 && (found->ai_next && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)))
                        continue;
                if (r >= 0)
                        r = listener_read_port(l);
                if (r < 0)
                        return r;
        }
        return l->n_fds > 0 ? 0 : -EADDRNOTAVAIL;
}

static int listener_bind_name(Listener *l, const char *address, char **reterr_text)
{
        _cleanup_(freeaddrinfop) struct addrinfo *found = NULL;
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
        _cleanup_free_ char *host = NULL;
        char service[8];
        uint16_t port;
        int r;

        r = parse_address(address, &host, &port);
        if (r < 0) {
                *reterr_text = xasprintf("The server address %s is not host:port.", address);
                return r;
        }
        snprintf(service, sizeof(service), "%u", port);
        r = getaddrinfo(host, service, &hints, &found);
        if (r != 0) {
                *reterr_text = xasprintf(
                        "The host of the server address %s is unknown: %s", address, gai_strerror(r));
                return -EADDRNOTAVAIL;
        }
        r = listener_bind_found(l, found);
        if (r < 0)
                *reterr_text = explain_bind(address, r);
        return r;
}

static int listener_take_fd(Listener *l, int fd)
{
        int r, flags;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        r = listener_add_fd(l, fd);
        if (r < 0)
                return r;
        return listener_read_port(l);
}

int listener_new(Server *s, const ListenerConfig *config, Listener **ret, char **reterr_text)
{
        _cleanup_(listener_removep) Listener *l = NULL;
        const char *path = config->address ? address_unix_path(config->address) : NULL;
        int r;

        l = new0(Listener, 1);
        if (!l)
                return -ENOMEM;
        *l = (Listener){.n_ref = 1, .server = s, .config = *config, .tls = tls_context_ref(config->tls)};
        /* Taken on success only. */
        l->config.free_userdata = NULL;
        LIST_INSERT_HEAD(&s->listeners, l, list);
        if (config->fd >= 0) {
                r = listener_take_fd(l, config->fd);
                if (r < 0) {
                        /* Taken on success only. */
                        l->fds[0] = -EBADF;
                        *reterr_text = xasprintf(
                                "The socket given for %s cannot be used: %s", config->name, strerror(-r));
                }
        } else if (path) {
                r = listener_bind_unix(l, path);
                if (r < 0)
                        *reterr_text = explain_bind(config->address, r);
        } else
                r = listener_bind_name(l, config->address, reterr_text);
        if (r < 0)
                return r;
        l->config.free_userdata = config->free_userdata;
        *ret = TAKE_PTR(l);
        return 0;
}

void listener_close(Listener *l)
{
        for (; l->n_fds > 0; l->n_fds--) {
                sd_event_source_disable_unref(l->sources[l->n_fds - 1]);
                safe_close(l->fds[l->n_fds - 1]);
        }
}

Listener *listener_ref(Listener *l)
{
        atomic_fetch_add(&l->n_ref, 1);
        return l;
}

Listener *listener_unref(Listener *l)
{
        if (!l || atomic_fetch_sub(&l->n_ref, 1) != 1)
                return NULL;
        free(l->unix_path);
        tls_context_unref(l->tls);
        if (l->config.free_userdata)
                l->config.free_userdata(l->config.userdata);
        free(l);
        return NULL;
}

Listener *listener_remove(Listener *l)
{
        if (!l)
                return NULL;
        LIST_REMOVE(l, list);
        listener_close(l);
        if (l->unix_path)
                (void) unlink(l->unix_path);
        return listener_unref(l);
}

void server_unlisten(Listener *l)
{
        listener_remove(l);
}

int listener_set_accepting(Listener *l, bool on)
{
        int r;

        for (size_t i = 0; i < l->n_fds; i++) {
                r = sd_event_source_set_enabled(l->sources[i], on ? SD_EVENT_ON : SD_EVENT_OFF);
                if (r < 0)
                        return r;
        }
        return 0;
}

uint16_t listener_port(const Listener *l)
{
        return l->port;
}

void listener_set_tls(Listener *l, TlsContext *tls)
{
        tls_context_ref(tls);
        tls_context_unref(l->tls);
        l->tls = tls;
}

const Method *listener_find_method(const Listener *l, const char *path)
{
        for (const Method *const *table = l->config.services; table && *table; table++)
                for (const Method *m = *table; m->path; m++)
                        if (streq(m->path, path))
                                return m;
        return NULL;
}
