/* What the machine can do at most, to compare with: the same bytes through nothing but GnuTLS over loopback,
 * and through memcpy.
 *
 *      raw-tls CERTIFICATE KEY BYTES...        prints BYTES MB/s(TLS) MB/s(memcpy), a line each
 *
 * One process sends, another one receives; records are sent and received in batches, as our own stream does.
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RECORD_SIZE ((size_t) 16384)
#define BATCH_SIZE ((size_t) 256 * 1024)
#define BLOCK_SIZE ((size_t) 64 * 1024 * 1024) /* larger than any cache, smaller than any memory */
#define REPEAT_BYTES ((uint64_t) 256 * 1000 * 1000)

typedef struct Pipe {
        int fd;
        uint8_t *out, *in;
        size_t out_size, in_begin, in_end;
        gnutls_session_t session;
} Pipe;

static void die(const char *what)
{
        fprintf(stderr, "raw-tls: %s\n", what);
        exit(EXIT_FAILURE);
}

static double now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void flush(Pipe *p)
{
        for (size_t sent = 0; sent < p->out_size;) {
                ssize_t n = send(p->fd, p->out + sent, p->out_size - sent, MSG_NOSIGNAL);

                if (n <= 0)
                        die("the receiver is gone");
                sent += (size_t) n;
        }
        p->out_size = 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
        Pipe *p = ptr;

        if (p->out_size + size > 2 * BATCH_SIZE)
                die("a record is too large");
        memcpy(p->out + p->out_size, data, size);
        p->out_size += size;
        return (ssize_t) size;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
        Pipe *p = ptr;

        if (p->in_begin == p->in_end) {
                ssize_t n;

                flush(p);
                n = recv(p->fd, p->in, BATCH_SIZE, 0);
                if (n <= 0)
                        return n;
                p->in_begin = 0;
                p->in_end = (size_t) n;
        }
        if (size > p->in_end - p->in_begin)
                size = p->in_end - p->in_begin;
        memcpy(data, p->in + p->in_begin, size);
        p->in_begin += size;
        return (ssize_t) size;
}

static void pipe_open(Pipe *p, int fd, unsigned flags, gnutls_certificate_credentials_t credentials)
{
        int r;

        *p = (Pipe){.fd = fd, .out = malloc(2 * BATCH_SIZE), .in = malloc(BATCH_SIZE)};
        if (!p->out || !p->in || gnutls_init(&p->session, flags) < 0)
                die("out of memory");
        if (gnutls_set_default_priority(p->session) < 0 ||
                gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, credentials) < 0)
                die("cannot set up TLS");
        gnutls_transport_set_ptr(p->session, p);
        gnutls_transport_set_push_function(p->session, push);
        gnutls_transport_set_pull_function(p->session, pull);
        do
                r = gnutls_handshake(p->session);
        while (r < 0 && !gnutls_error_is_fatal(r));
        flush(p);
        if (r < 0)
                die(gnutls_strerror(r));
}

static void send_all(Pipe *p, const uint8_t *block, uint64_t bytes)
{
        uint64_t done = 0;

        while (done < bytes) {
                size_t at = (size_t) (done % BLOCK_SIZE), n = RECORD_SIZE;
                ssize_t sent;

                if (n > bytes - done)
                        n = (size_t) (bytes - done);
                sent = gnutls_record_send(p->session, block + at, n);
                if (sent < 0)
                        die(gnutls_strerror((int) sent));
                done += (uint64_t) sent;
                if (p->out_size >= BATCH_SIZE)
                        flush(p);
        }
        flush(p);
}

static void receive_all(Pipe *p, uint64_t bytes)
{
        static uint8_t record[RECORD_SIZE];

        while (bytes > 0) {
                ssize_t n = gnutls_record_recv(p->session, record, sizeof(record));

                if (n <= 0 && (n == 0 || gnutls_error_is_fatal((int) n)))
                        die("the sender is gone");
                if (n > 0)
                        bytes -= (uint64_t) n;
        }
}

static unsigned repetitions(uint64_t bytes)
{
        return bytes >= REPEAT_BYTES ? 1 : (unsigned) (REPEAT_BYTES / bytes);
}

/* Receives what the sizes say, and acknowledges each with a byte. */
static void serve(int listener, const char *certificate, const char *key, int n, char *sizes[])
{
        gnutls_certificate_credentials_t credentials;
        Pipe p;

        if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
                gnutls_certificate_set_x509_key_file(credentials, certificate, key, GNUTLS_X509_FMT_PEM) < 0)
                die("the certificate cannot be read");
        pipe_open(&p, accept(listener, NULL, NULL), GNUTLS_SERVER, credentials);
        for (int i = 0; i < n; i++) {
                uint64_t bytes = strtoull(sizes[i], NULL, 10);

                for (unsigned k = repetitions(bytes); k > 0; k--) {
                        receive_all(&p, bytes);
                        send_all(&p, p.in, 1);
                }
        }
        exit(EXIT_SUCCESS);
}

static double tls_seconds(Pipe *p, const uint8_t *block, uint64_t bytes)
{
        unsigned n = repetitions(bytes);
        double begin = now();

        for (unsigned k = n; k > 0; k--) {
                send_all(p, block, bytes);
                receive_all(p, 1);
        }
        return (now() - begin) / n;
}

static double copy_seconds(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
        uint64_t n = repetitions(bytes), total = n * bytes;
        double begin = now();

        for (uint64_t done = 0; done < total;) {
                size_t size = bytes < BLOCK_SIZE ? (size_t) bytes : BLOCK_SIZE;

                memcpy(to, from, size);
                /* What nobody looks at would not be copied. */
                __asm__ volatile("" : : "r"(to) : "memory");
                done += size;
        }
        return (now() - begin) / (double) n;
}

int main(int argc, char *argv[])
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), status;
        uint8_t *from = malloc(BLOCK_SIZE), *to = malloc(BLOCK_SIZE);
        gnutls_certificate_credentials_t credentials;
        pid_t child;
        Pipe p;

        if (argc < 4 || !from || !to)
                die("needs CERTIFICATE KEY BYTES...");
        memset(from, 7, BLOCK_SIZE);
        memset(to, 0, BLOCK_SIZE);
        if (bind(listener, (struct sockaddr *) &a, size) < 0 || listen(listener, 1) < 0 ||
                getsockname(listener, (struct sockaddr *) &a, &size) < 0 || (child = fork()) < 0)
                die("no loopback");
        if (child == 0)
                serve(listener, argv[1], argv[2], argc - 3, argv + 3);
        if (connect(fd, (struct sockaddr *) &a, size) < 0 ||
                gnutls_certificate_allocate_credentials(&credentials) < 0)
                die("no connection");
        pipe_open(&p, fd, GNUTLS_CLIENT, credentials);
        for (int i = 3; i < argc; i++) {
                uint64_t bytes = strtoull(argv[i], NULL, 10);
                double tls = tls_seconds(&p, from, bytes), copy = copy_seconds(to, from, bytes);

                printf("%s %.0f %.0f\n", argv[i], (double) bytes / tls / 1e6, (double) bytes / copy / 1e6);
        }
        return waitpid(child, &status, 0) == child && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
