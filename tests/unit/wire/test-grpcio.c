/* Genuine gRPC (C-core through Python) against our server and against our client. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs.h"
#include "harness.h"

static const char *const ips[] = {"127.0.0.1", NULL};

typedef struct Peer {
        pid_t pid;
        int in, out;
} Peer;

static const char *python(void)
{
        return getenv("FLWR_TEST_PYTHON") ? getenv("FLWR_TEST_PYTHON") : "python3";
}

static Peer peer_start(const char *mode, const char *a, const char *b)
{
        _cleanup_free_ char *script = xasprintf("%s/tests/unit/wire/grpcio-peer.py", getenv("top_srcdir"));
        int in[2], out[2];
        Peer p;

        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        p = (Peer){.pid = fork(), .in = in[1], .out = out[0]};
        if (p.pid == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                execlp(python(), python(), script, mode, a, b, NULL);
                _exit(127);
        }
        assert_true(p.pid > 0);
        close(in[0]);
        close(out[1]);
        return p;
}

static void peer_wait(Peer *p)
{
        int status;

        close(p->in);
        close(p->out);
        assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static TlsContext *make_server_tls(const char *dir)
{
        _cleanup_free_ char *ca = certs_path(dir, "ca.pem"), *cert = certs_path(dir, "server.pem"),
                            *key = certs_path(dir, "server.key");
        TlsContext *t;
        char *text;

        assert_int_equal(tls_server_new(ca, cert, key, &t, &text), 0);
        return t;
}

static int setup(void **state)
{
        char *dir = certs_dir_new();

        certs_make_ca(dir, "ca");
        certs_make(dir, "ca", &(CertOptions){.name = "server", .dns = "localhost", .ips = ips});
        *state = dir;
        return 0;
}

static int teardown(void **state)
{
        certs_dir_free(*state);
        return 0;
}

/* The peer cancels 50 calls and lets one run out of time; the rest of what is held gets its answer once all
 * of it is there. */
static void serve_client(Harness *h, Peer *p)
{
        siginfo_t info = {};

        while (waitid(P_PID, (id_t) p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
                assert_true(sd_event_run(h->event, 50 * USEC_PER_MSEC) >= 0);
                if (h->n_held == 300)
                        harness_release_held(h, "released");
        }
        peer_wait(p);
        harness_run_until(h, !h->streaming);
        assert_true(h->n_cancelled >= 2);
}

static void run_our_server(const char *dir, bool tls, unsigned n_workers)
{
        TlsContext *t = tls ? make_server_tls(dir) : NULL;
        _cleanup_free_ char *ca = certs_path(dir, "ca.pem");
        Harness *h = harness_new(&(HarnessConfig){.n_workers = n_workers, .server_tls = t});
        Peer p = peer_start("client", h->address, tls ? ca : NULL);

        serve_client(h, &p);
        tls_context_unref(t);
        harness_free(h);
}

static void test_our_server(void **state)
{
        run_our_server(*state, false, 0);
        run_our_server(*state, false, 2);
        run_our_server(*state, true, 0);
        run_our_server(*state, true, 1);
}

static void point_channel_at(Harness *h, const Peer *p, TlsContext *tls)
{
        char port[16] = {}, address[64];

        for (size_t i = 0; i < sizeof(port) - 1 && (i == 0 || port[i - 1] != '\n'); i++)
                assert_int_equal(read(p->out, port + i, 1), 1);
        snprintf(address, sizeof(address), "127.0.0.1:%d", atoi(port));
        channel_free(h->channel);
        assert_int_equal(channel_new(h->event, address, tls, &h->channel), 0);
}

static void check_large(Harness *h)
{
        _cleanup_outcome_ Outcome o = {};
        uint8_t *data;
        Blob *b = blob_alloc(20 * 1024 * 1024 + 1, &data);

        for (size_t i = 0; i < b->size; i++)
                data[i] = (uint8_t) (i * 13 + (i >> 12));
        harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &o);
        harness_run_until(h, o.done);
        assert_int_equal(o.status, RPC_OK);
        assert_true(blob_equal(o.reply, b));
        blob_unref(b);
}

static void check_many(Harness *h)
{
        enum { N = 500 };
        Outcome o[N];

        for (size_t i = 0; i < N; i++)
                harness_call(h, "/t/Echo", blob_new(&i, sizeof(i)), USEC_INFINITY, &o[i]);
        for (size_t i = 0; i < N; i++) {
                harness_run_until(h, o[i].done);
                assert_int_equal(o[i].status, RPC_OK);
                assert_memory_equal(o[i].reply->data, &i, sizeof(i));
                outcome_done(&o[i]);
        }
}

static void check_outcomes(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {}, q = {}, s = {}, t = {}, u = {}, v = {};

        harness_call_sync(h, "/t/Fail", "50 % of \xc3\xa4pfel\n", &o);
        assert_int_equal(o.status, RPC_INVALID_ARGUMENT);
        assert_string_equal(o.detail, "50 % of \xc3\xa4pfel\n");
        harness_call_sync(h, "/t/Nothing", "", &p);
        assert_int_equal(p.status, RPC_UNIMPLEMENTED);
        harness_call_sync(h, "/t/Who", "", &q);
        assert_memory_equal(q.reply->data, "\0\xff\x01", 3);
        harness_call_sync(h, "/t/Stream", "100", &s);
        assert_int_equal(s.status, RPC_OK);
        assert_int_equal(s.n_messages, 100);
        harness_call(h, "/t/Hold", blob_new_string(""), 300 * USEC_PER_MSEC, &t);
        harness_run_until(h, t.done);
        assert_int_equal(t.status, RPC_DEADLINE_EXCEEDED);
        harness_call_sync(h, "/t/Deadline", "", &u);
        assert_true(outcome_reply_is(&u, "9"));
        client_call_cancel(harness_call(h, "/t/Hold", blob_new_string(""), USEC_INFINITY, &v));
        harness_run_for(h, 50 * USEC_PER_MSEC);
        assert_false(v.done);
}

/* The server stops: what is under way ends well, and the loss is said in words. */
static void check_goaway(Harness *h, Peer *p)
{
        _cleanup_outcome_ Outcome o = {}, q = {};

        harness_call(h, "/t/Later", blob_new_string(""), USEC_INFINITY, &o);
        harness_run_for(h, 100 * USEC_PER_MSEC);
        assert_int_equal(write(p->in, "\n", 1), 1);
        harness_run_until(h, o.done);
        if (o.status != RPC_OK)
                fail_msg("status %d, \"%s\"", o.status, strempty(o.detail));
        harness_call_sync(h, "/t/Echo", "x", &q);
        assert_int_equal(q.status, RPC_UNAVAILABLE);
}

static void run_our_client(const char *dir, bool tls)
{
        _cleanup_free_ char *cert = certs_path(dir, "server.pem"), *key = certs_path(dir, "server.key"),
                            *ca = certs_path(dir, "ca.pem");
        Harness *h = harness_new(&(HarnessConfig){});
        Peer p = peer_start("server", tls ? cert : NULL, tls ? key : NULL);
        TlsContext *t = NULL;
        char *text;

        if (tls)
                assert_int_equal(tls_client_new(ca, &t, &text), 0);
        point_channel_at(h, &p, t);
        check_large(h);
        check_many(h);
        check_outcomes(h);
        check_goaway(h, &p);
        tls_context_unref(t);
        harness_free(h);
        peer_wait(&p);
}

static void test_our_client(void **state)
{
        run_our_client(*state, false);
        run_our_client(*state, true);
}

/* Wrong ends meet: the words name the cause. */
static void test_crossed(void **state)
{
        _cleanup_free_ char *cert = certs_path(*state, "server.pem"),
                            *key = certs_path(*state, "server.key"), *ca = certs_path(*state, "ca.pem");
        Harness *h = harness_new(&(HarnessConfig){});
        _cleanup_outcome_ Outcome o = {}, q = {};
        TlsContext *t = NULL;
        char *text;
        Peer p;

        p = peer_start("server", cert, key);
        point_channel_at(h, &p, NULL);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_UNAVAILABLE);
        if (!strstr(o.detail, "handshake failed") || !strstr(o.detail, "expects TLS"))
                fail_msg("%s", o.detail);
        peer_wait(&p);

        p = peer_start("server", NULL, NULL);
        assert_int_equal(tls_client_new(ca, &t, &text), 0);
        point_channel_at(h, &p, t);
        harness_call_sync(h, "/t/Echo", "x", &q);
        assert_int_equal(q.status, RPC_UNAVAILABLE);
        if (!strstr(q.detail, "handshake failed") || !strstr(q.detail, "does not speak TLS"))
                fail_msg("%s", q.detail);
        peer_wait(&p);
        tls_context_unref(t);
        harness_free(h);
}

static bool has_grpcio(void)
{
        _cleanup_free_ char *command = xasprintf("%s -c 'import grpc' 2>/dev/null", python());

        return system(command) == 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_our_server),
                cmocka_unit_test(test_our_client),
                cmocka_unit_test(test_crossed),
        };

        signal(SIGPIPE, SIG_IGN);
        if (!getenv("top_srcdir") || !has_grpcio()) {
                fprintf(stderr,
                        "skipped: %s cannot import grpc (set FLWR_TEST_PYTHON), or top_srcdir is not set\n",
                        python());
                return 77;
        }
        return cmocka_run_group_tests(tests, setup, teardown);
}
