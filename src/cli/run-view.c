#include <json-c/json.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/run-view.h"

static inline void unref_tablep(struct libscols_table **tb)
{
        scols_unref_table(*tb);
}
#define _cleanup_table_ _cleanup_(unref_tablep)

char *run_time_format(usec_t t, char buf[static RUN_TIME_MAX])
{
        time_t seconds = (time_t) (t / USEC_PER_SEC);
        struct tm tm;

        if (t == 0 || !gmtime_r(&seconds, &tm) ||
                strftime(buf, RUN_TIME_MAX, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
                return strcpy(buf, "N/A");
        return buf;
}

char *run_duration_format(double seconds, char buf[static RUN_DURATION_MAX])
{
        unsigned long long s = seconds > 0 && seconds < 1e15 ? (unsigned long long) seconds : 0;

        if (s < 90)
                (void) snprintf(buf, RUN_DURATION_MAX, "%llus", s);
        else if (s < 3600)
                (void) snprintf(buf, RUN_DURATION_MAX, "%llum %llus", s / 60, s % 60);
        else if (s < 86400)
                (void) snprintf(buf, RUN_DURATION_MAX, "%lluh %llum", s / 3600, s / 60 % 60);
        else
                (void) snprintf(buf, RUN_DURATION_MAX, "%llud %lluh", s / 86400, s / 3600 % 24);
        return buf;
}

char *run_bytes_format(uint64_t n, char buf[static RUN_DURATION_MAX])
{
        static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
        double v = (double) n;
        size_t i = 0;

        while (v >= 1024 && i + 1 < ELEMENTSOF(units)) {
                v /= 1024;
                i++;
        }
        (void) snprintf(buf, RUN_DURATION_MAX, "%.*f %s", i > 0 && v < 10 ? 1 : 0, v, units[i]);
        return buf;
}

double run_elapsed(const Run *r, usec_t now)
{
        usec_t end = r->finished_at > 0 ? r->finished_at : now;

        return r->running_at > 0 && end > r->running_at ? usec_to_seconds(end - r->running_at) : 0;
}

static int compare_pending(const void *a, const void *b)
{
        const Run *x = *(Run *const *) a, *y = *(Run *const *) b;

        return x->pending_at == y->pending_at ? 0 : x->pending_at < y->pending_at ? 1 : -1;
}

void runs_sort_newest_first(Run **runs, size_t n)
{
        if (n > 0)
                qsort(runs, n, sizeof(*runs), compare_pending);
}

static usec_t changed_at(const Run *r)
{
        return MAX(MAX(r->pending_at, r->starting_at), MAX(r->running_at, r->finished_at));
}

static char *status_text(const Run *r)
{
        return xasprintf("%s%s%s", run_status_to_string(r->status), r->sub_status == RUN_SUB_NONE ? "" : ":",
                run_sub_status_to_string(r->sub_status));
}

static char *app_text(const Run *r)
{
        return isempty(r->fab_id) ? strdup("N/A")
                                  : xasprintf("@%s==%s", r->fab_id, strempty(r->fab_version));
}

static const char *status_color(const Run *r)
{
        if (r->status != RUN_FINISHED)
                return r->status == RUN_PENDING ? NULL : "blue";
        return r->sub_status == RUN_COMPLETED ? "green" : r->sub_status == RUN_STOPPED ? "yellow" : "red";
}

static struct libscols_table *table_new(const char *const *columns, size_t n)
{
        struct libscols_table *tb = scols_new_table();

        for (size_t i = 0; tb && i < n; i++)
                if (!scols_table_new_column(tb, columns[i], 0, 0)) {
                        scols_unref_table(tb);
                        return NULL;
                }
        if (tb)
                scols_table_enable_colors(tb, isatty(STDOUT_FILENO));
        return tb;
}

/* cells: n strings, NULL when one could not be made. */
static struct libscols_line *add_line(struct libscols_table *tb, const char *const *cells, size_t n)
{
        struct libscols_line *line = scols_table_new_line(tb, NULL);

        for (size_t i = 0; line && i < n; i++)
                if (!cells[i] || scols_line_set_data(line, i, cells[i]) < 0)
                        return NULL;
        return line;
}

static int print_table(struct libscols_table *tb)
{
        int r = scols_print_table(tb);

        fflush(stdout);
        return r < 0 ? report_errno(FORMAT_DEFAULT, r, NULL) : 0;
}

int runs_print_table(Run *const *runs, size_t n, usec_t now)
{
        static const char *const columns[] = {
                "Run ID", "Federation", "App", "Status", "Elapsed", "Status Changed @"};
        _cleanup_table_ struct libscols_table *tb = table_new(columns, ELEMENTSOF(columns));

        if (!tb)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);

        for (size_t i = 0; i < n; i++) {
                char id[24], elapsed[RUN_DURATION_MAX], changed[RUN_TIME_MAX];
                _cleanup_free_ char *app = app_text(runs[i]), *status = status_text(runs[i]);
                const char *cells[] = {id, strempty(runs[i]->federation), app, status,
                        run_duration_format(run_elapsed(runs[i], now), elapsed),
                        run_time_format(changed_at(runs[i]), changed)};
                struct libscols_line *line;

                (void) snprintf(id, sizeof(id), "%llu", (unsigned long long) runs[i]->run_id);
                line = add_line(tb, cells, ELEMENTSOF(cells));
                if (!line)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
                (void) scols_cell_set_color(scols_line_get_cell(line, 3), status_color(runs[i]));
        }
        return print_table(tb);
}

int run_print_details(const Run *r, usec_t now)
{
        static const char *const columns[] = {"NAME", "VALUE"};
        _cleanup_table_ struct libscols_table *tb = table_new(columns, ELEMENTSOF(columns));
        _cleanup_free_ char *app = app_text(r), *status = status_text(r);
        char id[24], hash[OBJECT_ID_HEX_MAX], elapsed[RUN_DURATION_MAX], times[4][RUN_TIME_MAX],
                bytes[3][RUN_DURATION_MAX], seconds[3][RUN_DURATION_MAX];
        double serverapp = run_elapsed(r, now);
        const char *rows[][2] = {
                {"Run ID", id},
                {"Federation", strempty(r->federation)},
                {"App", app},
                {"FAB Hash", object_id_format(&r->fab_hash, hash)},
                {"Status", status},
                {"Details", strempty(r->details)},
                {"Elapsed", run_duration_format(serverapp, elapsed)},
                {"Pending At", run_time_format(r->pending_at, times[0])},
                {"Starting At", run_time_format(r->starting_at, times[1])},
                {"Running At", run_time_format(r->running_at, times[2])},
                {"Finished At", run_time_format(r->finished_at, times[3])},
                {"Network traffic (inbound)", run_bytes_format(r->bytes_recv, bytes[0])},
                {"Network traffic (outbound)", run_bytes_format(r->bytes_sent, bytes[1])},
                {"Network traffic (total)", run_bytes_format(r->bytes_recv + r->bytes_sent, bytes[2])},
                {"Compute Time (ServerApp)", run_duration_format(serverapp, seconds[0])},
                {"Compute Time (ClientApp)", run_duration_format(r->clientapp_runtime, seconds[1])},
                {"Compute Time (total)", run_duration_format(serverapp + r->clientapp_runtime, seconds[2])},
        };

        (void) snprintf(id, sizeof(id), "%llu", (unsigned long long) r->run_id);
        if (!tb)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        scols_table_enable_noheadings(tb, 1);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (!add_line(tb, rows[i], 2))
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        return print_table(tb);
}

/* Collects one object; after the first failure every call does nothing and object is NULL. */
static void add(Json **object, const char *key, Json *value)
{
        if (*object && value && json_object_object_add(*object, key, value) == 0)
                return;
        json_object_put(value);
        json_object_put(*object);
        *object = NULL;
}

static void add_string(Json **object, const char *key, const char *value)
{
        add(object, key, value ? json_object_new_string(value) : NULL);
}

static void add_time(Json **object, const char *key, usec_t t)
{
        char buf[RUN_TIME_MAX];

        add_string(object, key, run_time_format(t, buf));
}

static Json *traffic_json(const Run *r)
{
        Json *o = json_object_new_object();

        add(&o, "inbound-bytes", json_object_new_uint64(r->bytes_recv));
        add(&o, "outbound-bytes", json_object_new_uint64(r->bytes_sent));
        add(&o, "total-bytes", json_object_new_uint64(r->bytes_recv + r->bytes_sent));
        return o;
}

static Json *compute_json(const Run *r, double serverapp)
{
        Json *o = json_object_new_object();

        add(&o, "serverapp-seconds", json_object_new_double(serverapp));
        add(&o, "clientapp-seconds", json_object_new_double(r->clientapp_runtime));
        add(&o, "total-seconds", json_object_new_double(serverapp + r->clientapp_runtime));
        return o;
}

/* The members of Flower 1.25: run ids are strings, since 64 bits do not survive every JSON reader as
 * numbers. */
static Json *run_json(const Run *r, usec_t now)
{
        _cleanup_free_ char *status = status_text(r),
                            *id = xasprintf("%llu", (unsigned long long) r->run_id);
        const char *slash = r->fab_id ? strrchr(r->fab_id, '/') : NULL;
        double serverapp = run_elapsed(r, now);
        char hash[OBJECT_ID_HEX_MAX];
        Json *o = json_object_new_object();

        object_id_format(&r->fab_hash, hash);
        hash[MIN(strlen(hash), 8u)] = 0;
        add_string(&o, "run-id", id);
        add_string(&o, "federation", strempty(r->federation));
        add_string(&o, "fab-id", strempty(r->fab_id));
        add_string(&o, "fab-name", slash ? slash + 1 : strempty(r->fab_id));
        add_string(&o, "fab-version", strempty(r->fab_version));
        add_string(&o, "fab-hash", hash);
        add_string(&o, "status", status);
        add_string(&o, "details", strempty(r->details));
        add(&o, "elapsed", json_object_new_double(serverapp));
        add_time(&o, "pending-at", r->pending_at);
        add_time(&o, "starting-at", r->starting_at);
        add_time(&o, "running-at", r->running_at);
        add_time(&o, "finished-at", r->finished_at);
        add(&o, "network-traffic", traffic_json(r));
        add(&o, "compute-time", compute_json(r, serverapp));
        return o;
}

int runs_print_json(Run *const *runs, size_t n, usec_t now)
{
        Json *list = json_object_new_array(), *document = json_object_new_object();

        for (size_t i = 0; list && i < n; i++) {
                Json *run = run_json(runs[i], now);

                if (!run || json_object_array_add(list, run) < 0) {
                        json_object_put(run);
                        json_object_put(list);
                        list = NULL;
                }
        }
        add(&document, "success", json_object_new_boolean(true));
        add(&document, "runs", list);
        return report_json(document);
}
