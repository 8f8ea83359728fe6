/* EnrolRequest, and NodeReply as its answer. */
#include "base/text.h"
#include "codec/proto/native.pb-c.h"
#include "codec/rpc-kind.h"
#include "model/key.h"

static int decode_enrol(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Native__EnrolRequest *p = proto;
        EnrolRequest *m = ret;
        int r;

        if (p->public_key.len == 0 || p->public_key.len > KEY_PEM_SIZE_MAX ||
                !utf8_is_valid(p->public_key.data, p->public_key.len))
                return rpc_decoder_refuse(d, "public_key", "a public key in PEM is expected");
        m->public_key = strndup((const char *) p->public_key.data, p->public_key.len);
        if (!m->public_key)
                return -ENOMEM;
        r = rpc_decode_string(p->token_id, &m->token_id);
        return r < 0 ? r : rpc_decode_string(p->secret, &m->secret);
}

static int encode_enrol(RpcEncoder *e, const void *message)
{
        const EnrolRequest *m = message;
        Flwr__Native__EnrolRequest p = FLWR__NATIVE__ENROL_REQUEST__INIT;

        p.public_key = (ProtobufCBinaryData){strlen(strempty(m->public_key)), (uint8_t *) m->public_key};
        p.token_id = rpc_encode_string(m->token_id);
        p.secret = rpc_encode_string(m->secret);
        return rpc_encode_message(e, &p.base);
}

static void enrol_done(void *message)
{
        EnrolRequest *m = message;

        m->public_key = mfree(m->public_key);
        m->token_id = mfree(m->token_id);
        if (m->secret)
                explicit_bzero(m->secret, strlen(m->secret));
        m->secret = mfree(m->secret);
}

static int decode_enrolled(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Native__EnrolResponse *p = proto;
        NodeReply *m = ret;

        m->node_id = p->node_id;
        return 0;
}

static int encode_enrolled(RpcEncoder *e, const void *message)
{
        const NodeReply *m = message;
        Flwr__Native__EnrolResponse p = FLWR__NATIVE__ENROL_RESPONSE__INIT;

        p.node_id = m->node_id;
        return rpc_encode_message(e, &p.base);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_ENROL_REQUEST] = {.name = "EnrolRequest",
                .size = sizeof(EnrolRequest),
                .type = &flwr__native__enrol_request__descriptor,
                .decode = decode_enrol,
                .encode = encode_enrol,
                .done = enrol_done},
        [RPC_ENROL_RESPONSE] = {.name = "EnrolResponse",
                .size = sizeof(NodeReply),
                .type = &flwr__native__enrol_response__descriptor,
                .decode = decode_enrolled,
                .encode = encode_enrolled},
};

const RpcKindRow *rpc_native_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
