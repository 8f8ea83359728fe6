#include "codec/proto-config.h"

static int decode_scalar(RpcDecoder *d, const Flwr__Proto__Scalar *p, Scalar *ret)
{
        switch (p ? p->scalar_case : FLWR__PROTO__SCALAR__SCALAR__NOT_SET) {
        case FLWR__PROTO__SCALAR__SCALAR_DOUBLE_VALUE:
                *ret = (Scalar){.type = SCALAR_DOUBLE, .d = p->double_value};
                return 0;
        case FLWR__PROTO__SCALAR__SCALAR_UINT64_VALUE:
                *ret = (Scalar){.type = SCALAR_UINT64, .u = p->uint64_value};
                return 0;
        case FLWR__PROTO__SCALAR__SCALAR_SINT64_VALUE:
                *ret = (Scalar){.type = SCALAR_SINT64, .i = p->sint64_value};
                return 0;
        case FLWR__PROTO__SCALAR__SCALAR_BOOL_VALUE:
                *ret = (Scalar){.type = SCALAR_BOOL, .b = p->bool_value};
                return 0;
        case FLWR__PROTO__SCALAR__SCALAR_STRING_VALUE:
                *ret = (Scalar){.type = SCALAR_STRING, .s = strdup(p->string_value)};
                return ret->s ? 0 : -ENOMEM;
        case FLWR__PROTO__SCALAR__SCALAR_BYTES_VALUE:
                *ret = (Scalar){
                        .type = SCALAR_BYTES, .bytes = blob_new(p->bytes_value.data, p->bytes_value.len)};
                return ret->bytes ? 0 : -ENOMEM;
        default:
                return rpc_decoder_refuse(d, "config", "a value has no type");
        }
}

int proto_config_decode(RpcDecoder *d, Flwr__Proto__ConfigEntry *const *entries, size_t n, Config *ret)
{
        for (size_t i = 0; i < n; i++) {
                Scalar value;

                int r = decode_scalar(d, entries[i]->value, &value);
                if (r < 0)
                        return r;
                r = config_set(ret, entries[i]->key, &value);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void encode_scalar(const Scalar *s, Flwr__Proto__Scalar *ret)
{
        *ret = (Flwr__Proto__Scalar) FLWR__PROTO__SCALAR__INIT;

        switch (s->type) {
        case SCALAR_DOUBLE:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_DOUBLE_VALUE;
                ret->double_value = s->d;
                break;
        case SCALAR_UINT64:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_UINT64_VALUE;
                ret->uint64_value = s->u;
                break;
        case SCALAR_SINT64:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_SINT64_VALUE;
                ret->sint64_value = s->i;
                break;
        case SCALAR_BOOL:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_BOOL_VALUE;
                ret->bool_value = s->b;
                break;
        case SCALAR_STRING:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_STRING_VALUE;
                ret->string_value = s->s;
                break;
        case SCALAR_BYTES:
        case _SCALAR_TYPE_MAX:
                ret->scalar_case = FLWR__PROTO__SCALAR__SCALAR_BYTES_VALUE;
                ret->bytes_value = (ProtobufCBinaryData){s->bytes->size, (uint8_t *) s->bytes->data};
                break;
        }
}

int proto_config_encode(RpcEncoder *e, const Config *c, Flwr__Proto__ConfigEntry ***ret, size_t *ret_n)
{
        Flwr__Proto__ConfigEntry **list = rpc_arena_alloc(&e->arena, c->n, sizeof(*list));
        Flwr__Proto__ConfigEntry *entries = rpc_arena_alloc(&e->arena, c->n, sizeof(*entries));
        Flwr__Proto__Scalar *values = rpc_arena_alloc(&e->arena, c->n, sizeof(*values));
        if (!list || !entries || !values)
                return -ENOMEM;

        for (size_t i = 0; i < c->n; i++) {
                encode_scalar(&c->entries[i].value, &values[i]);
                entries[i] = (Flwr__Proto__ConfigEntry) FLWR__PROTO__CONFIG_ENTRY__INIT;
                entries[i].key = c->entries[i].key;
                entries[i].value = &values[i];
                list[i] = &entries[i];
        }
        *ret = list;
        *ret_n = c->n;
        return 0;
}
