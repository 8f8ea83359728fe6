#include "codec/envelope.h"

#include "base/buf.h"
#include "codec/limits.h"
#include "codec/proto-scan.h"

static ssize_t find_number(const Envelope *e, uint32_t number)
{
        for (size_t i = 0; i < ENVELOPE_FIELDS_MAX; i++)
                if (e->numbers[i] != 0 && e->numbers[i] == number)
                        return (ssize_t) i;
        return -ENOENT;
}

static int take_field(Envelope *e, size_t i, Blob *wire, const ProtoField *f, const char **reterr_text)
{
        if (f->wire_type != 2) {
                *reterr_text = "bytes are expected";
                return -EBADMSG;
        }
        if (e->cuts[i]) {
                *reterr_text = "a field occurs twice";
                return -EBADMSG;
        }
        e->cuts[i] = blob_slice(wire, (size_t) (f->data - wire->data), f->size);
        return e->cuts[i] ? 0 : -ENOMEM;
}

int envelope_split(Envelope *e, Blob *wire, const char **reterr_text)
{
        _cleanup_buf_ Buf rest = {.max = RPC_ENVELOPE_MAX};
        const uint8_t *p = wire->data, *end = wire->data + wire->size;

        while (p < end) {
                ProtoField f;
                int r = proto_field_next(&p, end, &f);
                if (r < 0) {
                        *reterr_text = "truncated, or not protobuf";
                        return r;
                }

                ssize_t i = find_number(e, f.number);
                r = i >= 0 ? take_field(e, (size_t) i, wire, &f, reterr_text)
                           : buf_append(&rest, f.start, (size_t) (f.end - f.start));
                if (r == -ENOBUFS) {
                        *reterr_text = "larger than 4 MiB besides its contents";
                        return -EBADMSG;
                }
                if (r < 0)
                        return r;
        }

        e->rest = buf_steal_blob(&rest);
        return e->rest ? 0 : -ENOMEM;
}

void envelope_done(Envelope *e)
{
        for (size_t i = 0; i < ENVELOPE_FIELDS_MAX; i++)
                e->cuts[i] = blob_unref(e->cuts[i]);
        e->rest = blob_unref(e->rest);
}
