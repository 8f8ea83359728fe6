#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

static int get(Fixture *f, const char *content)
{
        _cleanup_blob_ Blob *b = NULL;
        ObjectId id = id_of(content);
        int r;

        r = store_object_get(f->store, &id, &b);
        if (r >= 0)
                assert_memory_equal(b->data, content, strlen(content));
        return r;
}

static void drop(Fixture *f, const char *root)
{
        ObjectId id = id_of(root);

        store_object_delete(f->store, &id);
}

static void test_needed(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);

        assert_int_equal(put(f, run, "a"), -ENOENT);
        assert_int_equal(get(f, "a"), -ENOENT);
        assert_int_equal(preregister(f, run, "a", "b"), 2);
        assert_int_equal(preregister(f, run, "a", "b"), 2);
        assert_int_equal(get(f, "a"), -EAGAIN);
        assert_int_equal(put(f, run, "b"), 0);
        assert_int_equal(put(f, run, "b"), 1);
        assert_int_equal(f->n_available, 1);
        fixture_reopen(f);
        assert_int_equal(preregister(f, run, "a", "b"), 1);
        assert_int_equal(put(f, run, "a"), 0);
        assert_int_equal(preregister(f, run, "a", "b"), 0);
        fixture_reopen(f);
        assert_int_equal(preregister(f, run, "a", "b"), 0);
        assert_int_equal(get(f, "a"), 0);
        assert_int_equal(get(f, "b"), 0);
}

static void test_unknown_and_finished_runs(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_FINISHED);
        ObjectTree t = make_tree("a", NULL);
        ObjectId *needed;
        size_t n;

        assert_int_equal(store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n), -EPERM);
        assert_int_equal(store_object_preregister(f->store, run + 1, &t, NULL, NULL, &needed, &n), -ENOENT);
}

static void test_order_and_repeats(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        ObjectTree t = make_tree("root", "a", "b", "a", NULL);
        _cleanup_free_ ObjectId *needed = NULL;
        ObjectTree got;
        size_t n;

        assert_int_equal(store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n), 0);
        assert_int_equal(n, 3);
        assert_true(object_id_equal(&needed[2], &t.id));
        fixture_reopen(f);
        assert_int_equal(store_object_tree(f->store, &t.id, &got), 0);
        assert_int_equal(got.n_children, 3);
        for (size_t i = 0; i < 3; i++)
                assert_true(object_id_equal(&got.children[i].id, &t.children[i].id));
        object_tree_done(&got);
        assert_true(store_object_is_below(f->store, &t.id, &t.id));
        assert_true(store_object_is_below(f->store, &t.id, &t.children[1].id));
        assert_false(store_object_is_below(f->store, &t.children[1].id, &t.id));
        assert_int_equal(store_object_tree(f->store, &OBJECT_ID_NONE, &got), -ENOENT);
        object_tree_done(&t);
}

static void test_possession(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_run(f, RUN_RUNNING), b = make_run(f, RUN_RUNNING);

        preregister(f, a, "m1", "secret");
        assert_int_equal(put(f, a, "secret"), 0);
        /* Another run that knows the hash has to bring the content, also after a restart. */
        assert_int_equal(put(f, b, "secret"), -ENOENT);
        assert_int_equal(preregister(f, b, "m2", "secret"), 2);
        fixture_reopen(f);
        assert_int_equal(preregister(f, b, "m2", "secret"), 2);
        assert_int_equal(put(f, b, "secret"), 1);
        fixture_reopen(f);
        assert_int_equal(preregister(f, b, "m2", "secret"), 1);
}

static void test_delete(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);

        preregister(f, run, "m1", "shared");
        preregister(f, run, "m2", "shared");
        preregister(f, run, "m3", "own");
        drop(f, "shared");
        assert_int_equal(get(f, "shared"), -EAGAIN);
        drop(f, "m1");
        drop(f, "unknown");
        assert_int_equal(get(f, "m1"), -ENOENT);
        assert_int_equal(get(f, "shared"), -EAGAIN);
        drop(f, "m2");
        assert_int_equal(get(f, "shared"), -ENOENT);
        fixture_reopen(f);
        assert_int_equal(get(f, "shared"), -ENOENT);
        assert_int_equal(get(f, "own"), -EAGAIN);
        assert_int_equal(preregister(f, run, "m2", "shared"), 2);
}

static void test_two_runs(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_run(f, RUN_RUNNING), b = make_run(f, RUN_RUNNING);

        preregister(f, a, "m1", "shared");
        preregister(f, a, "m2", "own");
        preregister(f, b, "m3", "shared");
        preregister(f, b, "m1", "shared");
        assert_int_equal(store_run_delete(f->store, a, NULL, NULL), 0);
        assert_int_equal(get(f, "m2"), -ENOENT);
        assert_int_equal(get(f, "own"), -ENOENT);
        assert_int_equal(get(f, "m1"), -EAGAIN);
        assert_int_equal(get(f, "shared"), -EAGAIN);
        fixture_reopen(f);
        assert_int_equal(get(f, "m1"), -EAGAIN);
        assert_int_equal(store_run_transition(f->store, b, RUN_FINISHED, RUN_COMPLETED, "", NULL, NULL), 0);
        assert_int_equal(get(f, "m1"), -ENOENT);
        assert_int_equal(get(f, "shared"), -ENOENT);
}

static int preregister_chain(Fixture *f, uint64_t run, unsigned from, unsigned to)
{
        ObjectTree nodes[16] = {};
        ObjectId *needed = NULL;
        size_t n;
        int r;

        for (unsigned i = from; i <= to; i++) {
                char name[16];

                snprintf(name, sizeof(name), "chain %u", i);
                nodes[i].id = id_of(name);
                if (i > from) {
                        nodes[i].children = &nodes[i - 1];
                        nodes[i].n_children = 1;
                }
        }
        r = store_object_preregister(f->store, run, &nodes[to], NULL, NULL, &needed, &n);
        if (r >= 0)
                free(needed);
        return r;
}

static void test_depth(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        ObjectTree self = make_tree("self", "self", NULL);
        ObjectId *needed;
        size_t n;

        assert_int_equal(preregister_chain(f, run, 0, OBJECT_TREE_DEPTH_MAX), -E2BIG);
        assert_int_equal(preregister_chain(f, run, 0, OBJECT_TREE_DEPTH_MAX - 1), 0);
        /* Neither by putting a new root above a known tree. */
        assert_int_equal(
                preregister_chain(f, run, OBJECT_TREE_DEPTH_MAX - 1, OBJECT_TREE_DEPTH_MAX), -E2BIG);
        assert_int_equal(store_object_preregister(f->store, run, &self, NULL, NULL, &needed, &n), -EINVAL);
        object_tree_done(&self);
}

static void put_big(Fixture *f, uint64_t run, Blob *b, ObjectId *ret)
{
        ObjectTree t = {};
        ObjectId *needed;
        size_t n;

        sha256(b->data, b->size, &t.id);
        assert_int_equal(store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n), 0);
        free(needed);
        assert_true(store_object_put(f->store, run, &t.id, b, NULL, NULL) >= 0);
        *ret = t.id;
}

static bool has_file(Fixture *f, const ObjectId *id)
{
        char hex[OBJECT_ID_HEX_MAX];
        _cleanup_free_ char *path = NULL;

        object_id_format(id, hex);
        path = xasprintf("%s/objects/%.2s/%s", f->directory, hex, hex);
        return access(path, F_OK) == 0;
}

static void test_files(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        _cleanup_blob_ Blob *big = big_content("big", STORE_INLINE_MAX + 1),
                            *small = big_content("small", STORE_INLINE_MAX), *one = NULL, *two = NULL;
        ObjectId id, small_id;

        put_big(f, run, big, &id);
        put_big(f, run, small, &small_id);
        /* Gone and back within one batch: the file must stay. */
        store_object_delete(f->store, &id);
        put_big(f, run, big, &id);
        fixture_settle(f);
        assert_true(has_file(f, &id));
        assert_false(has_file(f, &small_id));
        fixture_reopen(f);
        assert_int_equal(store_object_get(f->store, &id, &one), 0);
        assert_int_equal(store_object_get(f->store, &id, &two), 0);
        assert_ptr_equal(one, two);
        assert_true(blob_equal(one, big));
        two = blob_unref(two);
        assert_int_equal(store_object_get(f->store, &small_id, &two), 0);
        assert_true(blob_equal(two, small));
        store_object_delete(f->store, &id);
        fixture_settle(f);
        assert_false(has_file(f, &id));
        assert_memory_equal(one->data, "big", 3);
}

static void test_sweep(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        _cleanup_blob_ Blob *big = big_content("big", STORE_INLINE_MAX + 1), *got = NULL;
        _cleanup_free_ char *orphan = NULL, *own = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId id;

        put_big(f, run, big, &id);
        f->store = store_free(f->store);
        orphan = xasprintf("%s/objects/00/%064d", f->directory, 0);
        fclose(fopen(orphan, "w"));
        fixture_open(f);
        assert_int_not_equal(access(orphan, F_OK), 0);
        assert_int_equal(store_object_get(f->store, &id, &got), 0);
        /* A file that somebody took away is asked for again. */
        f->store = store_free(f->store);
        object_id_format(&id, hex);
        own = xasprintf("%s/objects/%.2s/%s", f->directory, hex, hex);
        assert_int_equal(unlink(own), 0);
        fixture_open(f);
        got = blob_unref(got);
        assert_int_equal(store_object_get(f->store, &id, &got), -EAGAIN);
        assert_int_equal(store_object_put(f->store, run, &id, big, NULL, NULL), 0);
}

static void test_free_space(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        ObjectTree t = make_tree("b", NULL);
        Message m = make_instruction(run, 5, "a");
        ObjectId *needed;
        Run more = {};
        size_t n;

        preregister(f, run, "a", "c");
        f->store = store_free(f->store);
        f->config.free_space_floor = UINT64_MAX;
        fixture_open(f);
        assert_int_equal(store_run_create(f->store, &more, NULL, NULL, NULL, NULL), -ENOSPC);
        assert_int_equal(store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n), -ENOSPC);
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -ENOSPC);
        assert_int_equal(put(f, run, "a"), -ENOSPC);
        assert_int_equal(get(f, "a"), -EAGAIN);
        /* What ends work still goes. */
        assert_int_equal(store_run_transition(f->store, run, RUN_FINISHED, RUN_STOPPED, "", NULL, NULL), 0);
        assert_true(store_is_healthy(f->store));
}

#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_setup_memory, fixture_teardown)
#define DURABLE(test) cmocka_unit_test_setup_teardown(test, fixture_setup_durable, fixture_teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                IN_MEMORY(test_needed),
                DURABLE(test_needed),
                IN_MEMORY(test_unknown_and_finished_runs),
                IN_MEMORY(test_order_and_repeats),
                DURABLE(test_order_and_repeats),
                IN_MEMORY(test_possession),
                DURABLE(test_possession),
                IN_MEMORY(test_delete),
                DURABLE(test_delete),
                IN_MEMORY(test_two_runs),
                DURABLE(test_two_runs),
                IN_MEMORY(test_depth),
                DURABLE(test_files),
                DURABLE(test_sweep),
                DURABLE(test_free_space),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
