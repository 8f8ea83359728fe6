/* A hub that is nothing but its Fleet port, with invitations: what test-join.sh joins.
 *
 * Usage: enrol-hub ROOT      (as flwr-provision --root)
 *
 * Prints the port, then a line for each node that enrols or is refused. Ends with its standard input. */
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "services/link.h"

typedef struct Hub {
        sd_event *event;
        Store *store;
        Link *link;
        Server *server;
        TlsContext *tls;
} Hub;

static void hub_done(Hub *h)
{
        server_free(h->server);
        link_free(h->link);
        store_free(h->store);
        tls_context_unref(h->tls);
        sd_event_unref(h->event);
}

static void on_outcome(const EnrolOutcome *o, void *userdata)
{
        size_t pos = 0, n = 0;
        Hub *h = userdata;

        while (store_node_next(h->store, &pos))
                n++;
        printf("%s %s nodes=%zu\n", o->refused ? "refused" : "enrolled", strempty(o->name), n);
        fflush(stdout);
}

static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int open_tls(const char *root, TlsContext **ret)
{
        _cleanup_free_ char *ca = path_join(root, "etc/flwr/tls/ca.crt"),
                            *key = path_join(root, "etc/flwr/tls/superlink.key"),
                            *certificate = path_join(root, "etc/flwr/tls/superlink.crt"), *error = NULL;
        int r;

        r = tls_server_new(ca, certificate, key, ret, &error);
        return r < 0 ? log_error_errno(r, "%s", strempty(error)) : 0;
}

static int start(Hub *h, const char *root, Door *door)
{
        _cleanup_free_ char *invites = path_join(root, "var/lib/flwr/superlink/invites"), *error = NULL;
        const EnrolConfig enrol = {.directory = invites, .on_outcome = on_outcome, .userdata = h};
        const StoreConfig store = {.event = h->event, .events = LINK_STORE_EVENTS};
        const LinkConfig link = {.event = h->event, .enrol = &enrol};
        ListenerConfig listener = {.name = "fleet", .address = "localhost:0", .fd = -EBADF};
        ServerConfig server = {.event = h->event,
                .n_workers = 1,
                .worker_new = link_worker_new,
                .worker_free = link_worker_free};
        StoreConfig s = store;
        LinkConfig c = link;
        Listener *l;
        int r;

        s.events.userdata = &h->link;
        r = store_open(&s, &h->store, &error);
        c.store = h->store;
        if (r >= 0)
                r = link_new(&c, &h->link);
        if (r >= 0)
                r = open_tls(root, &h->tls);
        if (r >= 0)
                r = server_new(&server, &h->server);
        *door = (Door){.service = h->link};
        listener.userdata = door;
        listener.tls = h->tls;
        if (r >= 0)
                listener.services = link_fleet_services(h->link);
        if (r >= 0)
                r = server_listen(h->server, &listener, &l, &error);
        if (r >= 0)
                r = server_start(h->server);
        if (r < 0)
                return log_error_errno(r, "%s", strempty(error));
        printf("%u\n", listener_port(l));
        fflush(stdout);
        return 0;
}

int main(int argc, char *argv[])
{
        _cleanup_(hub_done) Hub h = {};
        Door door;

        log_open("enrol-hub");
        if (argc != 2 || sd_event_new(&h.event) < 0)
                return 1;
        if (start(&h, argv[1], &door) < 0 ||
                sd_event_add_io(h.event, NULL, STDIN_FILENO, 1, on_input, NULL) < 0)
                return 1;
        return sd_event_loop(h.event) < 0;
}
