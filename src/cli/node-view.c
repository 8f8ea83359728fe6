#include "cli/node-view.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cli/json-build.h"
#include "cli/run-view.h"
#include "cli/table.h"

double node_elapsed(const NodeInfo *n, usec_t now)
{
        usec_t end = streq(n->status, "online") ? now : n->last_deactivated_at;

        return n->last_activated_at > 0 && end > n->last_activated_at
                       ? usec_to_seconds(end - n->last_activated_at)
                       : 0;
}

bool node_is_unregistered(const NodeInfo *n)
{
        return streq(n->status, "unregistered");
}

const char *node_status_color(const NodeInfo *n)
{
        static const char *const colors[][2] = {
                {"registered", "blue"}, {"online", "green"}, {"offline", "yellow"}, {"unregistered", "red"}};

        for (size_t i = 0; i < ELEMENTSOF(colors); i++)
                if (streq(n->status, colors[i][0]))
                        return colors[i][1];
        return NULL;
}

static usec_t changed_at(const NodeInfo *n)
{
        if (streq(n->status, "online"))
                return n->last_activated_at;
        if (streq(n->status, "offline"))
                return n->last_deactivated_at;
        return node_is_unregistered(n) ? n->unregistered_at : n->registered_at;
}

static int compare_registered(const void *a, const void *b)
{
        const NodeInfo *x = a, *y = b;

        if (x->registered_at != y->registered_at)
                return x->registered_at < y->registered_at ? -1 : 1;
        return x->node_id < y->node_id ? -1 : x->node_id > y->node_id;
}

void nodes_sort_oldest_first(NodeInfo *nodes, size_t n)
{
        if (n > 0)
                qsort(nodes, n, sizeof(*nodes), compare_registered);
}

int nodes_print_table(const NodeInfo *nodes, size_t n, usec_t now, bool all)
{
        static const char *const columns[] = {"Node ID", "Owner", "Status", "Elapsed", "Status Changed @"};
        _cleanup_table_ Table *t = table_new(columns, ELEMENTSOF(columns));

        if (!t)
                return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
        for (size_t i = 0; i < n; i++) {
                const NodeInfo *node = &nodes[i];
                char id[24], elapsed[RUN_DURATION_MAX] = "", changed[RUN_TIME_MAX];
                const char *cells[] = {id, isempty(node->owner_name) ? node->owner_aid : node->owner_name,
                        node->status, elapsed, run_time_format(changed_at(node), changed)};

                if (node_is_unregistered(node) && !all)
                        continue;
                (void) snprintf(id, sizeof(id), "%" PRIu64, node->node_id);
                if (streq(node->status, "online"))
                        run_duration_format(node_elapsed(node, now), elapsed);
                if (table_add(t, cells, ELEMENTSOF(cells)) < 0)
                        return report_errno(FORMAT_DEFAULT, ENOMEM, NULL);
                table_color(t, 2, node_status_color(node));
        }
        return table_print(t);
}

/* The members of Flower 1.25. */
static Json *node_json(const NodeInfo *n, usec_t now)
{
        Json *o = json_object_new_object();

        json_add_id(&o, "node-id", n->node_id);
        json_add_string(&o, "owner-aid", n->owner_aid);
        json_add_string(&o, "owner-name", n->owner_name);
        json_add_string(&o, "status", n->status);
        run_json_add_time(&o, "created-at", n->registered_at);
        run_json_add_time(&o, "online-at", n->last_activated_at);
        json_add(&o, "online-elapsed", json_object_new_double(node_elapsed(n, now)));
        run_json_add_time(&o, "offline-at", n->last_deactivated_at);
        run_json_add_time(&o, "deleted-at", n->unregistered_at);
        return o;
}

int nodes_print_json(const NodeInfo *nodes, size_t n, usec_t now)
{
        Json *list = json_object_new_array(), *document = json_object_new_object();

        for (size_t i = 0; i < n; i++)
                json_append(&list, node_json(&nodes[i], now));
        json_add_bool(&document, "success", true);
        json_add(&document, "nodes", list);
        return report_json(document);
}
