/* The key of a SuperNode of this host, its directory, and what joining adds. "node" is "supernode" or
 * "supernode@NAME". Everything logs its errors and returns -errno. */
#pragma once

#include "model/key.h"
#include "provision/place.h"

#define NODE_INSTANCE_MAX 64

/* "supernode", or "supernode@" and 1 to NODE_INSTANCE_MAX of letters, digits, "-", "_" and ".", no "." in
 * front. */
bool node_name_is_valid(const char *node);

/* /etc/flwr/keys/<node>/<file>; NULL when out of memory. */
char *node_path(const char *node, const char *file);
#define NODE_KEY "node.key"
#define NODE_PUBLIC_KEY "node.pub"
#define NODE_CA "superlink-ca.crt"
/* /etc/flwr/<node>.d/50-join.toml */
char *node_join_path(const char *node);

typedef enum NodeAction {
        NODE_KEEP,
        NODE_ROTATE,
        NODE_ADOPT,
} NodeAction;

/* With the lock held: makes what is missing, checks what is there. A machine that is a copy of one that has
 * joined is refused with -ESTALE. *ret may be NULL. */
int node_provision(const Place *p, const char *node, NodeAction action, NodeKey **ret);
int node_set_joined(const Place *p, const char *node);
void node_forget_joined(const Place *p, const char *node);
/* All that this program wrote for the node, but for the mark in its state. */
int node_remove(const Place *p, const char *node);
