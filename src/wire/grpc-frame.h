/* gRPC's message framing: one flag byte, a big-endian length, the message. Bytes in, Blobs out, no I/O.
 *
 * The length is checked against the limit, and against what the owner admits, before anything is allocated;
 * a message is collected into one Blob. */
#pragma once

#include "base/blob.h"

#define GRPC_PREFIX_SIZE 5

typedef struct GrpcReader {
        size_t max; /* of one message */
        /* Asked before memory for a message is taken; a negative return refuses it and comes back from feed.
         * May be NULL. */
        int (*admit)(size_t size, void *userdata);
        void *userdata;
        /* private */
        uint8_t head[GRPC_PREFIX_SIZE];
        size_t n_head;
        Blob *message;
        uint8_t *fill;
        size_t n_filled;
} GrpcReader;

/* Takes bytes until they are used up or one message is complete (then *ret is set, else NULL); returns how
 * many it took. -EMSGSIZE: longer than max. -EBADMSG: compressed, which nobody negotiated, or an undefined
 * flag. -ENOMEM. What admit() said. After an error the reader must not be fed again. */
ssize_t grpc_reader_feed(GrpcReader *r, const uint8_t *data, size_t size, Blob **ret);
/* True between messages: an end of the stream is clean here. */
bool grpc_reader_is_idle(const GrpcReader *r);
void grpc_reader_done(GrpcReader *r);

void grpc_prefix(uint8_t ret[static GRPC_PREFIX_SIZE], size_t size);
