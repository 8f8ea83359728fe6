/* Nodes as tables and as JSON. Functions return 0 or the status of a reported error. */
#pragma once

#include "cli/report.h"
#include "codec/rpc.h"

/* Seconds of its last time online, to now (the hub's) or to its end; 0 if it never was. */
double node_elapsed(const NodeInfo *n, usec_t now);
bool node_is_unregistered(const NodeInfo *n);
const char *node_status_color(const NodeInfo *n);

void nodes_sort_oldest_first(NodeInfo *nodes, size_t n);
/* all: unregistered ones, too. */
int nodes_print_table(const NodeInfo *nodes, size_t n, usec_t now, bool all);
int nodes_print_json(const NodeInfo *nodes, size_t n, usec_t now);
