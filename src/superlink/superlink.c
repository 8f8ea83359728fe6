#include "superlink/superlink.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"

#define IN_MEMORY ":flwr-in-memory:"
#define IN_MEMORY_OLD ":flwr-in-memory-state:" /* its name up to 1.22 */
#define WORKERS_MAX 64
#define DRAIN_LIMIT (5 * USEC_PER_SEC)
#define STATUS_EVERY (10 * USEC_PER_SEC)
/* Below this much free space no new work is taken: SQLite's log and a few objects still fit. */
#define FREE_SPACE_FLOOR (UINT64_C(256) * 1024 * 1024)

static int load_tls(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_free_ char *why = NULL;
        unsigned n = !!args->ssl_ca_certfile + !!args->ssl_certfile + !!args->ssl_keyfile;

        if (args->insecure) {
                log_warning("TLS is off (--insecure): models and commands travel in plain text.");
                return 0;
        }
        if (n < 3)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "%s are required: give --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile "
                        "(flwr-provision makes them), "
                        "or --insecure to do without TLS.",
                        n == 0 ? "Certificates" : "All three certificate files");
        if (tls_server_new(args->ssl_ca_certfile, args->ssl_certfile, args->ssl_keyfile, &s->tls, &why) < 0)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS, "%s", strempty(why));
        return 0;
}

static int load_keys(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_free_ char *why = NULL;

        if (!args->auth_list_public_keys)
                return 0;
        if (key_list_load(args->auth_list_public_keys, &s->keys, &why) < 0)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS, "%s", strempty(why));
        if (s->keys.n == 0)
                log_warning(
                        "The key list %s is empty: no SuperNode may connect.", args->auth_list_public_keys);
        return 0;
}

static bool is_in_memory(const SuperlinkArgs *args)
{
        return args->database && (streq(args->database, IN_MEMORY) || streq(args->database, IN_MEMORY_OLD));
}

static int open_store(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_free_ char *flower = NULL, *why = NULL;
        StoreConfig config = {
                .event = s->event,
                .queue = STORE_QUEUE_BY_DESTINATION,
                .free_space_floor = FREE_SPACE_FLOOR,
                .events = LINK_STORE_EVENTS,
        };
        int r;

        config.events.userdata = &s->link;
        if (flwr_home(&flower) < 0 || !(s->home = path_join(flower, "superlink")))
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS, "No Flower home: set FLWR_HOME or HOME.");
        if (is_in_memory(args))
                log_warning("State is kept in memory only (--database %s): a restart loses runs and nodes.",
                        args->database);
        else {
                config.directory = s->home;
                config.database = args->database;
                config.fab_directory = args->storage_dir;
        }
        r = mkdir_parents(s->home, 0700);
        if (r < 0) {
                log_error_errno(r, "Cannot make the state directory %s", s->home);
                return EX_CANTCREAT;
        }
        r = store_open(&config, &s->store, &why);
        if (r < 0)
                return exit_with(r == -EPROTONOSUPPORT ? FLWR_EXIT_SUPERLINK_DATABASE_SCHEMA_MISMATCH
                                                       : FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "%s", strempty(why));
        return 0;
}

static unsigned count_workers(const SuperlinkArgs *args)
{
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        return args->workers > 0 ? (unsigned) MIN(args->workers, WORKERS_MAX)
                                 : (unsigned) CLAMP(cores, 1, WORKERS_MAX);
}

typedef struct ListenRow {
        const char *name, *title, *address;
        bool tls, local_only;
        const Method *const *services;
        Listener **listener;
} ListenRow;

static int listen_one(Superlink *s, const ListenRow *row)
{
        _cleanup_free_ char *why = NULL, *host = NULL;
        uint16_t port;
        ListenerConfig config = {
                .name = row->name,
                .address = row->address,
                .fd = -EBADF,
                .tls = row->tls ? s->tls : NULL,
                .services = row->services,
                .userdata = s->link,
                .local_only = row->local_only,
        };

        if (parse_address(row->address, &host, &port) < 0)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "'%s' (%s API) is not an address: write HOST:PORT or [IPv6]:PORT.", row->address,
                        row->title);
        if (server_listen(s->server, &config, row->listener, &why) < 0) {
                log_error("%s", strempty(why));
                return EX_UNAVAILABLE;
        }
        log_info("Flower Deployment Runtime: Starting %s API on %s%s", row->title, row->address,
                config.tls ? " (TLS)" : "");
        return 0;
}

static int start_listeners(Superlink *s, const SuperlinkArgs *args)
{
        bool subprocess = !args->isolation || streq(args->isolation, "subprocess");
        const char *control = args->control_api_address ?: args->exec_api_address;
        const ListenRow rows[] = {
                {"control", "Control", control ?: "0.0.0.0:9093", true, false,
                        link_control_services(s->link), &s->control},
                {"serverappio", "ServerAppIo", args->serverappio_api_address ?: "0.0.0.0:9091", false,
                        subprocess, link_serverappio_services(s->link), &s->serverappio},
                {"fleet", "Fleet", args->fleet_api_address ?: "0.0.0.0:9092", true, false,
                        link_fleet_services(s->link), &s->fleet},
        };
        ServerConfig config = {
                .event = s->event,
                .n_workers = count_workers(args),
                .worker_new = link_worker_new,
                .worker_free = link_worker_free,
        };
        int r;

        if (args->control_api_address && args->exec_api_address)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "--control-api-address and --exec-api-address are "
                        "the same thing: give one of them.");
        r = server_new(&config, &s->server);
        if (r < 0) {
                log_error_errno(r, "Cannot start the server");
                return EX_OSERR;
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                r = listen_one(s, &rows[i]);
                if (r != 0)
                        return r;
        }
        r = server_start(s->server);
        if (r < 0) {
                log_error_errno(r, "Cannot start the server");
                return EX_OSERR;
        }
        return 0;
}

static int start_launcher(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_free_ char *lock = NULL, *why = NULL;
        LauncherConfig config = {
                .event = s->event,
                .plugin_type = "serverapp",
                .appio_address = args->serverappio_api_address ?: "0.0.0.0:9091",
                .appio_port = listener_port(s->serverappio),
                .python_apps = args->python_apps,
        };

        if (args->isolation && streq(args->isolation, "process"))
                return 0;
        lock = path_join(s->home, "superexec.lock");
        config.lock_file = lock;
        if (launcher_new(&config, &s->launcher, &why) < 0)
                return exit_with(
                        FLWR_EXIT_SUPERLINK_INVALID_ARGS, "%s", why ?: "Cannot start flower-superexec");
        return 0;
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata)
{
        Superlink *s = userdata;
        LinkStatus status;

        link_status(s->link, &status);
        daemon_notify_status("%u of %u nodes online, %u run%s", status.nodes_online, status.nodes_known,
                status.runs_active, status.runs_active == 1 ? "" : "s");
        (void) sd_event_source_set_time(source, now_monotonic() + STATUS_EVERY);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int superlink_start(Superlink *s, const SuperlinkArgs *args)
{
        LinkConfig config = {.event = s->event};
        int r;

        log_info("Starting Flower SuperLink");
        if ((r = load_tls(s, args)) != 0 || (r = load_keys(s, args)) != 0 || (r = open_store(s, args)) != 0)
                return r;
        config.store = s->store;
        config.allowed = args->auth_list_public_keys ? &s->keys : NULL;
        r = link_new(&config, &s->link);
        if (r < 0) {
                log_error_errno(r, "Cannot start the services");
                return EX_OSERR;
        }
        if ((r = start_listeners(s, args)) != 0 || (r = start_launcher(s, args)) != 0)
                return r;
        r = sd_event_add_time(s->event, &s->status, CLOCK_MONOTONIC, 0, USEC_PER_SEC, on_status, s);
        if (r < 0) {
                log_error_errno(r, "Cannot watch the state");
                return EX_OSERR;
        }
        daemon_notify_ready("Waiting for nodes");
        return 0;
}

static void on_drained(void *userdata)
{
        Superlink *s = userdata;

        (void) sd_event_exit(s->event, 0);
}

void superlink_stop(void *superlink)
{
        Superlink *s = superlink;

        if (s->stopping || !s->server) {
                (void) sd_event_exit(s->event, 0);
                return;
        }
        s->stopping = true;
        daemon_notify_stopping();
        s->launcher = launcher_free(s->launcher);
        link_drain(s->link);
        server_drain(s->server, DRAIN_LIMIT, on_drained, s);
}

void superlink_done(Superlink *s)
{
        launcher_free(s->launcher);
        sd_event_source_disable_unref(s->status);
        server_free(s->server);
        link_free(TAKE_PTR(s->link));
        store_free(s->store);
        tls_context_unref(s->tls);
        key_list_done(&s->keys);
        free(s->home);
        sd_event_unref(s->event);
}
