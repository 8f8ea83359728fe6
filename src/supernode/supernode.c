#include "supernode/supernode.h"

#include <inttypes.h>
#include <sysexits.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"

#define SUPERLINK_DEFAULT "0.0.0.0:9092"
#define DRAIN_LIMIT (1 * USEC_PER_SEC)
#define FREE_SPACE_FLOOR (UINT64_C(128) * 1024 * 1024)
#define FINGERPRINT_DIGITS 16 /* of the key, in the name of the state directory */

/* ---- what the flags say ---- */

static int load_tls(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *why = NULL;

        if (args->insecure && args->root_certificates)
                return exit_with(FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED,
                        "--insecure and --root-certificates exclude each other: give one of them.");
        if (args->insecure) {
                log_warning("TLS is off (--insecure): models travel in plain text.");
                return 0;
        }
        if (tls_client_new(args->root_certificates, &s->tls, &why) < 0)
                return exit_with_id(FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED, FLWR_MESSAGE_CERTIFICATE_REFUSED,
                        "%s", strempty(why));
        return 0;
}

/* The CA of a joined node may be changed on the SuperLink; what a node is told of it belongs to its state.
 */
static int follow_ca(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *file = NULL;
        unsigned n = 0;
        int r;

        if (!s->tls || !args->root_certificates || !s->directory)
                return 0;
        file = path_join(s->directory, "superlink-ca-successors.crt");
        r = file ? tls_client_follow(s->tls, file, &n) : -ENOMEM;
        if (r < 0)
                return exit_with(FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED, "%s, or %s, cannot be read: %s",
                        args->root_certificates, strempty(file), strerror(-r));
        if (n > 0)
                log_info("The CA in %s has been followed by another one, which it signed and which is "
                         "trusted, "
                         "too (%s)",
                        args->root_certificates, file);
        return 0;
}

static int check_public_key(const NodeKey *key, const char *path)
{
        _cleanup_(public_key_freep) PublicKey *public = NULL;
        _cleanup_free_ char *why = NULL;

        if (public_key_from_ssh_file(path, &public, &why) < 0)
                return exit_with(FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID, "%s", strempty(why));
        if (!streq(public_key_pem(public), node_key_pem(key)))
                return exit_with(FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID,
                        "%s is not the public key of the private key given: make the pair with ssh-keygen "
                        "-t ecdsa -b 384, or leave "
                        "--auth-supernode-public-key out.",
                        path);
        return 0;
}

static int load_key(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *why = NULL;
        int r;

        if (args->auth_public_key && !args->auth_private_key)
                return exit_with(FLWR_EXIT_SUPERNODE_NODE_AUTH_KEYS_REQUIRED,
                        "--auth-supernode-public-key needs --auth-supernode-private-key: the node signs "
                        "with it.");
        if (!args->auth_private_key) {
                r = node_key_generate(&s->key);
                if (r < 0)
                        log_error_errno(r, "Cannot make a key");
                return r < 0 ? EX_SOFTWARE : 0;
        }
        r = node_key_load(args->auth_private_key, &s->key, &why);
        if (r < 0) {
                _cleanup_free_ char *hint = r == -EACCES ? daemon_access_hint(args->auth_private_key) : NULL;

                return exit_with_id(FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID, FLWR_MESSAGE_KEY_REFUSED,
                        "%s%s", strempty(why), strempty(hint));
        }
        daemon_warn_exposed_key(args->auth_private_key);
        s->own_key = true;
        return args->auth_public_key ? check_public_key(s->key, args->auth_public_key) : 0;
}

static int load_node_config(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *why = NULL;

        if (supernode_args_node_config(args, &s->node_config, &why) >= 0)
                return 0;
        log_error("--node-config: %s", strempty(why));
        return EX_USAGE;
}

static int parse_limits(const SupernodeArgs *args, StubConfig *config)
{
        uint64_t n;
        double seconds;

        config->max_retries = -1;
        config->max_wait = USEC_INFINITY;
        if (args->max_retries && (parse_u64(args->max_retries, &n) < 0 || n > INT32_MAX)) {
                log_error("--max-retries '%s' is not a whole number from 0", args->max_retries);
                return EX_USAGE;
        }
        if (args->max_retries)
                config->max_retries = (int64_t) n;
        if (args->max_wait_time && (parse_double(args->max_wait_time, &seconds) < 0 || seconds < 0)) {
                log_error("--max-wait-time '%s' is not a number of seconds", args->max_wait_time);
                return EX_USAGE;
        }
        if (args->max_wait_time)
                config->max_wait = seconds_to_usec(seconds);
        return 0;
}

/* ---- parts ---- */

static void on_retry(const char *path, const char *failure, usec_t delay, unsigned attempt, void *userdata)
{
        Supernode *s = userdata;

        if (failure) {
                log_warning("The SuperLink is not available (%s); trying again in %.1f s (attempt %u)",
                        failure, usec_to_seconds(delay), attempt);
                daemon_notify_status("The SuperLink at %s is not available, trying again: %s",
                        channel_address(s->channel), failure);
        } else {
                log_info("The SuperLink is available again after %u tries", attempt);
                supernode_tell_status(s);
        }
}

void supernode_tell_status(const Supernode *s)
{
        if (s->state == MEMBER_ACTIVE)
                daemon_notify_status("%sOnline as SuperNode %" PRIu64 " at %s",
                        s->space_is_low ? "DISK FULL, no new work; " : "", s->node_id,
                        channel_address(s->channel));
        else
                daemon_notify_status("Connecting to the SuperLink at %s", channel_address(s->channel));
}

void supernode_look_at_space(Supernode *s)
{
        bool low = store_check_space(s->store) < 0;

        if (low == s->space_is_low)
                return;
        s->space_is_low = low;
        if (low)
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_SPACE_LOW}),
                        "The file system of %s is nearly full: no new work is taken until there are %" PRIu64
                        " MiB again; it waits on the SuperLink, nothing is lost. See what fills it: df -h "
                        "%s",
                        s->directory, FREE_SPACE_FLOOR / 1024 / 1024, s->directory);
        else
                log_with(LOG_NOTICE, (&(LogFields){.message_id = FLWR_MESSAGE_SPACE_ENOUGH}),
                        "There is space for %s again: work is taken", s->directory);
        supernode_tell_status(s);
}

static int connect_superlink(Supernode *s, const SupernodeArgs *args)
{
        const char *address = args->superlink ?: SUPERLINK_DEFAULT;
        StubConfig config = {.give_up_on_handshake = true, .on_retry = on_retry, .userdata = s};
        int r;

        r = parse_limits(args, &config);
        if (r != 0)
                return r;
        r = channel_new(s->event, address, s->tls, &s->channel);
        if (r == -EINVAL)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "'%s' (--superlink) is not an address: write HOST:PORT or [IPv6]:PORT.", address);
        if (r >= 0)
                r = auth_signer_new(s->key, &s->signer);
        config.channel = s->channel;
        config.signer = s->signer;
        if (r >= 0)
                r = stub_new(s->event, &config, &s->stub);
        if (r < 0)
                log_error_errno(r, "Cannot set up the connection to the SuperLink");
        return r < 0 ? EX_OSERR : 0;
}

/* State belongs to the key; a key made for this life only has none on disk. */
static int choose_directory(Supernode *s)
{
        _cleanup_free_ char *home = NULL, *nodes = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId fingerprint;
        int r;

        if (!s->own_key)
                return 0;
        if (getenv("STATE_DIRECTORY")) {
                s->directory = strdup(getenv("STATE_DIRECTORY"));
                return s->directory ? 0 : EX_OSERR;
        }
        key_pem_fingerprint(node_key_pem(s->key), &fingerprint);
        object_id_format(&fingerprint, hex);
        hex[FINGERPRINT_DIGITS] = 0;
        if (flwr_home(&home) < 0 || !(nodes = path_join(home, "supernode")) ||
                !(s->directory = path_join(nodes, hex)))
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS, "No Flower home: set FLWR_HOME or HOME.");
        r = mkdir_parents(s->directory, 0700);
        if (r < 0) {
                log_error_errno(r, "Cannot make the state directory %s", s->directory);
                return EX_CANTCREAT;
        }
        return 0;
}

static void on_reply_ready(const ObjectId *instruction, void *userdata)
{
        Supernode *s = userdata;

        sender_add(s->sender, instruction);
}

static int open_state(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *why = NULL;
        StoreConfig store = {
                .event = s->event,
                .queue = STORE_QUEUE_BY_RUN,
                .free_space_floor = FREE_SPACE_FLOOR,
                .events = CLIENTAPPIO_STORE_EVENTS,
        };
        ClientAppIoConfig appio = {.event = s->event, .reply_ready = on_reply_ready, .userdata = s};
        int r;

        store.directory = s->directory;
        store.events.userdata = &s->appio;
        r = store_open(&store, &s->store, &why);
        if (r < 0) {
                log_with(LOG_ERR,
                        (&(LogFields){.message_id = r == -ENOSPC ? FLWR_MESSAGE_STATE_UNWRITABLE
                                                                 : FLWR_MESSAGE_CONFIGURATION_REFUSED}),
                        "%s", strempty(why));
                return r == -ENOSPC ? EX_IOERR : EX_CONFIG;
        }
        appio.store = s->store;
        appio.python_apps = args->python_apps;
        if ((r = clientappio_new(&appio, &s->appio)) < 0 || (r = receiver_new(s, &s->receiver)) < 0 ||
                (r = sender_new(s, &s->sender)) < 0) {
                log_error_errno(r, "Cannot set up the node");
                return EX_OSERR;
        }
        return 0;
}

static void on_launcher_gone(void *userdata)
{
        Supernode *s = userdata;

        clientappio_launcher_gone(s->appio);
}

static int start_launcher(Supernode *s, const SupernodeArgs *args)
{
        _cleanup_free_ char *lock = s->directory ? path_join(s->directory, "superexec.lock") : NULL,
                            *why = NULL;
        LauncherConfig config = {
                .event = s->event,
                .plugin_type = "clientapp",
                .appio_address = args->clientappio_api_address ?: CLIENTAPPIO_DEFAULT,
                .appio_port = s->clientappio_port,
                .lock_file = lock,
                .gone = on_launcher_gone,
                .userdata = s,
                .python_apps = args->python_apps,
        };

        if (s->activated || (args->isolation && streq(args->isolation, "process")))
                return 0;
        if (launcher_new(&config, &s->launcher, &why) < 0)
                return exit_with(FLWR_EXIT_SUPEREXEC_INVALID_PLUGIN_CONFIG, "%s",
                        why ?: "Cannot start flower-superexec");
        return 0;
}

int supernode_start(Supernode *s, const SupernodeArgs *args)
{
        int r;

        log_info("Starting Flower SuperNode");
        if ((r = load_tls(s, args)) != 0 || (r = load_key(s, args)) != 0 ||
                (r = load_node_config(s, args)) != 0 || (r = choose_directory(s)) != 0 ||
                (r = follow_ca(s, args)) != 0 || (r = connect_superlink(s, args)) != 0 ||
                (r = open_state(s, args)) != 0 || (r = supernode_listen(s, args)) != 0 ||
                (r = start_launcher(s, args)) != 0)
                return r;
        sender_resume(s->sender);
        r = member_start(s);
        if (r >= 0)
                r = daemon_watchdog(s->event);
        if (r < 0) {
                log_error_errno(r, "Cannot join the federation");
                return EX_OSERR;
        }
        daemon_notify_ready("Connecting to the SuperLink");
        log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_SUPERNODE_READY}),
                "SuperNode is ready, connecting to %s", channel_address(s->channel));
        return 0;
}

static void on_drained(void *userdata)
{
        member_leave(userdata);
}

void supernode_stop(void *supernode)
{
        Supernode *s = supernode;

        if (!s->receiver || s->state == MEMBER_LEAVING) {
                (void) sd_event_exit(s->event, 0);
                return;
        }
        if (s->stopping)
                return;
        s->stopping = true;
        daemon_notify_stopping();
        log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_STOPPING}),
                "Stopping: leaving the federation");
        s->launcher = launcher_free(s->launcher);
        clientappio_drain(s->appio);
        server_drain(s->server, DRAIN_LIMIT, on_drained, s);
}

void supernode_fail(Supernode *s, int status)
{
        s->exit_status = status;
        supernode_stop(s);
}

void supernode_done(Supernode *s)
{
        member_done(s);
        launcher_free(s->launcher);
        receiver_free(s->receiver);
        sender_free(s->sender);
        stub_free(s->stub);
        channel_free(s->channel);
        auth_signer_free(s->signer);
        if (s->appio)
                clientappio_set_doors(s->appio, NULL);
        doors_free(s->doors);
        server_free(s->server);
        clientappio_free(TAKE_PTR(s->appio));
        store_free(s->store);
        tls_context_unref(s->tls);
        node_key_free(s->key);
        config_done(&s->node_config);
        free(s->directory);
        sd_event_unref(s->event);
}
