#include "fixture.h"

#include "base/fs-util.h"

static void test_life(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_run(f, RUN_PENDING);
        const Run *r = store_run(f->store, id);

        assert_true(r->pending_at > 0 && r->starting_at == 0);
        assert_int_equal(
                store_run_transition(f->store, id, RUN_RUNNING, RUN_SUB_NONE, "", NULL, NULL), -EPERM);
        assert_int_equal(
                store_run_transition(f->store, id, RUN_FINISHED, RUN_COMPLETED, "", NULL, NULL), -EPERM);
        assert_int_equal(store_run(f->store, id)->status, RUN_PENDING);
        assert_int_equal(store_run_transition(f->store, id, RUN_STARTING, RUN_SUB_NONE, "", NULL, NULL), 0);
        assert_int_equal(
                store_run_transition(f->store, id, RUN_STARTING, RUN_SUB_NONE, "", NULL, NULL), -EPERM);
        assert_int_equal(store_run_transition(f->store, id, RUN_RUNNING, RUN_SUB_NONE, "", NULL, NULL), 0);
        assert_int_equal(
                store_run_transition(f->store, id, RUN_FINISHED, RUN_FAILED, "broken", NULL, NULL), 0);
        assert_int_equal(
                store_run_transition(f->store, id, RUN_FINISHED, RUN_STOPPED, "", NULL, NULL), -EPERM);
        assert_int_equal(f->n_runs, 4);
        fixture_reopen(f);
        r = store_run(f->store, id);
        assert_int_equal(r->status, RUN_FINISHED);
        assert_int_equal(r->sub_status, RUN_FAILED);
        assert_string_equal(r->details, "broken");
        assert_true(
                r->finished_at >= r->running_at && r->running_at >= r->starting_at && r->starting_at > 0);
        assert_int_equal(
                store_run_transition(f->store, id + 1, RUN_STARTING, RUN_SUB_NONE, "", NULL, NULL), -ENOENT);
}

static void test_all_fields(void **state)
{
        Fixture *f = *state;
        Run run = {
                .run_id = UINT64_C(0xfffffffffffffff0),
                .fab_id = (char *) "flwr/app",
                .fab_version = (char *) "1.2.3",
                .fab_hash = id_of("fab"),
                .status = RUN_RUNNING,
                .running_at = 5,
                .details = (char *) "d",
                .flwr_aid = (char *) "aid",
                .federation = (char *) "default",
                .run_type = (char *) "serverapp",
        };
        _cleanup_blob_ Blob *bytes = blob_new("\0x", 2);
        const Run *r;

        assert_int_equal(
                config_set(&run.override_config, "lr", &(Scalar){.type = SCALAR_DOUBLE, .d = 0.5}), 0);
        assert_int_equal(
                config_set(&run.override_config, "n", &(Scalar){.type = SCALAR_UINT64, .u = UINT64_MAX}), 0);
        assert_int_equal(
                config_set(&run.override_config, "i", &(Scalar){.type = SCALAR_SINT64, .i = -3}), 0);
        assert_int_equal(
                config_set(&run.override_config, "b", &(Scalar){.type = SCALAR_BOOL, .b = true}), 0);
        assert_int_equal(
                config_set(&run.override_config, "s", &(Scalar){.type = SCALAR_STRING, .s = strdup("text")}),
                0);
        assert_int_equal(config_set(&run.override_config, "raw",
                                 &(Scalar){.type = SCALAR_BYTES, .bytes = blob_ref(bytes)}),
                0);
        assert_int_equal(store_run_adopt(f->store, &run, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(store_run_adopt(f->store, &run, NULL, NULL, NULL, NULL), -EEXIST);
        store_run_add_traffic(f->store, run.run_id, 10, 20, 0.5);
        store_run_add_traffic(f->store, run.run_id, 1, 2, 0.25);
        store_run_add_traffic(f->store, run.run_id, 0, 0, 0);
        fixture_reopen(f);
        r = store_run(f->store, run.run_id);
        assert_int_equal(r->status, RUN_RUNNING);
        assert_int_equal(r->running_at, 5);
        assert_string_equal(r->federation, "default");
        assert_true(object_id_equal(&r->fab_hash, &run.fab_hash));
        assert_int_equal(r->bytes_sent, 11);
        assert_int_equal(r->bytes_recv, 22);
        assert_true(r->clientapp_runtime == 0.75);
        assert_int_equal(r->override_config.n, run.override_config.n);
        for (size_t i = 0; i < run.override_config.n; i++) {
                assert_string_equal(r->override_config.entries[i].key, run.override_config.entries[i].key);
                assert_true(scalar_equal(
                        &r->override_config.entries[i].value, &run.override_config.entries[i].value));
        }
        config_done(&run.override_config);
}

static void test_order_and_delete(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_run(f, RUN_PENDING), b = make_run(f, RUN_PENDING), c = make_run(f, RUN_PENDING);
        size_t pos = 0;

        assert_int_equal(store_run_next(f->store, &pos)->run_id, a);
        /* Going through them survives a deletion. */
        assert_int_equal(store_run_delete(f->store, a, NULL, NULL), 0);
        assert_int_equal(store_run_next(f->store, &pos)->run_id, b);
        assert_int_equal(store_run_next(f->store, &pos)->run_id, c);
        assert_null(store_run_next(f->store, &pos));
        assert_int_equal(store_run_delete(f->store, a, NULL, NULL), -ENOENT);
        fixture_reopen(f);
        pos = 0;
        assert_int_equal(store_run_next(f->store, &pos)->run_id, b);
}

/* ---- tokens ---- */

static void test_token(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_run(f, RUN_STARTING), other = make_run(f, RUN_STARTING), found;
        const char *token;
        char copy[STORE_TOKEN_BYTES * 2 + 1];

        assert_null(store_token_of_run(f->store, id));
        assert_int_equal(store_token_create(f->store, id, 100, NULL, NULL, &token), 0);
        assert_int_equal(strlen(token), STORE_TOKEN_BYTES * 2);
        strcpy(copy, token);
        assert_int_equal(store_token_create(f->store, id, 100, NULL, NULL, &token), -EEXIST);
        fixture_reopen(f);
        assert_int_equal(store_token_find(f->store, copy, &found), 0);
        assert_int_equal(found, id);
        assert_string_equal(store_token_of_run(f->store, id), copy);
        copy[5] ^= 1;
        assert_int_equal(store_token_find(f->store, copy, &found), -ENOENT);
        assert_int_equal(store_token_find(f->store, "", &found), -ENOENT);
        copy[5] ^= 1;
        assert_int_equal(store_token_extend(f->store, other, 200), -ENOENT);
        assert_int_equal(store_token_extend(f->store, id, 200), 0);
        fixture_reopen(f);
        assert_int_equal(store_token_active_until(f->store, id), 200);
        assert_int_equal(store_token_delete(f->store, id, NULL, NULL), 0);
        assert_int_equal(store_token_delete(f->store, id, NULL, NULL), -ENOENT);
        assert_int_equal(store_token_find(f->store, copy, &found), -ENOENT);
        assert_int_equal(store_token_active_until(f->store, id), 0);
}

static void test_token_ends_with_run(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_run(f, RUN_RUNNING);
        const char *token;

        assert_int_equal(store_token_create(f->store, id, 100, NULL, NULL, &token), 0);
        assert_int_equal(store_run_transition(f->store, id, RUN_FINISHED, RUN_COMPLETED, "", NULL, NULL), 0);
        assert_null(store_token_of_run(f->store, id));
        fixture_reopen(f);
        assert_null(store_token_of_run(f->store, id));
}

static void test_expired_tokens(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_run(f, RUN_RUNNING), b = make_run(f, RUN_RUNNING), c = make_run(f, RUN_RUNNING),
                 d = make_run(f, RUN_RUNNING);
        _cleanup_free_ uint64_t *none = NULL, *ids = NULL;
        const char *token;
        usec_t next;
        size_t n;

        assert_int_equal(store_tokens_expired(f->store, 1000, &none, &n, &next), 0);
        assert_int_equal(n, 0);
        assert_true(next == USEC_INFINITY);
        assert_int_equal(store_token_create(f->store, a, 20, NULL, NULL, &token), 0);
        assert_int_equal(store_token_create(f->store, b, 10, NULL, NULL, &token), 0);
        assert_int_equal(store_token_create(f->store, c, 2000, NULL, NULL, &token), 0);
        assert_int_equal(store_token_create(f->store, d, USEC_INFINITY, NULL, NULL, &token), 0);
        assert_int_equal(store_tokens_expired(f->store, 1000, &ids, &n, &next), 0);
        assert_int_equal(n, 2);
        assert_int_equal(ids[0], b);
        assert_int_equal(ids[1], a);
        assert_int_equal(next, 2000);
}

/* ---- contexts, FABs ---- */

typedef struct Got {
        unsigned n;
        int outcome;
        Blob *context;
        char *text;
        double latest;
        bool more;
} Got;

static void got_context(int outcome, Blob *context, void *userdata)
{
        Got *g = userdata;

        g->n++;
        g->outcome = outcome;
        g->context = context ? blob_ref(context) : NULL;
}

static Blob *read_context(Fixture *f, uint64_t run_id)
{
        Got g = {};

        assert_int_equal(store_context_read(f->store, run_id, got_context, &g), 0);
        while (g.n == 0)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(g.outcome, 0);
        return g.context;
}

static void expect_context(Fixture *f, uint64_t run_id, const Blob *expected)
{
        _cleanup_blob_ Blob *b = read_context(f, run_id);

        assert_int_equal(!!b, !!expected);
        if (b)
                assert_true(blob_equal(b, expected));
}

static void test_context(void **state)
{
        Fixture *f = *state;
        _cleanup_blob_ Blob *small = blob_new_string("small"),
                            *big = big_content("big", 3 * STORE_INLINE_MAX);
        uint64_t id = make_run(f, RUN_PENDING);

        expect_context(f, id, NULL);
        assert_int_equal(store_context_read(f->store, id + 1, got_context, NULL), -ENOENT);
        assert_int_equal(store_context_write(f->store, id + 1, small, NULL, NULL), -ENOENT);
        assert_int_equal(store_context_write(f->store, id, small, NULL, NULL), 0);
        expect_context(f, id, small);
        assert_int_equal(store_context_write(f->store, id, big, NULL, NULL), 0);
        expect_context(f, id, big);
        assert_int_equal(store_context_write(f->store, id, big, NULL, NULL), 0);
        fixture_reopen(f);
        expect_context(f, id, big);
        assert_int_equal(store_context_write(f->store, id, small, NULL, NULL), 0);
        fixture_reopen(f);
        expect_context(f, id, small);
}

static void test_fab(void **state)
{
        Fixture *f = *state;
        _cleanup_blob_ Blob *fab = blob_new_string("fab"), *context = blob_new_string("context"),
                            *got = NULL, *again = NULL;
        Run a = {.fab_hash = id_of("fab")}, b = {.fab_hash = id_of("fab")};
        ObjectId other = id_of("other");

        assert_int_equal(store_run_create(f->store, &a, context, fab, NULL, NULL), 0);
        assert_int_equal(store_run_create(f->store, &b, context, fab, NULL, NULL), 0);
        assert_int_equal(store_fab_get(f->store, &other, &got), -ENOENT);
        fixture_reopen(f);
        assert_int_equal(store_fab_get(f->store, &a.fab_hash, &got), 0);
        assert_true(blob_equal(got, fab));
        assert_int_equal(store_run_delete(f->store, a.run_id, NULL, NULL), 0);
        fixture_reopen(f);
        expect_context(f, b.run_id, context);
        assert_int_equal(store_fab_get(f->store, &a.fab_hash, &again), 0);
        assert_int_equal(store_run_delete(f->store, b.run_id, NULL, NULL), 0);
        assert_int_equal(store_fab_get(f->store, &a.fab_hash, &again), -ENOENT);
}

/* ---- logs ---- */

static void got_log(int outcome, const char *text, double latest, bool more, void *userdata)
{
        Got *g = userdata;

        g->n++;
        g->outcome = outcome;
        free(g->text);
        g->text = strdup(text);
        g->latest = latest;
        g->more = more;
}

static void read_log(Fixture *f, uint64_t run_id, double after, Got *g)
{
        g->n = 0;
        assert_int_equal(store_log_read(f->store, run_id, after, got_log, g), 0);
        while (g->n == 0)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(g->outcome, 0);
}

static void test_log(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_run(f, RUN_RUNNING);
        Got g = {};
        double first;

        assert_int_equal(store_log_append(f->store, id + 1, "x", NULL, NULL), -ENOENT);
        assert_int_equal(store_log_read(f->store, id + 1, 0, got_log, &g), -ENOENT);
        read_log(f, id, 0, &g);
        assert_string_equal(g.text, "");
        assert_int_equal(store_log_append(f->store, id, "one\n", NULL, NULL), 0);
        read_log(f, id, 0, &g);
        assert_string_equal(g.text, "one\n");
        first = g.latest;
        assert_true(first > 1e9);
        /* Faster than the clock ticks. */
        for (unsigned i = 0; i < 50; i++)
                assert_int_equal(store_log_append(f->store, id, "x", NULL, NULL), 0);
        assert_int_equal(f->n_logs, 51);
        fixture_reopen(f);
        assert_int_equal(store_log_append(f->store, id, "y", NULL, NULL), 0);
        read_log(f, id, first + 1e-6, &g);
        assert_int_equal(strlen(g.text), 51);
        assert_false(g.more);
        read_log(f, id, g.latest, &g);
        assert_string_equal(g.text, "");
        free(g.text);
}

static void test_long_log(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_run(f, RUN_RUNNING);
        size_t size = 5 * STORE_LOG_READ_MAX / 2, n_read = 0;
        _cleanup_free_ char *text = malloc(size + 1);
        Got g = {};

        /* Two-byte characters, out of step with the limit. */
        for (size_t i = 1; i + 1 < size; i += 2)
                memcpy(text + i, "\xc3\xa9", 2);
        text[0] = text[size - 1] = 'x';
        text[size] = 0;
        assert_int_equal(store_log_append(f->store, id, text, NULL, NULL), 0);
        do {
                read_log(f, id, g.latest, &g);
                assert_true(strlen(g.text) <= STORE_LOG_READ_MAX);
                assert_memory_equal(g.text, text + n_read, strlen(g.text));
                assert_true(((unsigned char) g.text[0] & 0xc0) != 0x80);
                n_read += strlen(g.text);
        } while (g.more);
        assert_int_equal(n_read, size);
        free(g.text);
}

#define BOTH(test)                                                                                          \
        cmocka_unit_test_setup_teardown(test, fixture_setup_memory, fixture_teardown),                      \
                cmocka_unit_test_setup_teardown(test, fixture_setup_durable, fixture_teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                BOTH(test_life),
                BOTH(test_all_fields),
                BOTH(test_order_and_delete),
                BOTH(test_token),
                BOTH(test_token_ends_with_run),
                BOTH(test_expired_tokens),
                BOTH(test_context),
                BOTH(test_fab),
                BOTH(test_log),
                BOTH(test_long_log),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
