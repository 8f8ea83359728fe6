#include "generator/generator.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generator/listen.h"
#include "generator/settings.h"

typedef struct Row {
        const char *key;
        const char *tcp_unit;  /* NULL: no TCP socket is configured with this key */
        const char *unix_unit; /* NULL: the Unix socket's path is fixed, other units know it */
        bool enable;           /* the TCP socket is off unless it is configured */
} Row;

typedef struct Source {
        const char *file;
        const Row *rows; /* of two keys with one unit, the later wins */
        size_t n_rows;
} Source;

static const Row superlink_rows[] = {
        {"fleet-api-address", "flower-superlink-fleet.socket", NULL, false},
        {"exec-api-address", "flower-superlink-control-tcp.socket", "flower-superlink-control.socket", true},
        {"control-api-address", "flower-superlink-control-tcp.socket", "flower-superlink-control.socket",
                true},
        {"serverappio-api-address", "flower-superlink-serverappio-tcp.socket", NULL, false},
};
static const Row supernode_rows[] = {
        {"clientappio-api-address", "flower-supernode-clientappio-tcp.socket", NULL, false},
};
static const Source sources[] = {
        {"superlink.toml", superlink_rows, ELEMENTSOF(superlink_rows)},
        {"supernode.toml", supernode_rows, ELEMENTSOF(supernode_rows)},
};
#define ROWS_MAX ELEMENTSOF(superlink_rows)

typedef struct Generator {
        const char *confdir, *unitdir, *outdir;
        GeneratorLog log;
        void *userdata;
} Generator;

static void tell(const Generator *g, const char *fmt, ...) _printf_(2, 3);
static void tell(const Generator *g, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n >= 0)
                g->log(g->userdata, text);
}

static int make_directory(const char *path)
{
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_dropin(const Generator *g, const char *unit, const char *key, const Listen *l)
{
        _cleanup_free_ char *dir = xasprintf("%s/%s.d", g->outdir, unit), *path = NULL;
        FILE *f;
        int r;

        path = dir ? xasprintf("%s/" GENERATOR_DROPIN, dir) : NULL;
        if (!path)
                return -ENOMEM;
        r = make_directory(dir);
        if (r < 0)
                return r;
        f = fopen(path, "we");
        if (!f)
                return -errno;
        fprintf(f, "# Made by flwr-generator from %s in %s.\n[Socket]\nListenStream=\n", key, g->confdir);
        for (size_t i = 0; i < l->n; i++)
                fprintf(f, "ListenStream=%s\n", l->text[i]);
        /* The address may come later than the socket. */
        if (!l->is_unix)
                fputs("FreeBind=yes\n", f);
        return fclose(f) == 0 ? 0 : -errno;
}

static int enable_unit(const Generator *g, const char *unit)
{
        _cleanup_free_ char *dir = xasprintf("%s/sockets.target.wants", g->outdir), *link = NULL,
                            *target = NULL;
        int r;

        link = dir ? xasprintf("%s/%s", dir, unit) : NULL;
        target = xasprintf("%s/%s", g->unitdir, unit);
        if (!link || !target)
                return -ENOMEM;
        r = make_directory(dir);
        if (r < 0)
                return r;
        return symlink(target, link) < 0 && errno != EEXIST ? -errno : 0;
}

static int apply(const Generator *g, const char *file, const Row *row, const char *value)
{
        const char *unit;
        Listen l;
        int r;

        r = listen_parse(value, &l);
        if (r < 0) {
                tell(g, "%s: %s = \"%s\": %s", file, row->key, value,
                        r == -ENXIO ? "names are not resolved here, write an IP address"
                                    : "no address to listen on");
                return 0;
        }
        unit = l.is_unix ? row->unix_unit : row->tcp_unit;
        if (!unit) {
                tell(g, "%s: %s = \"%s\": not a TCP address, ignoring", file, row->key, value);
                return 0;
        }
        r = write_dropin(g, unit, row->key, &l);
        if (r >= 0 && row->enable && !l.is_unix)
                r = enable_unit(g, unit);
        return r;
}

static int run_source(const Generator *g, const Source *s)
{
        _cleanup_free_ char *file = xasprintf("%s/%s", g->confdir, s->file), *problem = NULL;
        Setting settings[ROWS_MAX] = {};
        int r;

        if (!file)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_rows; i++)
                settings[i].key = s->rows[i].key;
        r = settings_read(file, settings, s->n_rows, &problem);
        if (r == -EBADMSG)
                tell(g, "%s; all sockets of %s keep their own addresses", problem, file);
        for (size_t i = 0; r >= 0 && i < s->n_rows; i++)
                if (settings[i].value)
                        r = apply(g, file, &s->rows[i], settings[i].value);
        settings_done(settings, s->n_rows);
        return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

int generator_run(
        const char *confdir, const char *unitdir, const char *outdir, GeneratorLog log, void *userdata)
{
        Generator g = {confdir, unitdir, outdir, log, userdata};
        int result = 0;

        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                int r = run_source(&g, &sources[i]);

                result = result < 0 ? result : r;
        }
        return result;
}
