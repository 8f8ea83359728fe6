#include "base/fs-util.h"
#include "base/log.h"
#include "provision/output.h"
#include "provision/provision.h"

static const Option options[] = {ROWS_SERVER(OPTION_REQUIRED), {OPTION_END}};

const Program program_server = {
        .name = "flwr-provision server",
        .summary = "Make a server's key and certificate, signed by the CA: server.key (mode 0600) and "
                   "server.pem.",
        .options = options,
        .examples = "  flwr-provision server --dir certificates\n"
                    "  flwr-provision server --dir /etc/flwr/tls --ca /root/ca --name flower.example.org "
                    "--name 192.0.2.7\n",
};

static int read_ca(const char *dir, X509Pair *ret)
{
        _cleanup_output_pair_ OutputPair paths = {path_join(dir, "ca.key"), path_join(dir, "ca.crt")};

        if (!paths.key_path || !paths.certificate_path)
                return log_oom();
        if (!output_exists(paths.key_path) && !output_exists(paths.certificate_path)) {
                log_error("There is no CA in \"%s\". Make one: flwr-provision ca --dir '%s'", dir, dir);
                return -ENOENT;
        }
        return output_pair_read(&paths, ret);
}

/* What is there is worth keeping only if clients that trust this CA will accept it. */
static int keep(const OutputPair *paths, const X509Pair *ca)
{
        _cleanup_x509_pair_ X509Pair pair = {};
        _cleanup_free_ char *error = NULL;
        int r;

        r = output_pair_read(paths, &pair);
        if (r < 0)
                return r;
        r = x509_issuer_check(pair.certificate, ca->certificate, now_realtime(), &error);
        if (r < 0) {
                log_error("%s: \"%s\". Replace it with --force", error ? error : strerror(-r),
                        paths->certificate_path);
                return r;
        }
        log_info("Kept %s and %s", paths->key_path, paths->certificate_path);
        return 0;
}

static int make(const Arguments *a, const X509Pair *ca, X509Pair *ret)
{
        _cleanup_free_ char *error = NULL;
        char **fallback = NULL;
        int r;

        if (!a->names) {
                r = x509_default_names(&fallback);
                if (r < 0)
                        return log_error_errno(r, "The names of this host are not known");
        }
        r = x509_make_server(ca, NULL, fallback ? fallback : a->names, a->days, now_realtime(), ret, &error);
        options_free_strings(fallback);
        if (r < 0)
                log_error("%s", error ? error : strerror(-r));
        return r;
}

int command_server(const Arguments *a, char **positionals)
{
        _cleanup_x509_pair_ X509Pair ca = {}, pair = {};
        _cleanup_output_pair_ OutputPair paths = {};
        _cleanup_output_ Output o = {};
        int r;

        r = read_ca(a->ca_dir ? a->ca_dir : a->dir, &ca);
        if (r >= 0)
                r = output_open(a->dir, a->force, &o);
        if (r >= 0)
                r = output_pair_wanted(&o, "server.key", "server.pem", &paths);
        if (r == 0)
                return keep(&paths, &ca);
        if (r >= 0)
                r = make(a, &ca, &pair);
        return r < 0 ? r : output_pair_write(&o, &paths, &pair);
}
