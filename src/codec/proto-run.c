#include "codec/proto-run.h"

#include "codec/proto-config.h"

#define FAB_CONTENT 2

int proto_time_decode(RpcDecoder *d, const char *field, const char *s, usec_t *ret)
{
        if (isempty(s)) {
                *ret = 0;
                return 0;
        }
        int r = iso_time_parse(s, ret);
        return r < 0 ? rpc_decoder_refuse(d, field, "an ISO time with offset is expected") : 0;
}

static int decode_times(RpcDecoder *d, const Flwr__Proto__Run *p, Run *ret)
{
        int r = proto_time_decode(d, "pending_at", p->pending_at, &ret->pending_at);
        if (r < 0)
                return r;
        r = proto_time_decode(d, "starting_at", p->starting_at, &ret->starting_at);
        if (r < 0)
                return r;
        r = proto_time_decode(d, "running_at", p->running_at, &ret->running_at);
        if (r < 0)
                return r;
        return proto_time_decode(d, "finished_at", p->finished_at, &ret->finished_at);
}

static int decode_status(RpcDecoder *d, const Flwr__Proto__RunStatus *p, Run *ret)
{
        if (!p)
                return rpc_decode_string("", &ret->details);

        ret->status = isempty(p->status) ? RUN_PENDING : run_status_from_string(p->status);
        if ((int) ret->status < 0)
                return rpc_decoder_refuse(d, "status", "pending, starting, running or finished is expected");
        ret->sub_status = run_sub_status_from_string(p->sub_status);
        if ((int) ret->sub_status < 0)
                return rpc_decoder_refuse(
                        d, "sub_status", "completed, failed, stopped or nothing is expected");
        return rpc_decode_string(p->details, &ret->details);
}

static int decode_texts(const Flwr__Proto__Run *p, Run *ret)
{
        const struct {
                const char *from;
                char **to;
        } texts[] = {
                {p->fab_id, &ret->fab_id},
                {p->fab_version, &ret->fab_version},
                {p->flwr_aid, &ret->flwr_aid},
                {p->federation, &ret->federation},
                {p->run_type, &ret->run_type},
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                int r = rpc_decode_string(texts[i].from, texts[i].to);
                if (r < 0)
                        return r;
        }
        return 0;
}

int proto_run_decode(RpcDecoder *d, const Flwr__Proto__Run *p, Run *ret)
{
        ret->run_id = p->run_id;
        ret->bytes_sent = p->bytes_sent;
        ret->bytes_recv = p->bytes_recv;
        ret->clientapp_runtime = p->clientapp_runtime;

        int r = rpc_decode_id(d, "fab_hash", p->fab_hash, true, &ret->fab_hash);
        if (r < 0)
                return r;
        r = decode_texts(p, ret);
        if (r < 0)
                return r;
        r = decode_times(d, p, ret);
        if (r < 0)
                return r;
        r = decode_status(d, p->status, ret);
        if (r < 0)
                return r;
        return proto_config_decode(d, p->override_config, p->n_override_config, &ret->override_config);
}

static char *encode_time(RpcEncoder *e, usec_t t)
{
        char *s = rpc_arena_alloc(&e->arena, 1, ISO_TIME_MAX);
        return s ? iso_time_format(t, s) : NULL;
}

int proto_run_encode(RpcEncoder *e, const Run *run, Flwr__Proto__Run **ret)
{
        Flwr__Proto__Run *p = rpc_arena_alloc(&e->arena, 1, sizeof(*p));
        Flwr__Proto__RunStatus *status = rpc_arena_alloc(&e->arena, 1, sizeof(*status));
        if (!p || !status)
                return -ENOMEM;

        *status = (Flwr__Proto__RunStatus) FLWR__PROTO__RUN_STATUS__INIT;
        status->status = rpc_encode_string(run_status_to_string(run->status));
        status->sub_status = rpc_encode_string(run_sub_status_to_string(run->sub_status));
        status->details = rpc_encode_string(run->details);

        *p = (Flwr__Proto__Run) FLWR__PROTO__RUN__INIT;
        p->run_id = run->run_id;
        p->fab_id = rpc_encode_string(run->fab_id);
        p->fab_version = rpc_encode_string(run->fab_version);
        p->fab_hash = rpc_encode_id(e, &run->fab_hash);
        p->pending_at = encode_time(e, run->pending_at);
        p->starting_at = encode_time(e, run->starting_at);
        p->running_at = encode_time(e, run->running_at);
        p->finished_at = encode_time(e, run->finished_at);
        p->status = status;
        p->flwr_aid = rpc_encode_string(run->flwr_aid);
        p->federation = rpc_encode_string(run->federation);
        p->bytes_sent = run->bytes_sent;
        p->bytes_recv = run->bytes_recv;
        p->clientapp_runtime = run->clientapp_runtime;
        p->run_type = rpc_encode_string(isempty(run->run_type) ? "serverapp" : run->run_type);
        if (!p->fab_hash || !p->pending_at || !p->starting_at || !p->running_at || !p->finished_at)
                return -ENOMEM;

        int r = proto_config_encode(e, &run->override_config, &p->override_config, &p->n_override_config);
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}

static int decode_verifications(const Flwr__Proto__Fab *p, Fab *ret)
{
        if (p->n_verifications == 0)
                return 0;

        ret->verifications = new0(KeyValue, p->n_verifications);
        if (!ret->verifications)
                return -ENOMEM;
        ret->n_verifications = p->n_verifications;
        for (size_t i = 0; i < p->n_verifications; i++) {
                int r = rpc_decode_string(p->verifications[i]->key, &ret->verifications[i].key);
                if (r < 0)
                        return r;
                r = rpc_decode_string(p->verifications[i]->value, &ret->verifications[i].value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int proto_fab_decode(RpcDecoder *d, Blob *wire, Fab *ret)
{
        _cleanup_envelope_ Envelope envelope = {.numbers = {FAB_CONTENT}};
        void *p;

        if (!wire)
                return 0;

        int r = rpc_decoder_split(d, &envelope, wire);
        if (r < 0)
                return r;
        r = rpc_decoder_unpack(d, &flwr__proto__fab__descriptor, envelope.rest, &p);
        if (r < 0)
                return r;

        const Flwr__Proto__Fab *fab = p;
        ret->content = TAKE_PTR(envelope.cuts[0]);
        r = rpc_decode_id(d, "fab.hash_str", fab->hash_str, true, &ret->hash);
        if (r < 0)
                return r;
        return decode_verifications(fab, ret);
}

static int encode_verifications(RpcEncoder *e, const Fab *f, Flwr__Proto__Fab *ret)
{
        size_t n = f->n_verifications;
        Flwr__Proto__StringEntry **list = rpc_arena_alloc(&e->arena, n, sizeof(*list));
        Flwr__Proto__StringEntry *entries = rpc_arena_alloc(&e->arena, n, sizeof(*entries));
        if (!list || !entries)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                entries[i] = (Flwr__Proto__StringEntry) FLWR__PROTO__STRING_ENTRY__INIT;
                entries[i].key = rpc_encode_string(f->verifications[i].key);
                entries[i].value = rpc_encode_string(f->verifications[i].value);
                list[i] = &entries[i];
        }
        ret->verifications = list;
        ret->n_verifications = n;
        return 0;
}

int proto_fab_encode(RpcEncoder *e, uint32_t number, const Fab *f)
{
        Flwr__Proto__Fab before = FLWR__PROTO__FAB__INIT, behind = FLWR__PROTO__FAB__INIT;
        char hash[OBJECT_ID_HEX_MAX];

        before.hash_str = object_id_format(&f->hash, hash);
        int r = encode_verifications(e, f, &behind);
        if (r < 0)
                return r;

        size_t size = protobuf_c_message_get_packed_size(&before.base) +
                      protobuf_c_message_get_packed_size(&behind.base);
        if (f->content)
                size += rpc_encode_head_size(FAB_CONTENT, f->content->size) + f->content->size;

        r = rpc_encode_head(e, number, size);
        if (r < 0)
                return r;
        r = rpc_encode_message(e, &before.base);
        if (r < 0)
                return r;
        r = rpc_encode_bytes(e, FAB_CONTENT, f->content);
        if (r < 0)
                return r;
        return rpc_encode_message(e, &behind.base);
}

void proto_fab_done(Fab *f)
{
        f->content = blob_unref(f->content);
        for (size_t i = 0; i < f->n_verifications; i++) {
                free(f->verifications[i].key);
                free(f->verifications[i].value);
        }
        f->verifications = mfree(f->verifications);
        f->n_verifications = 0;
}
