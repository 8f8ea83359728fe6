#include "base/log.h"
#include "base/text.h"
#include "provision/output.h"
#include "provision/provision.h"

static const Option options[] = {ROWS_CA(OPTION_REQUIRED), {OPTION_END}};

const Program program_ca = {
        .name = "flwr-provision ca",
        .summary = "Make a certificate authority: ca.key (stays here, mode 0600) and ca.crt (goes to every "
                   "node and user).",
        .options = options,
        .examples = "  flwr-provision ca --dir certificates\n",
};

/* The suffix keeps CAs of several federations apart in places where only names are shown. */
static char *default_common_name(void)
{
        return xasprintf("Flower CA %08x", (unsigned) random_u64());
}

int command_ca(const Arguments *a, char **positionals)
{
        _cleanup_output_pair_ OutputPair paths = {};
        _cleanup_x509_pair_ X509Pair pair = {};
        _cleanup_output_ Output o = {};
        _cleanup_free_ char *name = a->common_name ? strdup(a->common_name) : default_common_name(),
                            *error = NULL;
        int r;

        if (!name)
                return log_oom();
        r = output_open(a->dir, a->force, &o);
        if (r >= 0)
                r = output_pair_wanted(&o, "ca.key", "ca.crt", &paths);
        if (r < 0)
                return r;
        if (r == 0) {
                r = output_pair_read(&paths, &pair);
                if (r >= 0)
                        log_info("Kept %s and %s", paths.key_path, paths.certificate_path);
                return r;
        }
        r = x509_make_ca(name, a->days, now_realtime(), &pair, &error);
        if (r < 0) {
                log_error("%s", error ? error : strerror(-r));
                return r;
        }
        return output_pair_write(&o, &paths, &pair);
}
