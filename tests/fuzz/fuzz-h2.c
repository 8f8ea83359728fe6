/* What a client sends to a server after TLS: HTTP/2 with gRPC's framing in it. Every call is answered by its
 * own messages. The first byte is the size of the pieces in which it arrives, so that frames are cut
 * anywhere. */
#include <sys/types.h>

#include "fuzz.h"
#include "wire/h2-session.h"

#define MESSAGE_MAX 65536
#define H2_CANCEL 8

/* All calls of the connection; kept until its end, since streams that are open then are freed without a
 * word. */
typedef struct Call {
        GrpcReader reader;
        bool failed;
        struct Call *next;
} Call;

static void on_headers(H2Stream *st, void *userdata)
{
        static const H2Field fields[] = {{":status", "200"}, {"content-type", "application/grpc"}};
        Call **calls = userdata, *c = calloc(1, sizeof(*c));
        HeaderFields *headers;

        fuzz_check(c);
        *c = (Call){.reader.max = MESSAGE_MAX, .next = *calls};
        *calls = c;
        h2_stream_set_userdata(st, c);
        if (h2_stream_headers(st, &headers) == 0)
                (void) header_fields_get(headers, ":path", NULL);
        fuzz_check(h2_stream_respond(st, fields, ELEMENTSOF(fields), false) != -EINVAL);
}

static void on_data(H2Stream *st, const uint8_t *data, size_t size, void *userdata)
{
        Call *c = h2_stream_userdata(st);
        ssize_t n;

        (void) userdata;
        h2_stream_consume(st, size);
        for (size_t done = 0; !c->failed && done < size; done += (size_t) n) {
                BlobVec message = {0};
                Blob *b = NULL;

                n = grpc_reader_feed(&c->reader, data + done, size - done, &b);
                if (n < 0) {
                        c->failed = true;
                        (void) h2_stream_reset(st, H2_CANCEL);
                        return;
                }
                fuzz_check(n > 0 && (size_t) n <= size - done);
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
        (void) reason;
        (void) error_code;
        (void) userdata;
        (void) h2_stream_userdata(st); /* NULL: its first headers were malformed */
}

static void calls_free(Call **calls)
{
        for (Call *c = *calls, *next; c; c = next) {
                next = c->next;
                grpc_reader_done(&c->reader);
                free(c);
        }
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
        _cleanup_(calls_free) Call *calls = NULL;
        _cleanup_(h2_session_freep) H2Session *s = NULL;
        size_t piece;

        if (size == 0)
                return 0;
        piece = data[0] ? data[0] : size;
        fuzz_check(h2_session_new(true, &events, &calls, &s) == 0);
        for (size_t done = 1; done < size; done += piece) {
                size_t n = size - done < piece ? size - done : piece;
                int r = h2_session_receive(s, data + done, n);

                if (drain(s) < 0 || r < 0 || h2_session_is_finished(s))
                        break;
        }
        return 0;
}
