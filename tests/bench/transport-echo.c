/* What the wire costs: calls per second one after the other and 100 at a time, bytes per second up and down,
 * on loopback.
 *
 *      transport-echo [plain|tls] [workers]
 *
 * Figures of one run only compare with others of the same run: look at the machine's load first, and at the
 * CPU time. */
#include <stdio.h>
#include <time.h>

#include "../unit/wire/certs.h"
#include "../unit/wire/harness.h"

#define LARGE_SIZE ((size_t) 5 * 1024 * 1024)
#define N_LARGE 200
#define N_SMALL 20000
#define N_PARALLEL 100

static double cpu_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void start_wave(Harness *h, Blob *b, Outcome *o, size_t n)
{
        for (size_t i = 0; i < n; i++)
                harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &o[i]);
}

static void finish_wave(Harness *h, Outcome *o, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                harness_run_until(h, o[i].done);
                assert_int_equal(o[i].status, RPC_OK);
                outcome_done(&o[i]);
        }
}

static void measure(Harness *h, const char *what, size_t size, size_t n, size_t parallel)
{
        Outcome o[N_PARALLEL];
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);
        double cpu = cpu_seconds(), seconds;
        usec_t begin = now_monotonic();

        memset(p, 7, size);
        for (size_t i = 0; i < n; i += parallel) {
                start_wave(h, b, o, parallel);
                finish_wave(h, o, parallel);
        }
        seconds = usec_to_seconds(now_monotonic() - begin);
        cpu = cpu_seconds() - cpu;
        printf("%-24s %9.0f calls/s  %8.1f us/call  %8.1f MB/s each way  %6.1f us CPU/call (both ends)\n",
                what, (double) n / seconds, seconds * 1e6 / (double) n, (double) (n * size) / seconds / 1e6,
                cpu * 1e6 / (double) n);
        blob_unref(b);
}

int main(int argc, char *argv[])
{
        static const char *const ips[] = {"127.0.0.1", NULL};
        bool tls = argc > 1 && streq(argv[1], "tls");
        unsigned n_workers = argc > 2 ? (unsigned) atoi(argv[2]) : 1;
        char *dir = certs_dir_new(), *text;
        TlsContext *server = NULL, *client = NULL;
        Harness *h;

        if (tls) {
                _cleanup_free_ char *ca = certs_path(dir, "ca.pem"), *cert = certs_path(dir, "server.pem"),
                                    *key = certs_path(dir, "server.key");

                certs_make_ca(dir, "ca");
                certs_make(dir, "ca", &(CertOptions){.name = "server", .ips = ips});
                if (tls_server_new(ca, cert, key, &server, &text) < 0 ||
                        tls_client_new(ca, &client, &text) < 0)
                        return 1;
        }
        h = harness_new(
                &(HarnessConfig){.n_workers = n_workers, .server_tls = server, .client_tls = client});
        measure(h, "small, one by one", 100, N_SMALL, 1);
        measure(h, "small, 100 at a time", 100, 5 * N_SMALL, N_PARALLEL);
        measure(h, "5 MiB, one by one", LARGE_SIZE, N_LARGE, 1);
        measure(h, "5 MiB, 4 at a time", LARGE_SIZE, N_LARGE, 4);
        tls_context_unref(server);
        tls_context_unref(client);
        harness_free(h);
        certs_dir_free(dir);
        return 0;
}
