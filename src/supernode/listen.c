/* Where ClientApps and launchers connect: the address of the flag, or the sockets that systemd passes in. */
#include <sysexits.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "supernode/supernode.h"

static int bind_flag(Supernode *s, const SupernodeArgs *args)
{
        const char *address = args->clientappio_api_address ?: CLIENTAPPIO_DEFAULT;
        _cleanup_free_ char *why = NULL, *host = NULL;
        ListenerConfig config = {
                .name = "clientappio",
                .address = address,
                .fd = -EBADF,
                .services = clientappio_services(s->appio),
                .userdata = &s->front,
                .local_only = !args->isolation || streq(args->isolation, "subprocess"),
        };
        Listener *l;
        uint16_t port;

        if (!startswith(address, "unix:") && parse_address(address, &host, &port) < 0)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "'%s' (--clientappio-api-address) is not an address: write HOST:PORT or "
                        "[IPv6]:PORT.",
                        address);
        if (server_listen(s->server, &config, &l, &why) < 0) {
                log_error("%s", strempty(why));
                return EX_UNAVAILABLE;
        }
        s->clientappio_port = listener_port(l);
        log_info("Flower Deployment Runtime: Starting ClientAppIo API on %s", address);
        return 0;
}

/* FileDescriptorName= of the socket units. */
static int take_sockets(Supernode *s, PassedFd *fds, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *why = NULL;
                bool apps = streq(fds[i].name, "clientappio"), tcp = streq(fds[i].name, "clientappio-tcp");
                ListenerConfig config = {
                        .name = apps ? "clientappio-app" : "clientappio",
                        .fd = fds[i].fd,
                        .services = clientappio_services(s->appio),
                        .userdata = apps ? &s->apps : &s->front,
                        .local_only = tcp,
                };
                Listener *l;

                if (!apps && !tcp && !streq(fds[i].name, "clientappio-exec")) {
                        log_warning("systemd passed a socket named '%s' that this program does not know, "
                                    "ignoring",
                                fds[i].name);
                        continue;
                }
                if (server_listen(s->server, &config, &l, &why) < 0) {
                        log_error("%s", strempty(why));
                        return EX_UNAVAILABLE;
                }
                fds[i].fd = -EBADF;
                log_info("Flower Deployment Runtime: Starting ClientAppIo API on the socket from systemd "
                         "(%s)",
                        fds[i].name);
        }
        return 0;
}

/* See the hub's: each app gets a socket of its own, bound to its run. */
static void open_doors(Supernode *s)
{
        const char *runtime = getenv("RUNTIME_DIRECTORY");
        _cleanup_free_ char *own = !runtime && s->directory ? path_join(s->directory, "apps") : NULL;
        DoorsConfig config = {
                .server = s->server,
                .directory = runtime ?: own,
                .mode = runtime ? 0711 : 0700,
                .name = "clientappio-app",
                .services = clientappio_services(s->appio),
                .service = s->appio,
        };
        int r;

        /* A node that keeps nothing on disk has no directory for them. */
        if (!config.directory)
                return;
        r = doors_new(&config, &s->doors);
        if (r < 0)
                log_warning_errno(r,
                        "Apps have no sockets of their own below %s, they share the ClientAppIo address",
                        config.directory);
        clientappio_set_doors(s->appio, s->doors);
}

int supernode_listen(Supernode *s, const SupernodeArgs *args)
{
        ServerConfig config = {.event = s->event};
        PassedFd *fds = NULL;
        size_t n_fds = 0;
        int r;

        s->front = (Door){.service = s->appio, .may_launch = true};
        s->apps = (Door){.service = s->appio};
        r = server_new(&config, &s->server);
        if (r >= 0)
                r = daemon_passed_fds(&fds, &n_fds);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the server");
                return EX_OSERR;
        }
        s->activated = n_fds > 0;
        if (args->systemd_sockets && !s->activated) {
                log_error("systemd has passed no sockets: start flower-supernode-clientappio.socket and its "
                          "siblings.");
                return EX_CONFIG;
        }
        r = s->activated ? take_sockets(s, fds, n_fds) : bind_flag(s, args);
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
