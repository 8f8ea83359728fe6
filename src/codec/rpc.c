#include "codec/rpc.h"

#include <assert.h>

#include "codec/rpc-kind.h"

static const RpcKindRow *find_row(RpcKind kind)
{
        static const RpcKindRow *(*const files[])(RpcKind) = {
                rpc_node_row,
                rpc_object_row,
                rpc_messages_row,
                rpc_run_row,
                rpc_app_row,
                rpc_control_row,
                rpc_federation_row,
                rpc_native_row,
        };

        assert(kind >= 0 && kind < _RPC_KIND_MAX);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                const RpcKindRow *row = files[i](kind);
                if (row)
                        return row;
        }
        return NULL;
}

static int decode(RpcDecoder *d, const RpcKindRow *row, void *ret)
{
        void *proto = NULL;
        int r;

        if (row->cuts[0] != 0) {
                memcpy(d->envelope.numbers, row->cuts, sizeof(row->cuts));
                r = rpc_decoder_split(d, &d->envelope, d->wire);
                if (r < 0)
                        return r;
        }
        if (row->type) {
                r = rpc_decoder_unpack(d, row->type, d->envelope.rest ? d->envelope.rest : d->wire, &proto);
                if (r < 0)
                        return r;
        }
        return row->decode(d, proto, ret);
}

int rpc_decode(RpcKind kind, Blob *wire, void **ret, char **reterr_text)
{
        const RpcKindRow *row = find_row(kind);
        if (!row) {
                *ret = NULL;
                return 0;
        }

        _cleanup_blob_ Blob *bytes = wire ? blob_ref(wire) : blob_new(NULL, 0);
        void *message = rpc_new(kind);
        if (!bytes || !message) {
                free(message);
                return -ENOMEM;
        }

        _cleanup_decoder_ RpcDecoder d;
        rpc_decoder_init(&d, row->name, bytes);
        int r = decode(&d, row, message);
        if (r < 0) {
                rpc_free(kind, message);
                if (r == -EBADMSG)
                        *reterr_text = TAKE_PTR(d.error);
                return r;
        }
        *ret = d.absent ? rpc_free(kind, message) : message;
        return 0;
}

int rpc_encode(RpcKind kind, const void *message, BlobVec *ret)
{
        const RpcKindRow *row = find_row(kind);
        if (!row) {
                *ret = (BlobVec){0};
                return 0;
        }

        _cleanup_encoder_ RpcEncoder e;
        rpc_encoder_init(&e);
        int r = row->encode(&e, message);
        if (r >= 0)
                r = rpc_encoder_finish(&e, ret);
        return r < 0 ? -ENOMEM : 0;
}

void *rpc_free(RpcKind kind, void *message)
{
        if (!message)
                return NULL;

        const RpcKindRow *row = find_row(kind);
        if (row && row->done)
                row->done(message);
        free(message);
        return NULL;
}

size_t rpc_struct_size(RpcKind kind)
{
        const RpcKindRow *row = find_row(kind);
        return row ? row->size : 0;
}

void *rpc_new(RpcKind kind)
{
        return calloc(1, MAX(rpc_struct_size(kind), (size_t) 1));
}

RpcReply *rpc_reply_new(RpcKind kind, void *message)
{
        RpcReply *r = new0(RpcReply, 1);
        if (!r) {
                rpc_free(kind, message);
                return NULL;
        }
        *r = (RpcReply){.kind = kind, .message = message};
        return r;
}

int rpc_reply_encode(const void *rpc_reply, BlobVec *ret)
{
        const RpcReply *r = rpc_reply;
        return rpc_encode(r->kind, r->message, ret);
}

void rpc_reply_free(void *rpc_reply)
{
        RpcReply *r = rpc_reply;

        if (!r)
                return;
        rpc_free(r->kind, r->message);
        free(r);
}
