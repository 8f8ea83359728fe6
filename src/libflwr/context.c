#include "libflwr/context-internal.h"

uint64_t flwr_context_run_id(const flwr_context *c)
{
        return context_of(c)->run_id;
}

uint64_t flwr_context_node_id(const flwr_context *c)
{
        return context_of(c)->node_id;
}

flwr_record_dict *flwr_context_state(const flwr_context *c)
{
        return dict_public(context_of(c)->state);
}

static int get_int(const Config *config, const char *key, int64_t *ret)
{
        const Scalar *s = config_get(config, key);

        if (!s)
                return -ENOENT;
        if (s->type == SCALAR_SINT64)
                *ret = s->i;
        else if (s->type == SCALAR_UINT64 && s->u <= INT64_MAX)
                *ret = (int64_t) s->u;
        else
                return -EINVAL;
        return 0;
}

static int get_double(const Config *config, const char *key, double *ret)
{
        const Scalar *s = config_get(config, key);

        if (!s)
                return -ENOENT;
        if (s->type == SCALAR_DOUBLE)
                *ret = s->d;
        else if (s->type == SCALAR_SINT64)
                *ret = (double) s->i;
        else if (s->type == SCALAR_UINT64)
                *ret = (double) s->u;
        else
                return -EINVAL;
        return 0;
}

static int get_bool(const Config *config, const char *key, int *ret)
{
        const Scalar *s = config_get(config, key);

        if (!s)
                return -ENOENT;
        if (s->type != SCALAR_BOOL)
                return -EINVAL;
        *ret = s->b;
        return 0;
}

static int get_string(const Config *config, const char *key, const char **ret)
{
        const Scalar *s = config_get(config, key);

        if (!s)
                return -ENOENT;
        if (s->type != SCALAR_STRING)
                return -EINVAL;
        *ret = s->s;
        return 0;
}

int flwr_context_run_config_int(const flwr_context *c, const char *key, int64_t *ret_value)
{
        return get_int(&context_of(c)->run_config, key, ret_value);
}

int flwr_context_run_config_double(const flwr_context *c, const char *key, double *ret_value)
{
        return get_double(&context_of(c)->run_config, key, ret_value);
}

int flwr_context_run_config_bool(const flwr_context *c, const char *key, int *ret_value)
{
        return get_bool(&context_of(c)->run_config, key, ret_value);
}

int flwr_context_run_config_string(const flwr_context *c, const char *key, const char **ret_value)
{
        return get_string(&context_of(c)->run_config, key, ret_value);
}

int flwr_context_node_config_int(const flwr_context *c, const char *key, int64_t *ret_value)
{
        return get_int(&context_of(c)->node_config, key, ret_value);
}

int flwr_context_node_config_double(const flwr_context *c, const char *key, double *ret_value)
{
        return get_double(&context_of(c)->node_config, key, ret_value);
}

int flwr_context_node_config_bool(const flwr_context *c, const char *key, int *ret_value)
{
        return get_bool(&context_of(c)->node_config, key, ret_value);
}

int flwr_context_node_config_string(const flwr_context *c, const char *key, const char **ret_value)
{
        return get_string(&context_of(c)->node_config, key, ret_value);
}
