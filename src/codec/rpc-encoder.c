#include "codec/rpc-encoder.h"

#include "codec/proto-scan.h"

void rpc_encoder_init(RpcEncoder *e)
{
        *e = (RpcEncoder){0};
        rpc_arena_init(&e->arena, SIZE_MAX);
}

void rpc_encoder_done(RpcEncoder *e)
{
        rpc_arena_done(&e->arena);
        buf_done(&e->buf);
        blobvec_done(&e->out);
}

static int flush(RpcEncoder *e)
{
        if (e->buf.size == 0)
                return 0;
        return blobvec_append(&e->out, buf_steal_blob(&e->buf));
}

int rpc_encoder_finish(RpcEncoder *e, BlobVec *ret)
{
        int r = flush(e);
        if (r < 0)
                return r;
        *ret = e->out;
        e->out = (BlobVec){0};
        return 0;
}

int rpc_encode_message(RpcEncoder *e, const ProtobufCMessage *m)
{
        size_t size = protobuf_c_message_get_packed_size(m);

        int r = buf_reserve(&e->buf, size);
        if (r < 0)
                return r;
        if (size > 0)
                e->buf.size += protobuf_c_message_pack(m, e->buf.data + e->buf.size);
        return 0;
}

size_t rpc_encode_head_size(uint32_t number, size_t size)
{
        uint8_t v[PROTO_VARINT_MAX];

        return proto_varint_write((uint64_t) number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, v) +
               proto_varint_write(size, v);
}

int rpc_encode_head(RpcEncoder *e, uint32_t number, size_t size)
{
        uint8_t v[2 * PROTO_VARINT_MAX];

        size_t n = proto_varint_write((uint64_t) number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, v);
        n += proto_varint_write(size, v + n);
        return buf_append(&e->buf, v, n);
}

int rpc_encode_bytes(RpcEncoder *e, uint32_t number, Blob *b)
{
        if (!b)
                return 0;

        int r = rpc_encode_head(e, number, b->size);
        if (r < 0 || b->size == 0)
                return r;
        r = flush(e);
        if (r < 0)
                return r;
        return blobvec_append(&e->out, blob_ref(b));
}

int rpc_encode_parts(RpcEncoder *e, uint32_t number, const BlobVec *parts)
{
        int r = rpc_encode_head(e, number, blobvec_size(parts));

        if (r >= 0)
                r = flush(e);
        for (unsigned i = 0; r >= 0 && i < parts->n; i++)
                if (parts->v[i]->size > 0)
                        r = blobvec_append(&e->out, blob_ref(parts->v[i]));
        return r;
}

char *rpc_encode_string(const char *s)
{
        return s ? (char *) s : (char *) protobuf_c_empty_string;
}

char *rpc_encode_id(RpcEncoder *e, const ObjectId *id)
{
        char *s = rpc_arena_alloc(&e->arena, 1, OBJECT_ID_HEX_MAX);
        return s ? object_id_format(id, s) : NULL;
}

int rpc_encode_ids(RpcEncoder *e, const ObjectId *ids, size_t n, char ***ret)
{
        char **s = rpc_arena_alloc(&e->arena, n, sizeof(char *));
        if (!s)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                s[i] = rpc_encode_id(e, &ids[i]);
                if (!s[i])
                        return -ENOMEM;
        }
        *ret = s;
        return 0;
}
