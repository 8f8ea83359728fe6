#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

#include "cli/json-build.h"
#include "cli/run-view.h"
#include "cli/table.h"

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

char *run_status_text(const Run *r)
{
        return xasprintf("%s%s%s", run_status_to_string(r->status), r->sub_status == RUN_SUB_NONE ? "" : ":",
                run_sub_status_to_string(r->sub_status));
}

char *run_app_text(const Run *r)
{
        return isempty(r->fab_id) ? strdup("N/A")
                                  : xasprintf("@%s==%s", r->fab_id, strempty(r->fab_version));
}

const char *run_status_color(const Run *r)
{
        if (r->status != RUN_FINISHED)
                return r->status == RUN_PENDING ? NULL : "blue";
        return r->sub_status == RUN_COMPLETED ? "green" : r->sub_status == RUN_STOPPED ? "yellow" : "red";
}

int runs_print_table(Run *const *runs, size_t n, usec_t now)
{
        static const char *const columns[] = {
                "Run ID", "Federation", "App", "Status", "Elapsed", "Status Changed @"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));

        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);

        for (size_t i = 0; i < n; i++) {
                char id[24], elapsed[RUN_DURATION_MAX], changed[RUN_TIME_MAX];
                _cleanup_free_ char *app = run_app_text(runs[i]), *status = run_status_text(runs[i]);
                const char *cells[] = {id, strempty(runs[i]->federation), app, status,
                        run_duration_format(run_elapsed(runs[i], now), elapsed),
                        run_time_format(changed_at(runs[i]), changed)};

                (void) snprintf(id, sizeof(id), "%llu", (unsigned long long) runs[i]->run_id);
                if (table_add(t, cells, ELEMENTSOF(cells)) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
                table_color(t, 3, run_status_color(runs[i]));
        }
        return table_print(t);
}

int run_print_details(const Run *r, usec_t now)
{
        static const char *const columns[] = {"NAME", "VALUE"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));
        _cleanup_free_ char *app = run_app_text(r), *status = run_status_text(r);
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
        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        table_hide_head(t);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (table_add(t, rows[i], 2) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        return table_print(t);
}

void run_json_add_time(Json **object, const char *key, usec_t t)
{
        char buf[RUN_TIME_MAX];

        json_add_string(object, key, run_time_format(t, buf));
}

static Json *traffic_json(const Run *r)
{
        Json *o = json_object_new_object();

        json_add(&o, "inbound-bytes", json_object_new_uint64(r->bytes_recv));
        json_add(&o, "outbound-bytes", json_object_new_uint64(r->bytes_sent));
        json_add(&o, "total-bytes", json_object_new_uint64(r->bytes_recv + r->bytes_sent));
        return o;
}

static Json *compute_json(const Run *r, double serverapp)
{
        Json *o = json_object_new_object();

        json_add(&o, "serverapp-seconds", json_object_new_double(serverapp));
        json_add(&o, "clientapp-seconds", json_object_new_double(r->clientapp_runtime));
        json_add(&o, "total-seconds", json_object_new_double(serverapp + r->clientapp_runtime));
        return o;
}

/* The members of Flower 1.25. */
static Json *run_json(const Run *r, usec_t now)
{
        _cleanup_free_ char *status = run_status_text(r);
        const char *slash = r->fab_id ? strrchr(r->fab_id, '/') : NULL;
        double serverapp = run_elapsed(r, now);
        char hash[OBJECT_ID_HEX_MAX];
        Json *o = json_object_new_object();

        object_id_format(&r->fab_hash, hash);
        hash[MIN(strlen(hash), 8u)] = 0;
        json_add_id(&o, "run-id", r->run_id);
        json_add_string(&o, "federation", strempty(r->federation));
        json_add_string(&o, "fab-id", strempty(r->fab_id));
        json_add_string(&o, "fab-name", slash ? slash + 1 : strempty(r->fab_id));
        json_add_string(&o, "fab-version", strempty(r->fab_version));
        json_add_string(&o, "fab-hash", hash);
        json_add_string(&o, "status", status);
        json_add_string(&o, "details", strempty(r->details));
        json_add(&o, "elapsed", json_object_new_double(serverapp));
        run_json_add_time(&o, "pending-at", r->pending_at);
        run_json_add_time(&o, "starting-at", r->starting_at);
        run_json_add_time(&o, "running-at", r->running_at);
        run_json_add_time(&o, "finished-at", r->finished_at);
        json_add(&o, "network-traffic", traffic_json(r));
        json_add(&o, "compute-time", compute_json(r, serverapp));
        return o;
}

int runs_print_json(Run *const *runs, size_t n, usec_t now)
{
        Json *list = json_object_new_array(), *document = json_object_new_object();

        for (size_t i = 0; i < n; i++)
                json_append(&list, run_json(runs[i], now));
        json_add_bool(&document, "success", true);
        json_add(&document, "runs", list);
        return report_json(document);
}
