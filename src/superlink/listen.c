/* Where the hub listens: on the addresses of its flags, or on the sockets that systemd passes in. */
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"
#include "superlink/superlink.h"

#define WORKERS_MAX 64

typedef struct Api {
        const char *title;
        const char *address; /* of the flag, or its default */
        const Method *const *services;
        bool tls;
        bool local_only;
} Api;

typedef enum ApiId {
        API_CONTROL,
        API_SERVERAPPIO,
        API_FLEET,
        _API_MAX,
} ApiId;

/* A socket unit's FileDescriptorName=. */
typedef struct SocketRow {
        const char *name;
        ApiId api;
        bool for_apps;   /* launching is refused there */
        bool local_only; /* whatever the API says */
} SocketRow;

static const SocketRow sockets[] = {
        {"fleet", API_FLEET},
        {"control", API_CONTROL},
        {"control-tcp", API_CONTROL},
        {"serverappio", API_SERVERAPPIO, .for_apps = true},
        {"serverappio-exec", API_SERVERAPPIO},
        {"serverappio-tcp", API_SERVERAPPIO, .local_only = true},
};

static void describe_apis(Superlink *s, const SuperlinkArgs *args, Api apis[static _API_MAX])
{
        bool subprocess = !args->isolation || streq(args->isolation, "subprocess");
        const char *control = args->control_api_address ?: args->exec_api_address;

        apis[API_CONTROL] =
                (Api){"Control", control ?: "0.0.0.0:9093", link_control_services(s->link), true};
        apis[API_SERVERAPPIO] = (Api){"ServerAppIo", args->serverappio_api_address ?: "0.0.0.0:9091",
                link_serverappio_services(s->link), .local_only = subprocess};
        apis[API_FLEET] = (Api){
                "Fleet", args->fleet_api_address ?: "0.0.0.0:9092", link_fleet_services(s->link), true};
}

static int listen_on(Superlink *s, const char *name, const Api *api, ListenerConfig *config)
{
        _cleanup_free_ char *why = NULL;
        Listener *l;
        int r;

        config->name = name;
        config->services = api->services;
        r = server_listen(s->server, config, &l, &why);
        if (r < 0) {
                log_error("%s API: %s", api->title, strempty(why));
                return EX_UNAVAILABLE;
        }
        if (config->tls && s->n_tls_listeners < SUPERLINK_LISTENERS_MAX)
                s->tls_listeners[s->n_tls_listeners++] = l;
        if (api->services == link_serverappio_services(s->link))
                s->serverappio_port = listener_port(l);
        log_info("Flower Deployment Runtime: Starting %s API on %s%s", api->title,
                config->address ?: "the socket from systemd", config->tls ? " (TLS)" : "");
        return 0;
}

static int bind_flags(Superlink *s, const Api apis[static _API_MAX])
{
        static const char *const names[_API_MAX] = {"control", "serverappio", "fleet"};
        int r = 0;

        for (size_t i = 0; i < _API_MAX && r == 0; i++) {
                _cleanup_free_ char *host = NULL;
                uint16_t port;
                ListenerConfig config = {
                        .address = apis[i].address,
                        .fd = -EBADF,
                        .tls = apis[i].tls ? s->tls : NULL,
                        .userdata = &s->front,
                        .local_only = apis[i].local_only,
                };

                if (!startswith(apis[i].address, "unix:") &&
                        parse_address(apis[i].address, &host, &port) < 0)
                        return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                                "'%s' (%s API) is not an address: write HOST:PORT or [IPv6]:PORT.",
                                apis[i].address, apis[i].title);
                r = listen_on(s, names[i], &apis[i], &config);
        }
        return r;
}

static bool is_unix(int fd)
{
        struct sockaddr_storage a;
        socklen_t size = sizeof(a);

        return getsockname(fd, (struct sockaddr *) &a, &size) >= 0 && a.ss_family == AF_UNIX;
}

static const SocketRow *find_socket(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(sockets); i++)
                if (streq(sockets[i].name, name))
                        return &sockets[i];
        return NULL;
}

static bool has_socket(const PassedFd *fds, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (streq(fds[i].name, name))
                        return true;
        return false;
}

static int take_sockets(Superlink *s, const Api apis[static _API_MAX], PassedFd *fds, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                const SocketRow *row = find_socket(fds[i].name);
                ListenerConfig config = {.fd = fds[i].fd};

                if (!row) {
                        log_warning("systemd passed a socket named '%s' that this program does not know, "
                                    "ignoring",
                                fds[i].name);
                        continue;
                }
                /* A Unix socket's permissions say who may come; everything else is proven by certificate. */
                config.tls = apis[row->api].tls && !is_unix(fds[i].fd) ? s->tls : NULL;
                config.userdata = row->for_apps ? &s->apps : &s->front;
                config.local_only = row->local_only;
                r = listen_on(s, row->name, &apis[row->api], &config);
                if (r == 0)
                        fds[i].fd = -EBADF;
        }
        return r;
}

/* Each app gets a socket of its own, bound to its run; where that cannot be, apps share the address. */
static void open_doors(Superlink *s)
{
        const char *runtime = getenv("RUNTIME_DIRECTORY");
        _cleanup_free_ char *own = NULL;
        DoorsConfig config = {
                .server = s->server,
                .directory = runtime,
                .mode = runtime ? 0711 : 0700,
                .name = "serverappio-app",
                .services = link_serverappio_services(s->link),
                .service = s->link,
        };
        int r;

        if (!runtime)
                config.directory = own = path_join(s->home, "apps");
        r = config.directory ? doors_new(&config, &s->doors) : -ENOMEM;
        if (r < 0)
                log_warning_errno(r,
                        "Apps have no sockets of their own below %s, they share the ServerAppIo address",
                        strempty(config.directory));
        link_set_doors(s->link, s->doors);
}

static unsigned count_workers(const SuperlinkArgs *args)
{
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        return args->workers > 0 ? (unsigned) MIN(args->workers, WORKERS_MAX)
                                 : (unsigned) CLAMP(cores, 1, WORKERS_MAX);
}

int superlink_listen(Superlink *s, const SuperlinkArgs *args)
{
        ServerConfig config = {
                .event = s->event,
                .n_workers = count_workers(args),
                .worker_new = link_worker_new,
                .worker_free = link_worker_free,
        };
        Api apis[_API_MAX];
        PassedFd *fds = NULL;
        size_t n_fds = 0;
        int r;

        if (args->control_api_address && args->exec_api_address)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "--control-api-address and --exec-api-address are "
                        "the same thing: give one of them.");
        s->front = (Door){.service = s->link, .may_launch = true};
        s->apps = (Door){.service = s->link};
        describe_apis(s, args, apis);
        r = server_new(&config, &s->server);
        if (r >= 0)
                r = daemon_passed_fds(&fds, &n_fds);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the server");
                return EX_OSERR;
        }
        s->activated = n_fds > 0;
        if (args->systemd_sockets && !s->activated) {
                log_error("systemd has passed no sockets: start flower-superlink-fleet.socket and its "
                          "siblings.");
                return EX_CONFIG;
        }
        s->lacks_fleet = s->activated && !has_socket(fds, n_fds, "fleet");
        if (s->lacks_fleet)
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_SOCKET_REFUSED}),
                        "Nodes cannot connect: systemd has passed no socket of the Fleet API. Most likely "
                        "another program has its port: systemctl status flower-superlink-fleet.socket");
        r = s->activated ? take_sockets(s, apis, fds, n_fds) : bind_flags(s, apis);
        passed_fds_free(fds, n_fds);
        if (r != 0)
                return r;
        open_doors(s);
        r = server_start(s->server);
        if (r < 0) {
                log_error_errno(r, "Cannot start the server");
                return EX_OSERR;
        }
        return 0;
}
