#include "wire/grpc-frame.h"

static int reader_begin_message(GrpcReader *r)
{
        size_t size = (size_t) r->head[1] << 24 | (size_t) r->head[2] << 16 | (size_t) r->head[3] << 8 |
                      r->head[4];
        int k;

        if (r->head[0] != 0)
                return -EBADMSG;
        if (size > r->max)
                return -EMSGSIZE;
        if (r->admit) {
                k = r->admit(size, r->userdata);
                if (k < 0)
                        return k;
        }
        r->message = blob_alloc(size, &r->fill);
        if (!r->message)
                return -ENOMEM;
        r->n_filled = 0;
        return 0;
}

ssize_t grpc_reader_feed(GrpcReader *r, const uint8_t *data, size_t size, Blob **ret)
{
        size_t taken = 0, n;
        int k;

        *ret = NULL;
        if (!r->message) {
                n = MIN(size, GRPC_PREFIX_SIZE - r->n_head);
                if (n > 0)
                        memcpy(r->head + r->n_head, data, n);
                r->n_head += n;
                taken += n;
                if (r->n_head < GRPC_PREFIX_SIZE)
                        return (ssize_t) taken;
                k = reader_begin_message(r);
                if (k < 0)
                        return k;
        }
        n = MIN(size - taken, r->message->size - r->n_filled);
        if (n > 0)
                memcpy(r->fill + r->n_filled, data + taken, n);
        r->n_filled += n;
        taken += n;
        if (r->n_filled == r->message->size) {
                *ret = TAKE_PTR(r->message);
                r->n_head = 0;
        }
        return (ssize_t) taken;
}

bool grpc_reader_is_idle(const GrpcReader *r)
{
        return r->n_head == 0 && !r->message;
}

void grpc_reader_done(GrpcReader *r)
{
        r->message = blob_unref(r->message);
        r->n_head = 0;
}

void grpc_prefix(uint8_t ret[static GRPC_PREFIX_SIZE], size_t size)
{
        ret[0] = 0;
        ret[1] = (uint8_t) (size >> 24);
        ret[2] = (uint8_t) (size >> 16);
        ret[3] = (uint8_t) (size >> 8);
        ret[4] = (uint8_t) size;
}
