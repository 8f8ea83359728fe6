#include <signal.h>

#include "base/daemon.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "superlink/superlink.h"

static int refuse_certificate(int r, const char *key_file, const char *why)
{
        _cleanup_free_ char *hint = r == -EACCES ? daemon_access_hint(key_file) : NULL;

        return exit_with_id(FLWR_EXIT_SUPERLINK_INVALID_ARGS, FLWR_MESSAGE_CERTIFICATE_REFUSED, "%s%s",
                strempty(why), strempty(hint));
}

static void say_loaded(const TlsContext *tls, const char *file)
{
        char day[ISO_TIME_MAX];
        time_t from, until;

        tls_server_life(tls, &from, &until);
        iso_time_format((usec_t) MAX(until, (time_t) 0) * USEC_PER_SEC, day);
        log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_LOADED}),
                "The certificate %s is in use, valid until %s", file, day);
}

int superlink_load_tls(Superlink *s, const SuperlinkArgs *args, TlsContext **ret)
{
        _cleanup_free_ char *why = NULL;
        int r;
        unsigned n = !!args->ssl_ca_certfile + !!args->ssl_certfile + !!args->ssl_keyfile;

        if (args->insecure) {
                log_warning("TLS is off (--insecure): models and commands travel in plain text.");
                return 0;
        }
        if (n < 3)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS,
                        "%s are required: give --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile "
                        "(flwr-provision makes "
                        "them), or --insecure to do without TLS.",
                        n == 0 ? "Certificates" : "All three certificate files");
        r = tls_server_new(args->ssl_ca_certfile, args->ssl_certfile, args->ssl_keyfile, ret, &why);
        if (r < 0)
                return refuse_certificate(r, args->ssl_keyfile, why);
        if (free_and_strdup(&s->certificate, args->ssl_certfile) < 0)
                return log_oom();
        daemon_warn_exposed_key(args->ssl_keyfile);
        say_loaded(*ret, args->ssl_certfile);
        return 0;
}

int superlink_load_keys(const SuperlinkArgs *args, KeyList *ret, bool *ret_has_list)
{
        _cleanup_free_ char *why = NULL;

        *ret_has_list = args->auth_list_public_keys;
        if (!args->auth_list_public_keys)
                return 0;
        if (key_list_load(args->auth_list_public_keys, ret, &why) < 0)
                return exit_with(FLWR_EXIT_SUPERLINK_INVALID_ARGS, "%s", strempty(why));
        if (ret->n == 0 && !args->enable_supernode_auth)
                log_warning(
                        "The key list %s is empty: no SuperNode may connect.", args->auth_list_public_keys);
        return 0;
}

static int apply(Superlink *s, const SuperlinkArgs *args)
{
        _cleanup_(tls_context_unrefp) TlsContext *tls = NULL;
        _cleanup_(key_list_done) KeyList keys = {};
        bool has_list;
        int r;

        r = superlink_load_tls(s, args, &tls);
        if (r == 0)
                r = superlink_load_keys(args, &keys, &has_list);
        if (r != 0)
                return r;
        for (size_t i = 0; i < s->n_tls_listeners && tls; i++)
                listener_set_tls(s->tls_listeners[i], tls);
        if (tls) {
                tls_context_unref(s->tls);
                s->tls = TAKE_PTR(tls);
        }
        if (link_set_allowed(s->link, has_list ? &keys : NULL) < 0)
                return log_oom();
        return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        Superlink *s = userdata;
        SuperlinkArgs args = {};
        char **positionals = NULL;
        int r;

        daemon_notify_reloading();
        r = options_parse(&SUPERLINK_PROGRAM, s->argc, s->argv, &args, &positionals);
        if (r == 0)
                r = apply(s, &args);
        if (r != 0)
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_RELOAD_REFUSED}),
                        "The reload has changed nothing: what was loaded before stays in force.");
        else
                log_with(LOG_INFO, (&(LogFields){.message_id = FLWR_MESSAGE_RELOADED}),
                        "Certificates and key list are loaded again; other settings change with a restart.");
        superlink_say_certificate(s);
        superlink_look_again(s);
        free(positionals);
        superlink_args_done(&args);
        daemon_notify_ready(NULL);
        return 0;
}

int superlink_watch_reload(Superlink *s)
{
        return sd_event_add_signal(s->event, &s->reload, SIGHUP, on_reload, s);
}
