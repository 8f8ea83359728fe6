#include "superlink/superlink.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"

#define IN_MEMORY ":flwr-in-memory:"
#define IN_MEMORY_OLD ":flwr-in-memory-state:" /* its name up to 1.22 */
#define DRAIN_LIMIT (5 * USEC_PER_SEC)

static bool is_in_memory(const SuperlinkArgs *args)
{
        return args->database && (streq(args->database, IN_MEMORY) || streq(args->database, IN_MEMORY_OLD));
}

static int open_store(Superlink *s, const SuperlinkArgs *args)
{
        const char *state = getenv("STATE_DIRECTORY"); /* of the service, under systemd */
        _cleanup_free_ char *flower = NULL, *why = NULL;
        StoreConfig config = {
                .event = s->event,
                .queue = STORE_QUEUE_BY_DESTINATION,
                .free_space_floor = SUPERLINK_FREE_SPACE_FLOOR,
                .events = LINK_STORE_EVENTS,
        };
        int r;

        config.events.userdata = &s->link;
        if (state)
                s->home = strdup(state);
        else if (flwr_home(&flower) >= 0)
                s->home = path_join(flower, "superlink");
        if (!s->home)
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
        if (r == -ENOSPC) {
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_STATE_UNWRITABLE}), "%s",
                        strempty(why));
                return EX_IOERR;
        }
        if (r < 0)
                return exit_with(r == -EMEDIUMTYPE ? FLWR_EXIT_SUPERLINK_DATABASE_SCHEMA_MISMATCH
                                                   : FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "%s", strempty(why));
        return 0;
}

static int start_launcher(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_free_ char *lock = NULL, *why = NULL;
        LauncherConfig config = {
                .event = s->event,
                .plugin_type = "serverapp",
                .appio_address = args->serverappio_api_address ?: "0.0.0.0:9091",
                .appio_port = s->serverappio_port,
                .python_apps = args->python_apps,
        };

        if (s->activated || (args->isolation && streq(args->isolation, "process")))
                return 0;
        lock = path_join(s->home, "superexec.lock");
        config.lock_file = lock;
        if (launcher_new(&config, &s->launcher, &why) < 0)
                return exit_with(
                        FLWR_EXIT_SUPERLINK_INVALID_ARGS, "%s", why ?: "Cannot start flower-superexec");
        return 0;
}

static int start_services(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_(key_list_done) KeyList keys = {};
        _cleanup_free_ char *invites = path_join(s->home, "invites");
        const EnrolConfig enrol = {.directory = invites, .on_outcome = superlink_log_enrolment};
        LinkConfig config = {
                .event = s->event,
                .store = s->store,
                .registration_closed = args->enable_supernode_auth,
                .python_apps = args->python_apps,
                .enrol = invites && !is_in_memory(args) ? &enrol : NULL,
                .run_changed = superlink_log_run,
                .node_changed = superlink_log_node,
                .node_unknown = superlink_log_unknown,
                .userdata = s,
        };
        bool has_list;
        int r;

        if (args->enable_supernode_auth && args->insecure)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "--enable-supernode-auth needs TLS: give the certificates instead of --insecure.");
        r = superlink_load_keys(args, &keys, &has_list);
        if (r != 0)
                return r;
        config.allowed = has_list ? &keys : NULL;
        r = link_new(&config, &s->link);
        if (r < 0) {
                log_error_errno(r, "Cannot start the services");
                return EX_OSERR;
        }
        return 0;
}

int superlink_start(Superlink *s, const SuperlinkArgs *args)
{
        int r;

        log_info("Starting Flower SuperLink");
        if ((r = superlink_load_tls(s, args, &s->tls)) != 0 || (r = open_store(s, args)) != 0 ||
                (r = start_services(s, args)) != 0 || (r = superlink_listen(s, args)) != 0 ||
                (r = start_launcher(s, args)) != 0)
                return r;
        r = superlink_watch_condition(s);
        if (r >= 0)
                r = superlink_watch_reload(s);
        if (r >= 0)
                r = daemon_watchdog(s->event);
        if (r < 0) {
                log_error_errno(r, "Cannot watch state and signals");
                return EX_OSERR;
        }
        daemon_notify_ready("Waiting for nodes");
        daemon_forget_start();
        log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_SUPERLINK_READY}), "SuperLink is ready");
        superlink_say_certificate(s);
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
        log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_STOPPING}),
                "Stopping: finishing what is under way");
        s->launcher = launcher_free(s->launcher);
        link_drain(s->link);
        server_drain(s->server, DRAIN_LIMIT, on_drained, s);
}

void superlink_done(Superlink *s)
{
        launcher_free(s->launcher);
        sd_event_source_disable_unref(s->status);
        sd_event_source_disable_unref(s->reload);
        if (s->link)
                link_set_doors(s->link, NULL);
        doors_free(s->doors);
        server_free(s->server);
        link_free(TAKE_PTR(s->link));
        store_free(s->store);
        tls_context_unref(s->tls);
        id_set_clear(&s->running);
        free(s->home);
        free(s->certificate);
        sd_event_unref(s->event);
}
