/* What a client sends to a server after TLS: HTTP/2 with gRPC's framing in it. Every call is answered by its
 * own messages. The first byte is the size of the pieces in which it arrives, so that frames are cut
 * anywhere. */
#include <sys/types.h>

#include "fuzz.h"
#include "wire/h2-session.h"

#define MESSAGE_MAX 65536

static void on_headers(H2Stream *st, void *userdata)
{
        static const H2Field fields[] = {{":status", "200"}, {"content-type", "application/grpc"}};
        GrpcReader *r = calloc(1, sizeof(*r));
        HeaderFields *headers;

        (void) userdata;
        fuzz_check(r);
        r->max = MESSAGE_MAX;
        h2_stream_set_userdata(st, r);
        if (h2_stream_headers(st, &headers) == 0)
                (void) header_fields_get(headers, ":path", NULL);
        fuzz_check(h2_stream_respond(st, fields, ELEMENTSOF(fields), false) != -EINVAL);
}

static void on_data(H2Stream *st, const uint8_t *data, size_t size, void *userdata)
{
        GrpcReader *r = h2_stream_userdata(st);
        ssize_t n = 0;

        (void) userdata;
        h2_stream_consume(st, size);
        for (size_t done = 0; r && done < size; done += (size_t) n) {
                BlobVec message = {0};
                Blob *b = NULL;

                n = grpc_reader_feed(r, data + done, size - done, &b);
                if (n < 0) {
                        grpc_reader_done(r);
                        free(r);
                        h2_stream_set_userdata(st, NULL);
                        (void) h2_stream_reset(st, 8);
                        return;
                }
                fuzz_check((n > 0 || b) && (size_t) n <= size - done);
                if (b && blobvec_append(&message, b) == 0)
                        (void) h2_stream_send(st, &message);
        }
}

static void on_end(H2Stream *st, void *userdata)
{
        static const H2Field trailers[] = {{"grpc-status", "0"}};

        (void) userdata;
        (void) h2_stream_trailers(st);
        (void) h2_stream_end(st, trailers, ELEMENTSOF(trailers));
}

static void on_close(H2Stream *st, H2CloseReason reason, uint32_t error_code, void *userdata)
{
        GrpcReader *r = h2_stream_userdata(st);

        (void) reason;
        (void) error_code;
        (void) userdata;
        if (!r)
                return;
        grpc_reader_done(r);
        free(r);
}

/* -1: the connection is over. */
static int drain(H2Session *s)
{
        uint8_t buf[32768];
        ssize_t n;

        while ((n = h2_session_produce(s, buf, sizeof(buf))) > 0)
                fuzz_check((size_t) n <= sizeof(buf));
        return n < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const H2Events events = {
                .on_headers = on_headers,
                .on_data = on_data,
                .on_end = on_end,
                .on_close = on_close,
        };
        _cleanup_(h2_session_freep) H2Session *s = NULL;
        size_t piece;

        if (size == 0)
                return 0;
        piece = data[0] ? data[0] : size;
        fuzz_check(h2_session_new(true, &events, NULL, &s) == 0);
        for (size_t done = 1; done < size; done += piece) {
                size_t n = size - done < piece ? size - done : piece;
                int r = h2_session_receive(s, data + done, n);

                if (drain(s) < 0 || r < 0 || h2_session_is_finished(s))
                        break;
        }
        return 0;
}
