#include "cli/federation-view.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cli/json-build.h"
#include "cli/node-view.h"
#include "cli/run-view.h"
#include "cli/table.h"

int federations_print_table(const Federation *federations, size_t n, bool all)
{
        static const char *const columns[] = {"Federation", "Description", "Status"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));

        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        for (size_t i = 0; i < n; i++) {
                const Federation *f = &federations[i];
                const char *cells[] = {f->name, f->description, f->archived ? "archived" : "active"};

                if (f->archived && !all)
                        continue;
                if (table_add(t, cells, ELEMENTSOF(cells)) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        }
        return table_print(t);
}

int federations_print_json(const Federation *federations, size_t n)
{
        Json *list = json_object_new_array(), *document = json_object_new_object();

        for (size_t i = 0; i < n; i++) {
                Json *o = json_object_new_object();

                json_add_string(&o, "name", federations[i].name);
                json_add_string(&o, "description", federations[i].description);
                json_add_bool(&o, "archived", federations[i].archived);
                json_append(&list, o);
        }
        json_add_bool(&document, "success", true);
        json_add(&document, "federations", list);
        return report_json(document);
}

static const char *member_name(const FederationMember *m)
{
        return isempty(m->account_name) ? m->account_id : m->account_name;
}

/* Releases before 1.27 know no roles. */
static const char *member_role(const FederationMember *m)
{
        return isempty(m->role) ? "member" : m->role;
}

static int print_members(const Federation *f)
{
        static const char *const columns[] = {"Account Name", "Role"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));

        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        for (size_t i = 0; i < f->n_members; i++) {
                const char *cells[] = {member_name(&f->members[i]), member_role(&f->members[i])};

                if (table_add(t, cells, ELEMENTSOF(cells)) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        }
        return table_print(t);
}

static int print_runs(const Federation *f, usec_t now)
{
        static const char *const columns[] = {"Run ID", "App", "Status", "Elapsed"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));

        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        for (size_t i = 0; i < f->n_runs; i++) {
                char id[24], elapsed[RUN_DURATION_MAX];
                _cleanup_free_ char *app = run_app_text(f->runs[i]), *status = run_status_text(f->runs[i]);
                const char *cells[] = {
                        id, app, status, run_duration_format(run_elapsed(f->runs[i], now), elapsed)};

                (void) snprintf(id, sizeof(id), "%" PRIu64, f->runs[i]->run_id);
                if (table_add(t, cells, ELEMENTSOF(cells)) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
                table_color(t, 2, run_status_color(f->runs[i]));
        }
        return table_print(t);
}

int federation_print_details(const Federation *f, usec_t now)
{
        int r;

        report_line(FORMAT_DEFAULT, "Federation Members");
        r = print_members(f);
        if (r != 0)
                return r;
        report_line(FORMAT_DEFAULT, "\nSuperNodes in the Federation");
        r = nodes_print_table(f->nodes, f->n_nodes, now, false);
        if (r != 0)
                return r;
        report_line(FORMAT_DEFAULT, "\nRuns in the Federation");
        return print_runs(f, now);
}

static Json *members_json(const Federation *f)
{
        Json *list = json_object_new_array();

        for (size_t i = 0; i < f->n_members; i++) {
                Json *o = json_object_new_object();

                json_add_string(&o, "member_id", f->members[i].account_id);
                json_add_string(&o, "role", member_role(&f->members[i]));
                json_append(&list, o);
        }
        return list;
}

static Json *nodes_json(const Federation *f)
{
        Json *list = json_object_new_array();

        for (size_t i = 0; i < f->n_nodes; i++) {
                Json *o = json_object_new_object();

                json_add_id(&o, "node_id", f->nodes[i].node_id);
                json_add_string(&o, "owner", f->nodes[i].owner_name);
                json_add_string(&o, "status", f->nodes[i].status);
                json_append(&list, o);
        }
        return list;
}

static Json *runs_json(const Federation *f, usec_t now)
{
        Json *list = json_object_new_array();

        for (size_t i = 0; i < f->n_runs; i++) {
                _cleanup_free_ char *app = run_app_text(f->runs[i]), *status = run_status_text(f->runs[i]);
                Json *o = json_object_new_object();

                json_add_id(&o, "run_id", f->runs[i]->run_id);
                json_add_string(&o, "app", app);
                json_add_string(&o, "status", status);
                json_add(&o, "elapsed", json_object_new_double(run_elapsed(f->runs[i], now)));
                json_append(&list, o);
        }
        return list;
}

/* The members of Flower 1.27, underscores and all. */
int federation_print_json(const Federation *f, usec_t now)
{
        Json *o = json_object_new_object(), *document = json_object_new_object();

        json_add(&o, "members", members_json(f));
        json_add(&o, "nodes", nodes_json(f));
        json_add(&o, "runs", runs_json(f, now));
        json_add_bool(&o, "archived", f->archived);
        json_add_bool(&document, "success", true);
        json_add(&document, "federation", o);
        return report_json(document);
}
