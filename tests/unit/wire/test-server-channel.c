#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static const unsigned worker_counts[] = {0, 1, 2};

static void with_each_worker_count(void (*f)(Harness *h))
{
        for (size_t i = 0; i < ELEMENTSOF(worker_counts); i++) {
                Harness *h = harness_new(&(HarnessConfig){.n_workers = worker_counts[i]});

                f(h);
                harness_free(h);
        }
}

static void run_echo(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {};

        harness_call_sync(h, "/t/Echo", "hello", &o);
        assert_int_equal(o.status, RPC_OK);
        assert_true(outcome_reply_is(&o, "hello"));
        harness_call_sync(h, "/t/Echo", "", &p);
        assert_int_equal(p.status, RPC_OK);
        assert_true(outcome_reply_is(&p, ""));
}

static void test_echo(void **state)
{
        with_each_worker_count(run_echo);
}

static void run_errors(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {}, q = {};
        char large[200] = {};

        harness_call_sync(h, "/t/Fail", "50 % of \xc3\xa4pfel\n", &o);
        assert_int_equal(o.status, RPC_INVALID_ARGUMENT);
        assert_string_equal(o.detail, "50 % of \xc3\xa4pfel\n");
        assert_null(o.reply);
        harness_call_sync(h, "/t/Nothing", "", &p);
        assert_int_equal(p.status, RPC_UNIMPLEMENTED);
        memset(large, 'x', sizeof(large) - 1);
        harness_call_sync(h, "/t/Small", large, &q);
        assert_int_equal(q.status, RPC_FAILED_PRECONDITION);
        assert_non_null(strstr(q.detail, "100 bytes"));
        assert_int_equal(h->n_acts, 0);
}

static void test_errors(void **state)
{
        with_each_worker_count(run_errors);
}

static void run_metadata(Harness *h)
{
        _cleanup_outcome_ Outcome o = {};

        harness_call_sync(h, "/t/Who", "", &o);
        assert_int_equal(o.status, RPC_OK);
        assert_int_equal(o.reply->size, 3);
        assert_memory_equal(o.reply->data, "\0\xff\x01", 3);
}

static void test_metadata(void **state)
{
        with_each_worker_count(run_metadata);
}

static Blob *pattern_blob(size_t size)
{
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);

        assert_non_null(b);
        for (size_t i = 0; i < size; i++)
                p[i] = (uint8_t) (i * 31 + (i >> 13));
        return b;
}

static void run_large(Harness *h)
{
        _cleanup_blob_ Blob *b = pattern_blob(20 * 1024 * 1024 + 3);
        _cleanup_outcome_ Outcome o = {}, p = {};

        harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &o);
        harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &p);
        harness_run_until(h, o.done && p.done);
        assert_int_equal(o.status, RPC_OK);
        assert_true(blob_equal(o.reply, b));
        assert_true(blob_equal(p.reply, b));
}

static void test_large(void **state)
{
        with_each_worker_count(run_large);
}

static void run_held(Harness *h)
{
        enum { N = 300 };
        Outcome o[N];
        size_t n_done = 0;

        for (size_t i = 0; i < N; i++)
                harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o[i]);
        harness_run_until(h, h->n_held == N);
        harness_release_held(h, "now");
        while (n_done < N) {
                harness_run_until(h, o[n_done].done);
                assert_int_equal(o[n_done].status, RPC_OK);
                assert_true(outcome_reply_is(&o[n_done], "now"));
                outcome_done(&o[n_done++]);
        }
        assert_int_equal(h->n_cancelled, 0);
}

static void test_held(void **state)
{
        with_each_worker_count(run_held);
}

static void run_cancel(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {}, q = {};
        ClientCall *c;

        c = harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o);
        harness_call(h, "/t/Hold", blob_new_string("y"), USEC_INFINITY, &p);
        harness_run_until(h, h->n_held == 2);
        assert_null(client_call_cancel(c));
        harness_run_until(h, h->n_cancelled == 1);
        assert_int_equal(h->n_held, 1);
        assert_false(o.done);
        /* Before it ever got to the server. */
        client_call_cancel(harness_call(h, "/t/Echo", blob_new_string("x"), USEC_INFINITY, &q));
        harness_release_held(h, "z");
        harness_run_until(h, p.done);
        assert_true(outcome_reply_is(&p, "z"));
        assert_false(q.done);
        assert_int_equal(h->n_acts, 0);
}

static void test_cancel(void **state)
{
        with_each_worker_count(run_cancel);
}

/* The reply and the reset pass each other. */
static void run_cancel_race(Harness *h)
{
        for (int i = 0; i < 200; i++) {
                _cleanup_outcome_ Outcome o = {};
                ClientCall *c = harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o);

                harness_run_until(h, h->n_held == 1);
                client_call_cancel(c);
                if (i % 2)
                        sd_event_run(h->event, 0);
                harness_release_held(h, "too late");
                sd_event_run(h->event, 0);
        }
        run_echo(h);
        assert_int_equal(h->n_held, 0);
}

static void test_cancel_race(void **state)
{
        with_each_worker_count(run_cancel_race);
}

static void run_deadline(Harness *h)
{
        _cleanup_outcome_ Outcome o = {};

        harness_call(h, "/t/Hold", blob_new_string("x"), 100 * USEC_PER_MSEC, &o);
        harness_run_until(h, o.done && h->n_cancelled == 1);
        assert_int_equal(o.status, RPC_DEADLINE_EXCEEDED);
        assert_int_equal(h->n_held, 0);
}

static void test_deadline(void **state)
{
        with_each_worker_count(run_deadline);
}

static void run_streaming(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {}, q = {};
        ClientCall *c;

        harness_call_sync(h, "/t/Stream", "1000", &o);
        assert_int_equal(o.status, RPC_OK);
        assert_int_equal(o.n_messages, 1000);
        assert_true(outcome_reply_is(&o, "message 999"));

        c = harness_call(h, "/t/Stream", blob_new_string("0"), USEC_INFINITY, &p);
        harness_run_until(h, h->streaming);
        client_call_cancel(c);
        harness_run_until(h, !h->streaming);
        assert_int_equal(h->n_cancelled, 1);

        harness_call(h, "/t/Stream", blob_new_string("0"), USEC_INFINITY, &q);
        harness_run_until(h, h->streaming);
        call_fail(TAKE_PTR(h->streaming), RPCERR_RUN_NOT_FOUND, NULL);
        harness_run_until(h, q.done);
        assert_int_equal(q.status, RPC_NOT_FOUND);
        assert_string_equal(q.detail, "Run ID not found");
}

static void test_streaming(void **state)
{
        with_each_worker_count(run_streaming);
}

static int encode_ref(const void *reply, BlobVec *ret)
{
        return blobvec_append(ret, blob_ref((Blob *) reply));
}

/* What the peer does not read stays countable on the server. */
static void run_unsent(Harness *h)
{
        enum { N = 100 };
        _cleanup_blob_ Blob *b = pattern_blob(1024 * 1024);
        _cleanup_outcome_ Outcome o = {};

        harness_call(h, "/t/Stream", blob_new_string("0"), USEC_INFINITY, &o);
        harness_run_until(h, h->streaming);
        for (int i = 0; i < N; i++)
                call_send(h->streaming, b, encode_ref, NULL);
        assert_true(call_unsent(h->streaming) > 0);
        harness_run_until(h, o.n_bytes == N * b->size);
        assert_int_equal(call_unsent(h->streaming), 0);
        call_finish(TAKE_PTR(h->streaming));
        harness_run_until(h, o.done);
        assert_int_equal(o.n_messages, N);
}

static void test_unsent(void **state)
{
        with_each_worker_count(run_unsent);
}

static void note_drained(void *userdata)
{
        *(bool *) userdata = true;
}

static void run_drain(Harness *h)
{
        _cleanup_outcome_ Outcome o = {}, p = {}, q = {};
        bool drained = false;

        harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o);
        harness_run_until(h, h->n_held == 1);
        server_drain(h->server, 5 * USEC_PER_SEC, note_drained, &drained);
        /* Meets the GOAWAY on the way: served, or moved to a new connection, which there is none to have. */
        harness_call(h, "/t/Echo", blob_new_string("y"), USEC_INFINITY, &q);
        harness_run_for(h, 100 * USEC_PER_MSEC);
        assert_false(drained);
        harness_release_held(h, "last");
        harness_run_until(h, drained && o.done);
        assert_true(outcome_reply_is(&o, "last"));
        harness_run_until(h, q.done);
        assert_true(q.status == RPC_OK || strstr(q.detail, "Cannot connect"));
        harness_call_sync(h, "/t/Echo", "x", &p);
        assert_int_equal(p.status, RPC_UNAVAILABLE);
        assert_non_null(strstr(p.detail, "Connection refused"));
}

static void test_drain(void **state)
{
        with_each_worker_count(run_drain);
}

static void run_drain_timeout(Harness *h)
{
        _cleanup_outcome_ Outcome o = {};
        bool drained = false;

        harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o);
        harness_run_until(h, h->n_held == 1);
        server_drain(h->server, 50 * USEC_PER_MSEC, note_drained, &drained);
        harness_run_until(h, drained && o.done && h->n_cancelled == 1);
        assert_int_equal(o.status, RPC_UNAVAILABLE);
}

static void test_drain_timeout(void **state)
{
        with_each_worker_count(run_drain_timeout);
}

/* The server goes while calls are held: the core hears of each, nothing is left. */
static void run_free_with_held(Harness *h)
{
        Outcome o[20];

        for (size_t i = 0; i < ELEMENTSOF(o); i++)
                harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o[i]);
        harness_run_until(h, h->n_held == ELEMENTSOF(o));
        h->server = server_free(h->server);
        assert_int_equal(h->n_cancelled, ELEMENTSOF(o));
        assert_int_equal(h->n_held, 0);
        for (size_t i = 0; i < ELEMENTSOF(o); i++) {
                harness_run_until(h, o[i].done);
                assert_int_equal(o[i].status, RPC_UNAVAILABLE);
                outcome_done(&o[i]);
        }
}

static void test_free_with_held(void **state)
{
        with_each_worker_count(run_free_with_held);
}

static void free_channel_on_done(
        ClientCall *c, RpcClass status, const char *detail, Blob *reply, void *userdata)
{
        Harness *h = userdata;

        h->channel = channel_free(h->channel);
}

static void run_free_in_callback(Harness *h)
{
        const ClientCallConfig config = {
                .path = "/t/Echo",
                .timeout = USEC_INFINITY,
                .max_reply = 100,
                .on_done = free_channel_on_done,
                .userdata = h,
        };
        _cleanup_outcome_ Outcome o = {};
        BlobVec v = {};

        assert_int_equal(channel_call(h->channel, &config, &v, NULL), 0);
        harness_call(h, "/t/Hold", blob_new_string("x"), USEC_INFINITY, &o);
        harness_run_until(h, !h->channel);
        assert_true(o.done);
        assert_int_equal(o.status, RPC_CANCELLED);
        harness_run_until(h, h->n_held == 0);
}

static void test_free_in_callback(void **state)
{
        with_each_worker_count(run_free_in_callback);
}

static void test_refused(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){});
        _cleanup_outcome_ Outcome o = {};

        h->server = server_free(h->server);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_UNAVAILABLE);
        assert_non_null(strstr(o.detail, "Connection refused"));
        assert_non_null(strstr(o.detail, h->address));
        harness_free(h);
}

static void test_names(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){.host = "localhost"});
        _cleanup_outcome_ Outcome o = {};

        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_OK);
        harness_free(h);

        h = harness_new(&(HarnessConfig){.client_host = "does-not-exist.invalid"});
        outcome_done(&o);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_UNAVAILABLE);
        assert_non_null(strstr(o.detail, "does-not-exist.invalid"));
        harness_free(h);
}

/* The second connection waits in the queue until the first has gone. */
static void test_connection_limit(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){.n_workers = 1, .max_connections = 1});
        _cleanup_outcome_ Outcome o = {}, p = {};
        Channel *first = h->channel;

        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(channel_new(h->event, h->address, NULL, &h->channel), 0);
        harness_call(h, "/t/Echo", blob_new_string("y"), 5 * USEC_PER_SEC, &p);
        harness_run_for(h, 200 * USEC_PER_MSEC);
        assert_false(p.done);
        channel_free(first);
        harness_run_until(h, p.done);
        assert_int_equal(p.status, RPC_OK);
        harness_free(h);
}

static int connect_raw(const Harness *h)
{
        struct sockaddr_in a = {.sin_family = AF_INET,
                .sin_port = htons(listener_port(h->listener)),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        return fd;
}

static void test_http1_is_told(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){});
        _cleanup_close_ int fd = connect_raw(h);
        char buf[512] = {};

        assert_true(write(fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
        harness_run_for(h, 100 * USEC_PER_MSEC);
        assert_true(read(fd, buf, sizeof(buf) - 1) > 0);
        assert_non_null(strstr(buf, "HTTP/1.1 400"));
        assert_non_null(strstr(buf, "This port speaks gRPC (HTTP/2)"));
        harness_free(h);
}

static void note_status(ClientCall *c, RpcClass status, const char *detail, Blob *reply, void *userdata)
{
        Outcome *o = userdata;

        o->done = true;
        o->status = status;
        o->detail = detail ? strdup(detail) : NULL;
}

static void test_large_reply_is_refused(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){});
        _cleanup_outcome_ Outcome o = {};
        const ClientCallConfig config = {.path = "/t/Echo",
                .timeout = USEC_INFINITY,
                .max_reply = 10,
                .on_done = note_status,
                .userdata = &o};
        BlobVec v = {};

        assert_int_equal(blobvec_append(&v, pattern_blob(11)), 0);
        assert_int_equal(channel_call(h->channel, &config, &v, NULL), 0);
        harness_run_until(h, o.done);
        assert_int_equal(o.status, RPC_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(o.detail, "10 bytes"));
        harness_free(h);
}

/* Five messages that are announced together are more than a connection may have under way; one of them alone
 * is not. */
static void test_request_bytes_limit(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){.n_workers = 1});
        Blob *b = pattern_blob(60 * 1024 * 1024);
        size_t n_ok = 0, n_busy = 0;
        Outcome o[5];

        for (size_t i = 0; i < ELEMENTSOF(o); i++)
                harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &o[i]);
        for (size_t i = 0; i < ELEMENTSOF(o); i++) {
                harness_run_until(h, o[i].done);
                n_ok += o[i].status == RPC_OK;
                n_busy += o[i].status == RPC_UNAVAILABLE;
                outcome_done(&o[i]);
        }
        assert_int_equal(n_ok, 4);
        assert_int_equal(n_busy, 1);
        harness_call(h, "/t/Echo", b, USEC_INFINITY, &o[0]);
        harness_run_until(h, o[0].done);
        assert_int_equal(o[0].status, RPC_OK);
        outcome_done(&o[0]);
        harness_free(h);
}

/* Too much metadata fails the call, not the connection. */
static void test_metadata_limit(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){});
        _cleanup_outcome_ Outcome o = {}, p = {};
        _cleanup_free_ char *value = calloc(1, 20000);
        const Header header = {"x-large", value, 20000};
        const ClientCallConfig config = {.path = "/t/Echo",
                .headers = &header,
                .n_headers = 1,
                .timeout = USEC_INFINITY,
                .max_reply = 10,
                .on_done = note_status,
                .userdata = &o};
        BlobVec v = {};

        memset(value, 'x', 20000);
        assert_int_equal(channel_call(h->channel, &config, &v, NULL), 0);
        harness_run_until(h, o.done);
        assert_int_equal(o.status, RPC_INVALID_ARGUMENT);
        harness_call_sync(h, "/t/Echo", "x", &p);
        assert_int_equal(p.status, RPC_OK);
        harness_free(h);
}

static void test_unix_socket(void **state)
{
        _cleanup_free_ char *dir = strdup("/tmp/flwr-wire-XXXXXX"), *address = NULL;
        Harness *h = harness_new(&(HarnessConfig){.local_only = true});
        _cleanup_outcome_ Outcome o = {};
        char *text = NULL;

        assert_non_null(mkdtemp(dir));
        address = xasprintf("unix:%s/socket", dir);
        const Method *const services[] = {harness_methods, NULL};
        const ListenerConfig lc = {.name = "unix",
                .address = address,
                .fd = -EBADF,
                .services = services,
                .userdata = h,
                .local_only = true};

        assert_int_equal(server_listen(h->server, &lc, NULL, &text), 0);
        channel_free(h->channel);
        assert_int_equal(channel_new(h->event, address, NULL, &h->channel), 0);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_OK);
        harness_free(h);
        /* The socket is gone with its listener. */
        assert_int_equal(rmdir(dir), 0);
}

/* The peer stops in the middle of a frame, or sends nonsense: the server drops it and goes on. */
static void test_broken_peers(void **state)
{
        static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
        static const char nonsense[] = "\0\0\4\6\0\0\0\0\0oops!";
        Harness *h = harness_new(&(HarnessConfig){.n_workers = 1});
        _cleanup_outcome_ Outcome o = {};
        _cleanup_close_ int cut = connect_raw(h), bad = connect_raw(h);
        char buf[256];
        ssize_t n;

        assert_true(write(cut, preface, sizeof(preface) - 4) > 0);
        assert_true(write(bad, preface, sizeof(preface) - 1) > 0);
        assert_true(write(bad, nonsense, sizeof(nonsense) - 1) > 0);
        harness_run_for(h, 50 * USEC_PER_MSEC);
        do
                n = read(bad, buf, sizeof(buf));
        while (n > 0);
        assert_true(n == 0 || errno == ECONNRESET);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_OK);
        harness_free(h);
}

static void test_address_in_use(void **state)
{
        Harness *h = harness_new(&(HarnessConfig){});
        char *text = NULL;

        assert_int_equal(server_listen(h->server,
                                 &(ListenerConfig){.name = "again", .address = h->address, .fd = -EBADF},
                                 NULL, &text),
                -EADDRINUSE);
        assert_non_null(strstr(text, "already in use"));
        free(text);
        harness_free(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_echo),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_metadata),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_held),
                cmocka_unit_test(test_cancel),
                cmocka_unit_test(test_cancel_race),
                cmocka_unit_test(test_deadline),
                cmocka_unit_test(test_streaming),
                cmocka_unit_test(test_unsent),
                cmocka_unit_test(test_drain),
                cmocka_unit_test(test_drain_timeout),
                cmocka_unit_test(test_free_with_held),
                cmocka_unit_test(test_free_in_callback),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_connection_limit),
                cmocka_unit_test(test_http1_is_told),
                cmocka_unit_test(test_large_reply_is_refused),
                cmocka_unit_test(test_request_bytes_limit),
                cmocka_unit_test(test_metadata_limit),
                cmocka_unit_test(test_unix_socket),
                cmocka_unit_test(test_broken_peers),
                cmocka_unit_test(test_address_in_use),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
