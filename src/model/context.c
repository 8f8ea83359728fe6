#include "model/context.h"

int context_init(Context *c, uint64_t run_id, uint64_t node_id)
{
        RecordDict *state = record_dict_new();

        if (!state)
                return -ENOMEM;
        *c = (Context){.run_id = run_id, .node_id = node_id, .state = state};
        return 0;
}

void context_done(Context *c)
{
        config_done(&c->node_config);
        record_dict_free(c->state);
        config_done(&c->run_config);
        *c = (Context){};
}
