/* The Node message, which is but an id. */
#pragma once

#include "codec/proto/common.pb-c.h"

static inline uint64_t proto_node_id(const Flwr__Proto__Node *n)
{
        return n ? n->node_id : 0;
}

static inline Flwr__Proto__Node proto_node(uint64_t id)
{
        Flwr__Proto__Node n = FLWR__PROTO__NODE__INIT;
        n.node_id = id;
        return n;
}
