/* Context of an app in a run. The hub keeps it as bytes (codec/rpc.h passes them through); apps and nodes
 * see this. */
#pragma once

#include "model/config.h"
#include "model/record.h"

typedef struct Context {
        uint64_t run_id;
        uint64_t node_id;
        Config node_config;
        RecordDict *state; /* never NULL after context_init() or decoding */
        Config run_config;
} Context;

int context_init(Context *c, uint64_t run_id, uint64_t node_id);
void context_done(Context *c);
#define _cleanup_context_ _cleanup_(context_done)
