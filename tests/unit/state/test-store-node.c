#include "fixture.h"

#include <unistd.h>

#include "model/key.h"

static void test_ids(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_node(f, "key a"), b = make_node(f, "key b"), ignored;
        ObjectId fingerprint;
        size_t pos = 0;

        assert_true(a > 1 && b > 1 && a != b);
        assert_int_equal(f->n_nodes, 2);
        assert_int_equal(
                store_node_register(f->store, "key a", "", "", false, NULL, NULL, &ignored), -EEXIST);
        key_pem_fingerprint("key b", &fingerprint);
        assert_int_equal(store_node_by_key(f->store, &fingerprint)->node_id, b);
        assert_int_equal(store_node(f->store, a)->status, NODE_REGISTERED);
        assert_string_equal(store_node(f->store, a)->owner_name, "owner");
        fixture_reopen(f);
        assert_int_equal(store_node_next(f->store, &pos)->node_id, a);
        assert_int_equal(store_node_next(f->store, &pos)->node_id, b);
        assert_null(store_node_next(f->store, &pos));
        assert_string_equal(store_node(f->store, a)->public_key, "key a");
}

static void test_life(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_node(f, "key");
        ObjectId fingerprint;

        key_pem_fingerprint("key", &fingerprint);
        assert_int_equal(store_node_deactivate(f->store, id, NULL, NULL), -EPERM);
        assert_int_equal(store_node_activate(f->store, id, 10, NULL, NULL), 0);
        assert_int_equal(store_node_activate(f->store, id, 10, NULL, NULL), 0);
        assert_int_equal(store_node(f->store, id)->status, NODE_ONLINE);
        assert_int_equal(store_node_deactivate(f->store, id, NULL, NULL), 0);
        assert_int_equal(store_node(f->store, id)->status, NODE_OFFLINE);
        assert_true(store_node(f->store, id)->last_deactivated_at > 0);
        assert_int_equal(store_node_unregister(f->store, id, NULL, NULL), 0);
        assert_int_equal(store_node_unregister(f->store, id, NULL, NULL), -EPERM);
        assert_int_equal(store_node_activate(f->store, id, 10, NULL, NULL), -EPERM);
        assert_int_equal(store_node_heartbeat(f->store, id, 10), -EPERM);
        assert_null(store_node_by_key(f->store, &fingerprint));
        assert_non_null(store_node(f->store, id));
        assert_int_equal(store_node_activate(f->store, id + 1, 10, NULL, NULL), -ENOENT);
}

static void test_key_of_unregistered_stays_taken(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_node(f, "key"), again;

        assert_int_equal(store_node_unregister(f->store, id, NULL, NULL), 0);
        fixture_reopen(f);
        assert_int_equal(store_node_register(f->store, "key", "", "", false, NULL, NULL, &again), -EEXIST);
        assert_int_equal(store_node_forget(f->store, id, NULL, NULL), 0);
        assert_null(store_node(f->store, id));
        assert_int_equal(store_node_register(f->store, "key", "", "", true, NULL, NULL, &again), 0);
        fixture_reopen(f);
        assert_null(store_node(f->store, id));
        assert_true(store_node(f->store, again)->self_registered);
}

static void test_heartbeat(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_node(f, "key");
        usec_t now = now_realtime(), until;

        assert_int_equal(store_node_heartbeat(f->store, id + 1, 10), -ENOENT);
        assert_int_equal(store_node_heartbeat(f->store, id, 10), 0);
        assert_int_equal(store_node(f->store, id)->status, NODE_ONLINE);
        assert_int_equal(f->n_nodes, 2);
        until = store_node(f->store, id)->online_until;
        assert_true(until >= now + 20 * USEC_PER_SEC && until < now + 25 * USEC_PER_SEC);
        assert_int_equal(store_node_heartbeat(f->store, id, 100), 0);
        assert_int_equal(f->n_nodes, 2);
        /* Written lazily, but written. */
        fixture_reopen(f);
        assert_int_equal(store_node(f->store, id)->status, NODE_ONLINE);
        assert_true(store_node(f->store, id)->heartbeat_interval == 100);
}

static void test_sweep(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_node(f, "a"), b = make_node(f, "b");
        usec_t next, until;

        assert_int_equal(store_nodes_sweep(f->store, now_realtime(), &next), 0);
        assert_int_equal(next, 0);
        assert_int_equal(store_node_activate(f->store, a, 10, NULL, NULL), 0);
        assert_int_equal(store_node_activate(f->store, b, 1000, NULL, NULL), 0);
        until = store_node(f->store, a)->online_until;
        assert_int_equal(store_nodes_sweep(f->store, until - 1, &next), 0);
        assert_int_equal(next, until);
        assert_int_equal(store_nodes_sweep(f->store, until, &next), 1);
        assert_int_equal(next, store_node(f->store, b)->online_until);
        assert_int_equal(store_node(f->store, a)->status, NODE_OFFLINE);
        assert_int_equal(store_node(f->store, a)->last_deactivated_at, until);
        assert_int_equal(f->last_node, a);
}

static void test_patience_after_start(void **state)
{
        Fixture *f = *state;
        uint64_t id = make_node(f, "key");
        usec_t next, now;

        assert_int_equal(store_node_activate(f->store, id, 0.001, NULL, NULL), 0);
        fixture_settle(f);
        usleep(5000);
        now = now_realtime();
        fixture_reopen(f);
        if (f->directory)
                assert_int_equal(store_nodes_sweep(f->store, now, &next), 0);
        else
                assert_int_equal(store_nodes_sweep(f->store, now, &next), 1);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, fixture_setup_memory, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_life, fixture_setup_memory, fixture_teardown),
        cmocka_unit_test_setup_teardown(
                test_key_of_unregistered_stays_taken, fixture_setup_durable, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_heartbeat, fixture_setup_memory, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sweep, fixture_setup_memory, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_patience_after_start, fixture_setup_memory, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ids, fixture_setup_durable, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_life, fixture_setup_durable, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_heartbeat, fixture_setup_durable, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sweep, fixture_setup_durable, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_patience_after_start, fixture_setup_durable, fixture_teardown),
};

int main(void)
{
        return cmocka_run_group_tests(tests, NULL, NULL);
}
