#include "codec/context-codec.h"

#include "base/log.h"
#include "codec/proto-config.h"
#include "codec/proto/record.pb-c.h"
#include "codec/record-codec.h"

#define STATE_NUMBER                                                                                        \
        4 /* of Context.state; the state is encoded by hand, between the two halves of the rest */

static int append_head(RpcEncoder *e, const Context *c)
{
        Flwr__Proto__Context p = FLWR__PROTO__CONTEXT__INIT;
        int r;

        p.run_id = c->run_id;
        p.node_id = c->node_id;
        r = proto_config_encode(e, &c->node_config, &p.node_config, &p.n_node_config);
        return r < 0 ? r : rpc_encode_message(e, &p.base);
}

static int append_tail(RpcEncoder *e, const Context *c)
{
        Flwr__Proto__Context p = FLWR__PROTO__CONTEXT__INIT;
        int r;

        r = proto_config_encode(e, &c->run_config, &p.run_config, &p.n_run_config);
        return r < 0 ? r : rpc_encode_message(e, &p.base);
}

int context_encode(const Context *c, Buf *ret)
{
        const size_t size = record_dict_size(c->state);
        _cleanup_encoder_ RpcEncoder e;
        int r;

        rpc_encoder_init(&e);
        r = append_head(&e, c);
        if (r >= 0)
                r = rpc_encode_head(&e, STATE_NUMBER, size);
        if (r >= 0)
                r = buf_append(ret, e.buf.data, e.buf.size);
        if (r >= 0)
                r = buf_reserve(ret, size);
        if (r >= 0)
                r = record_dict_encode(c->state, ret);
        if (r < 0)
                return r;

        e.buf.size = 0;
        r = append_tail(&e, c);
        return r < 0 ? r : buf_append(ret, e.buf.data, e.buf.size);
}

static int decode_state(Blob *state, RecordDict **ret)
{
        _cleanup_free_ char *text = NULL;
        int r;

        if (!state) {
                *ret = record_dict_new();
                return *ret ? 0 : -ENOMEM;
        }
        r = record_dict_decode_slices(state, state->data, state->size, ret, &text);
        if (r < 0)
                log_debug_errno(r, "Context.state: %s", strempty(text));
        return r;
}

static int decode_rest(RpcDecoder *d, Context *c)
{
        const Flwr__Proto__Context *p;
        void *m;
        int r;

        r = rpc_decoder_unpack(d, &flwr__proto__context__descriptor, d->envelope.rest, &m);
        if (r < 0)
                return r;
        p = m;
        c->run_id = p->run_id;
        c->node_id = p->node_id;
        r = proto_config_decode(d, p->node_config, p->n_node_config, &c->node_config);
        return r < 0 ? r : proto_config_decode(d, p->run_config, p->n_run_config, &c->run_config);
}

int context_decode(Blob *bytes, Context *ret)
{
        _cleanup_context_ Context c = {};
        _cleanup_decoder_ RpcDecoder d;
        int r;

        rpc_decoder_init(&d, "Context", bytes);
        d.envelope.numbers[0] = STATE_NUMBER;
        r = rpc_decoder_split(&d, &d.envelope, bytes);
        if (r >= 0)
                r = decode_rest(&d, &c);
        if (r < 0)
                return log_debug_errno(r, "%s", strempty(d.error));
        r = decode_state(d.envelope.cuts[0], &c.state);
        if (r < 0)
                return r;
        *ret = c;
        c = (Context){};
        return 0;
}
