#include "codec/rpc-decoder.h"

#include "base/text.h"
#include "codec/limits.h"
#include "codec/proto-scan.h"
#include "model/key.h"

void rpc_decoder_init(RpcDecoder *d, const char *name, Blob *wire)
{
        *d = (RpcDecoder){.name = name, .wire = wire};
        rpc_arena_init(&d->arena, RPC_ARENA_SLACK);
}

void rpc_decoder_done(RpcDecoder *d)
{
        envelope_done(&d->envelope);
        rpc_arena_done(&d->arena);
        d->error = mfree(d->error);
}

int rpc_decoder_refuse(RpcDecoder *d, const char *field, const char *text)
{
        free(d->error);
        d->error = xasprintf("%s%s%s: %s", d->name, field ? "." : "", strempty(field), text);
        return -EBADMSG;
}

int rpc_decoder_unpack(RpcDecoder *d, const ProtobufCMessageDescriptor *type, const Blob *wire, void **ret)
{
        _cleanup_free_ char *text = NULL;

        int r = proto_scan(type, wire->data, wire->size, &text);
        if (r == -EBADMSG)
                return rpc_decoder_refuse(d, NULL, strempty(text));
        if (r < 0)
                return r;

        size_t more;
        if (__builtin_mul_overflow(wire->size, RPC_ARENA_FACTOR, &more) ||
                __builtin_add_overflow(d->arena.limit, more, &d->arena.limit))
                d->arena.limit = SIZE_MAX;
        void *m = protobuf_c_message_unpack(type, &d->arena.allocator, wire->size, wire->data);
        if (!m) {
                if (d->arena.error == -ENOMEM)
                        return -ENOMEM;
                return rpc_decoder_refuse(d, NULL,
                        d->arena.error < 0 ? "too many small items" : "a field has an unexpected type");
        }
        *ret = m;
        return 0;
}

int rpc_decoder_split(RpcDecoder *d, Envelope *e, Blob *wire)
{
        const char *text = NULL;

        int r = envelope_split(e, wire, &text);
        return r == -EBADMSG ? rpc_decoder_refuse(d, NULL, text) : r;
}

int rpc_decode_string(const char *s, char **ret)
{
        char *copy = strdup(strempty(s));
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

int rpc_decode_token(RpcDecoder *d, const char *s, char **ret)
{
        if (isempty(s)) {
                *ret = NULL;
                return 0;
        }
        if (strlen(s) > RPC_TOKEN_LENGTH_MAX)
                return rpc_decoder_refuse(d, "token", "too long");
        return rpc_decode_string(s, ret);
}

int rpc_decode_public_key(RpcDecoder *d, const ProtobufCBinaryData *b, char **ret)
{
        if (b->len == 0)
                return 0;
        if (b->len > KEY_PEM_SIZE_MAX || !utf8_is_valid(b->data, b->len))
                return rpc_decoder_refuse(d, "public_key", "a public key in PEM is expected");
        *ret = strndup((const char *) b->data, b->len);
        return *ret ? 0 : -ENOMEM;
}

int rpc_decode_id(RpcDecoder *d, const char *field, const char *s, bool none_allowed, ObjectId *ret)
{
        ObjectId id;

        int r = object_id_parse(s, &id);
        if (r < 0 || (!none_allowed && isempty(s)))
                return rpc_decoder_refuse(d, field, "an id of 64 hexadecimal digits is expected");
        *ret = id;
        return 0;
}

int rpc_decode_ids(RpcDecoder *d, const char *field, char *const *s, size_t n, bool none_allowed,
        ObjectId **ret, size_t *ret_n)
{
        if (n == 0) {
                *ret = NULL;
                *ret_n = 0;
                return 0;
        }

        _cleanup_free_ ObjectId *ids = new0(ObjectId, n);
        if (!ids)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = rpc_decode_id(d, field, s[i], none_allowed, &ids[i]);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}
