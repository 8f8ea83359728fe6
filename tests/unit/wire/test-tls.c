#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "certs.h"
#include "harness.h"

static const char *const all_ips[] = {"127.0.0.1", "0.0.0.0", "::1", NULL};
static const char *const other_ips[] = {"192.0.2.7", NULL};

static int setup(void **state)
{
        char *dir = certs_dir_new();

        certs_make_ca(dir, "ca");
        certs_make_ca(dir, "other-ca");
        certs_make(dir, "ca", &(CertOptions){.name = "server", .dns = "localhost", .ips = all_ips});
        certs_make(
                dir, "ca", &(CertOptions){.name = "elsewhere", .dns = "hub.example.org", .ips = other_ips});
        certs_make(dir, "ca",
                &(CertOptions){.name = "old",
                        .dns = "localhost",
                        .ips = all_ips,
                        .from = time(NULL) - 7200,
                        .until = time(NULL) - 3600});
        *state = dir;
        return 0;
}

static int teardown(void **state)
{
        certs_dir_free(*state);
        return 0;
}

static int server_context(const char *dir, const char *ca, const char *cert, const char *key,
        TlsContext **ret, char **reterr_text)
{
        _cleanup_free_ char *a = certs_path(dir, ca), *b = certs_path(dir, cert), *c = certs_path(dir, key);

        return tls_server_new(a, b, c, ret, reterr_text);
}

static TlsContext *good_server(const char *dir, const char *name)
{
        _cleanup_free_ char *cert = xasprintf("%s.pem", name), *key = xasprintf("%s.key", name);
        TlsContext *t = NULL;
        char *text = NULL;

        assert_int_equal(server_context(dir, "ca.pem", cert, key, &t, &text), 0);
        assert_null(text);
        return t;
}

static TlsContext *good_client(const char *dir, const char *ca)
{
        _cleanup_free_ char *path = certs_path(dir, ca);
        TlsContext *t = NULL;
        char *text = NULL;

        assert_int_equal(tls_client_new(path, &t, &text), 0);
        return t;
}

static void assert_server_refused(
        const char *dir, const char *ca, const char *cert, const char *key, int error, const char *words)
{
        TlsContext *t = NULL;
        char *text = NULL;

        assert_int_equal(server_context(dir, ca, cert, key, &t, &text), error);
        assert_non_null(text);
        if (!strstr(text, words))
                fail_msg("\"%s\" is not in \"%s\"", words, text);
        free(text);
}

static void test_bad_files(void **state)
{
        const char *dir = *state;

        assert_server_refused(dir, "none.pem", "server.pem", "server.key", -ENOENT, "none.pem");
        assert_server_refused(dir, "ca.pem", "none.pem", "server.key", -ENOENT, "none.pem");
        assert_server_refused(dir, "ca.pem", "server.key", "server.key", -EKEYREJECTED, "BEGIN CERTIFICATE");
        assert_server_refused(dir, "ca.pem", "server.pem", "server.pem", -EKEYREJECTED, "PRIVATE KEY");
        assert_server_refused(
                dir, "ca.pem", "server.pem", "elsewhere.key", -EKEYREJECTED, "does not belong");
        assert_server_refused(dir, "ca.pem", "old.pem", "old.key", -EKEYREJECTED, "expired on 20");
        assert_server_refused(
                dir, "other-ca.pem", "server.pem", "server.key", -EKEYREJECTED, "not signed by");
}

typedef struct Case {
        const char *server_cert; /* NULL: plaintext */
        const char *client_ca;   /* NULL: plaintext */
        const char *client_host;
        RpcClass status;
        const char *words;
} Case;

static void run_case(const char *dir, const Case *c, unsigned n_workers)
{
        TlsContext *server = c->server_cert ? good_server(dir, c->server_cert) : NULL;
        TlsContext *client = c->client_ca ? good_client(dir, c->client_ca) : NULL;
        Harness *h = harness_new(&(HarnessConfig){.n_workers = n_workers,
                .server_tls = server,
                .client_tls = client,
                .client_host = c->client_host});
        _cleanup_outcome_ Outcome o = {};

        tls_context_unref(server);
        tls_context_unref(client);
        harness_call_sync(h, "/t/Echo", "over TLS", &o);
        if (o.status != c->status || (c->words && !strstr(strempty(o.detail), c->words)))
                fail_msg("%s: status %d, \"%s\"", c->words, o.status, strempty(o.detail));
        if (c->status == RPC_OK)
                assert_true(outcome_reply_is(&o, "over TLS"));
        else
                assert_non_null(strstr(o.detail, "handshake failed"));
        harness_free(h);
}

static void test_handshakes(void **state)
{
        static const Case cases[] = {
                {"server", "ca.pem", "127.0.0.1", RPC_OK, NULL},
                {"server", "ca.pem", "localhost", RPC_OK, NULL},
                {"server", "ca.pem", "0.0.0.0", RPC_OK, NULL},
                {"server", "other-ca.pem", "127.0.0.1", RPC_UNAVAILABLE, "not signed by the given CA"},
                {"elsewhere", "ca.pem", "127.0.0.1", RPC_UNAVAILABLE,
                        "does not name 127.0.0.1; it names hub.example.org, 192.0.2.7"},
                {NULL, "ca.pem", "127.0.0.1", RPC_UNAVAILABLE, "does not speak TLS"},
                {"server", NULL, "127.0.0.1", RPC_UNAVAILABLE, "expects TLS"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (unsigned n = 0; n < 3; n++)
                        run_case(*state, &cases[i], n);
}

/* A certificate that expires while the server runs. */
static void test_expired_meanwhile(void **state)
{
        const Case c = {"short", "ca.pem", "127.0.0.1", RPC_UNAVAILABLE, "has expired on 20"};
        const char *dir = *state;
        TlsContext *server, *client;
        _cleanup_outcome_ Outcome o = {};
        Harness *h;

        certs_make(
                dir, "ca", &(CertOptions){.name = c.server_cert, .ips = all_ips, .until = time(NULL) + 1});
        server = good_server(dir, c.server_cert);
        client = good_client(dir, c.client_ca);
        h = harness_new(&(HarnessConfig){.server_tls = server, .client_tls = client});
        harness_run_for(h, 2100 * USEC_PER_MSEC);
        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, c.status);
        if (!strstr(o.detail, c.words))
                fail_msg("%s", o.detail);
        tls_context_unref(server);
        tls_context_unref(client);
        harness_free(h);
}

/* New connections get the new certificate. */
static void test_reload(void **state)
{
        TlsContext *first = good_server(*state, "elsewhere"), *second = good_server(*state, "server"),
                   *client = good_client(*state, "ca.pem");
        Harness *h =
                harness_new(&(HarnessConfig){.n_workers = 1, .server_tls = first, .client_tls = client});
        _cleanup_outcome_ Outcome o = {}, p = {};

        harness_call_sync(h, "/t/Echo", "x", &o);
        assert_int_equal(o.status, RPC_UNAVAILABLE);
        listener_set_tls(h->listener, second);
        harness_call_sync(h, "/t/Echo", "x", &p);
        assert_int_equal(p.status, RPC_OK);
        tls_context_unref(first);
        tls_context_unref(second);
        tls_context_unref(client);
        harness_free(h);
}

static void test_large(void **state)
{
        TlsContext *server = good_server(*state, "server"), *client = good_client(*state, "ca.pem");

        for (unsigned n = 0; n < 3; n++) {
                Harness *h = harness_new(
                        &(HarnessConfig){.n_workers = n, .server_tls = server, .client_tls = client});
                Outcome o[4];
                uint8_t *p;
                Blob *b = blob_alloc(20 * 1024 * 1024 + 1, &p);

                for (size_t i = 0; i < b->size; i++)
                        p[i] = (uint8_t) (i * 7 + (i >> 11));
                for (size_t i = 0; i < ELEMENTSOF(o); i++)
                        harness_call(h, "/t/Echo", blob_ref(b), USEC_INFINITY, &o[i]);
                for (size_t i = 0; i < ELEMENTSOF(o); i++) {
                        harness_run_until(h, o[i].done);
                        assert_int_equal(o[i].status, RPC_OK);
                        assert_true(blob_equal(o[i].reply, b));
                        outcome_done(&o[i]);
                }
                blob_unref(b);
                harness_free(h);
        }
        tls_context_unref(server);
        tls_context_unref(client);
}

/* A file of these certificates. */
static void join_files(const char *dir, const char *name, const char *const *parts)
{
        _cleanup_free_ char *path = certs_path(dir, name), *all = strdup("");

        for (; *parts; parts++) {
                _cleanup_free_ char *part = certs_path(dir, *parts), *text = NULL;
                char *longer;

                assert_int_equal(read_text_file(part, 65536, &text), 0);
                longer = xasprintf("%s%s", all, text);
                free(all);
                all = longer;
        }
        assert_int_equal(write_file_atomic(path, all, strlen(all), 0600, false), 0);
}

/* What a server of that chain and a client that follows its CA make of each other. */
static RpcClass meet(const char *dir, const char *server_ca, const char *chain, const char *key,
        const char *client_ca, unsigned n_successors)
{
        _cleanup_free_ char *file = certs_path(dir, "successors");
        TlsContext *server = NULL, *client = good_client(dir, client_ca);
        _cleanup_outcome_ Outcome o = {};
        char *text = NULL;
        unsigned n = 99;
        Harness *h;

        assert_int_equal(server_context(dir, server_ca, chain, key, &server, &text), 0);
        assert_int_equal(tls_client_follow(client, file, &n), 0);
        assert_int_equal(n, n_successors);
        h = harness_new(&(HarnessConfig){.server_tls = server, .client_tls = client});
        harness_call_sync(h, "/t/Echo", "x", &o);
        tls_context_unref(server);
        tls_context_unref(client);
        harness_free(h);
        return o.status;
}

/* The CA is followed by another one, and that by a third; only what a trusted one has signed counts. */
static void test_successors(void **state)
{
        const char *dir = *state;
        _cleanup_free_ char *file = certs_path(dir, "successors");

        certs_make_ca(dir, "second");
        certs_make_ca(dir, "third");
        certs_make_link(dir, "ca", "second", "second-link");
        certs_make_link(dir, "second", "third", "third-link");
        certs_make_link(dir, "other-ca", "second", "foreign-link");
        certs_make(dir, "second", &(CertOptions){.name = "s2", .dns = "localhost", .ips = all_ips});
        certs_make(dir, "third", &(CertOptions){.name = "s3", .dns = "localhost", .ips = all_ips});
        join_files(dir, "foreign-chain.pem",
                (const char *[]){"server.pem", "foreign-link.pem", "second.pem", "other-ca.pem", NULL});
        join_files(dir, "chain2.pem", (const char *[]){"s2.pem", "second-link.pem", "second.pem", NULL});
        join_files(dir, "chain3.pem", (const char *[]){"s3.pem", "third-link.pem", "third.pem", NULL});

        assert_int_equal(meet(dir, "ca.pem", "foreign-chain.pem", "server.key", "ca.pem", 0), RPC_OK);
        assert_int_equal(access(file, F_OK), -1);
        assert_int_equal(meet(dir, "second.pem", "s2.pem", "s2.key", "ca.pem", 0), RPC_UNAVAILABLE);
        assert_int_equal(meet(dir, "second.pem", "chain2.pem", "s2.key", "ca.pem", 0), RPC_OK);
        assert_int_equal(meet(dir, "second.pem", "s2.pem", "s2.key", "ca.pem", 1), RPC_OK);
        assert_int_equal(meet(dir, "third.pem", "chain3.pem", "s3.key", "ca.pem", 1), RPC_OK);
        assert_int_equal(meet(dir, "third.pem", "s3.pem", "s3.key", "ca.pem", 2), RPC_OK);

        /* With another CA of the administrator's none of it counts; a damaged file is none. */
        assert_int_equal(meet(dir, "third.pem", "s3.pem", "s3.key", "other-ca.pem", 0), RPC_UNAVAILABLE);
        assert_int_equal(write_file_atomic(file, "junk", 4, 0600, false), 0);
        assert_int_equal(meet(dir, "second.pem", "s2.pem", "s2.key", "ca.pem", 0), RPC_UNAVAILABLE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_files),
                cmocka_unit_test(test_handshakes),
                cmocka_unit_test(test_expired_meanwhile),
                cmocka_unit_test(test_reload),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_successors),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
