#include "fixture.h"

#define NODE UINT64_C(77)

static const StoreMessage *take(Fixture *f, uint64_t queue)
{
        return store_message_take(f->store, queue, now_realtime(), NULL, NULL);
}

static bool is_message(const StoreMessage *m, const char *root)
{
        ObjectId id = id_of(root);

        return m && object_id_equal(&m->message.metadata.message_id, &id);
}

static const StoreMessage *look_up(Fixture *f, const char *root)
{
        ObjectId id = id_of(root);

        return store_message(f->store, &id);
}

static int confirm(Fixture *f, const char *root)
{
        ObjectId id = id_of(root);

        return store_message_confirm(f->store, &id, NULL, NULL);
}

static int object_state(Fixture *f, const char *content)
{
        _cleanup_blob_ Blob *b = NULL;
        ObjectId id = id_of(content);

        return store_object_get(f->store, &id, &b);
}

static void test_complete(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m");

        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -ENODATA);
        preregister(f, run, "m", "c");
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), 0);
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), 0);
        assert_int_equal(put(f, run, "m"), 0);
        assert_null(take(f, NODE));
        assert_int_equal(f->n_ready, 0);
        fixture_reopen(f);
        assert_false(look_up(f, "m")->complete);
        assert_int_equal(put(f, run, "c"), 0);
        assert_int_equal(f->n_ready, 1);
        assert_int_equal(f->last_queue, NODE);
        fixture_reopen(f);
        assert_true(store_queue_is_ready(f->store, NODE, now_realtime()));
        assert_false(store_queue_is_ready(f->store, NODE + 1, now_realtime()));
        assert_null(take(f, NODE + 1));
        assert_true(is_message(take(f, NODE), "m"));
        assert_null(take(f, NODE));
        fixture_reopen(f);
        assert_null(take(f, NODE));
        assert_string_equal(look_up(f, "m")->message.metadata.message_type, "train");
        assert_string_equal(look_up(f, "m")->message.metadata.group_id, "1");
        assert_true(look_up(f, "m")->message.has_content);
        assert_true(look_up(f, "m")->delivered_at > 0);
}

static void test_refused(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING), other = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run + 1, NODE, "m");

        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -ENOENT);
        send_instruction(f, run, NODE, "m", "c");
        preregister(f, other, "m", "c");
        m.metadata.run_id = other;
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -EEXIST);
        m = make_instruction(run, NODE, "n");
        m.metadata.reply_to = id_of("m");
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -EINVAL);
        assert_int_equal(store_run_transition(f->store, run, RUN_FINISHED, RUN_STOPPED, "", NULL, NULL), 0);
        assert_null(look_up(f, "m"));
        m = make_instruction(run, NODE, "m");
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), -EPERM);
}

static void test_needs_own_objects(void **state)
{
        Fixture *f = *state;
        uint64_t a = make_run(f, RUN_RUNNING), b = make_run(f, RUN_RUNNING);
        Message m = make_instruction(b, NODE, "m");

        send_instruction(f, a, NODE + 1, "other", "secret");
        preregister(f, b, "m", "secret");
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), 0);
        assert_int_equal(put(f, b, "m"), 0);
        assert_null(take(f, NODE));
        fixture_reopen(f);
        assert_null(take(f, NODE));
        assert_int_equal(put(f, b, "secret"), 1);
        assert_true(is_message(take(f, NODE), "m"));
}

static void test_order(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING), *queues;
        Message slow = make_instruction(run, NODE, "slow");
        size_t n;

        preregister(f, run, "slow", "s");
        assert_int_equal(store_message_put(f->store, &slow, NULL, NULL), 0);
        send_instruction(f, run, NODE + 1, "x", "shared");
        send_instruction(f, run, NODE, "a", "shared");
        send_instruction(f, run, NODE, "b", "shared");
        assert_int_equal(store_queues_ready(f->store, now_realtime(), &queues, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(queues[0], NODE + 1);
        assert_int_equal(queues[1], NODE);
        free(queues);
        assert_true(is_message(take(f, NODE), "a"));
        /* What became ready late, but was stored first, is older. */
        assert_int_equal(put(f, run, "s"), 0);
        assert_int_equal(put(f, run, "slow"), 0);
        assert_true(is_message(take(f, NODE), "slow"));
        assert_true(is_message(take(f, NODE), "b"));
        assert_int_equal(store_queues_ready(f->store, now_realtime(), &queues, &n), 0);
        assert_int_equal(n, 1);
        free(queues);
}

static void test_confirm(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        ObjectId child = id_of("c");

        send_instruction(f, run, NODE, "m", "c");
        /* Also before it is given: a crash may have taken the mark of the delivery along. */
        assert_true(is_message(store_message_holding(f->store, NODE, &child), "m"));
        assert_true(is_message(take(f, NODE), "m"));
        assert_true(is_message(store_message_holding(f->store, NODE, &child), "m"));
        assert_null(store_message_holding(f->store, NODE + 1, &child));
        assert_int_equal(confirm(f, "m"), 0);
        assert_int_equal(confirm(f, "m"), 0);
        assert_int_equal(confirm(f, "unknown"), -ENOENT);
        assert_null(store_message_holding(f->store, NODE, &child));
        assert_int_equal(object_state(f, "c"), -ENOENT);
        fixture_reopen(f);
        assert_true(look_up(f, "m")->confirmed && look_up(f, "m")->complete);
        store_queue_release(f->store, NODE);
        assert_null(take(f, NODE));
        assert_int_equal(object_state(f, "m"), -ENOENT);
}

static void test_release(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING), node = make_node(f, "key");
        ObjectId id = id_of("a");

        send_instruction(f, run, node, "a", "shared");
        send_instruction(f, run, node, "b", "shared");
        take(f, node);
        take(f, node);
        assert_null(take(f, node));
        store_message_release(f->store, &id);
        assert_true(is_message(take(f, node), "a"));
        fixture_reopen(f);
        assert_null(take(f, node));
        assert_int_equal(confirm(f, "a"), 0);
        assert_int_equal(f->n_ready, 3);
        assert_int_equal(store_node_activate(f->store, node, 30, NULL, NULL), 0);
        assert_int_equal(f->n_ready, 4);
        /* Also what was released and not taken again. */
        fixture_reopen(f);
        assert_true(is_message(take(f, node), "b"));
        assert_null(take(f, node));
}

static void test_reply(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r"),
                second = make_reply(&m, "r2");
        ObjectId child = id_of("rc");

        send_instruction(f, run, NODE, "m", "c");
        take(f, NODE);
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -ENODATA);
        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        preregister(f, run, "r2", "rc");
        assert_int_equal(store_reply_put(f->store, &second, NULL, NULL), -EEXIST);
        assert_true(object_id_equal(&look_up(f, "m")->reply, &reply.metadata.message_id));
        assert_true(is_message(store_reply_holding(f->store, NODE, &child), "r"));
        assert_null(store_reply_holding(f->store, NODE + 1, &child));
        assert_int_equal(put(f, run, "rc"), 0);
        fixture_reopen(f);
        assert_int_equal(f->n_replies, 0);
        assert_int_equal(put(f, run, "r"), 0);
        assert_int_equal(f->n_replies, 1);
        assert_true(object_id_equal(&f->last_instruction, &m.metadata.message_id));
        fixture_reopen(f);
        assert_true(look_up(f, "r")->complete);
        assert_true(object_id_equal(&look_up(f, "m")->reply, &reply.metadata.message_id));
        /* An answered instruction is not given again. */
        store_queue_release(f->store, NODE);
        assert_null(take(f, NODE));
        assert_int_equal(confirm(f, "r"), 0);
        assert_int_equal(object_state(f, "r"), -ENOENT);
        assert_null(store_reply_holding(f->store, NODE, &child));
        assert_int_equal(store_message_delete(f->store, &m.metadata.message_id, NULL, NULL), 0);
        assert_null(look_up(f, "r"));
        fixture_reopen(f);
        assert_null(look_up(f, "m"));
        assert_int_equal(object_state(f, "c"), -ENOENT);
}

static void test_reply_must_mirror(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r");

        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -ENOENT);
        send_instruction(f, run, NODE, "m", "c");
        reply.metadata.src_node_id++;
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -EINVAL);
        reply = make_reply(&m, "r");
        reply.metadata.dst_node_id++;
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -EINVAL);
        reply = make_reply(&m, "r");
        reply.metadata.run_id++;
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -EINVAL);
        reply = make_reply(&m, "r");
        reply.metadata.ttl = m.metadata.ttl + 2 * MESSAGE_TTL_TOLERANCE;
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -EINVAL);
        reply.metadata.ttl = m.metadata.ttl + MESSAGE_TTL_TOLERANCE / 2;
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
}

static void test_crashed_app(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r");

        send_instruction(f, run, NODE, "m", "c");
        assert_true(is_message(take(f, run), "m"));
        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        assert_int_equal(put(f, run, "rc"), 0);
        /* The reply never became whole: the work is done again. */
        store_queue_release(f->store, run);
        assert_null(look_up(f, "r"));
        fixture_reopen(f);
        assert_true(is_message(take(f, run), "m"));
        assert_true(object_id_is_none(&look_up(f, "m")->reply));
}

static void test_hub_keeps_unfinished_reply(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r");

        send_instruction(f, run, NODE, "m", "c");
        assert_null(store_message_unanswered(f->store, NODE));
        take(f, NODE);
        assert_true(is_message(store_message_unanswered(f->store, NODE), "m"));
        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        assert_true(is_message(store_message_unanswered(f->store, NODE), "m"));
        store_queue_release(f->store, NODE);
        assert_null(take(f, NODE));
        assert_non_null(look_up(f, "r"));
        /* A reply alone can go, too. */
        assert_int_equal(store_message_delete(f->store, &reply.metadata.message_id, NULL, NULL), 0);
        assert_true(object_id_is_none(&look_up(f, "m")->reply));
        store_queue_release(f->store, NODE);
        assert_true(is_message(take(f, NODE), "m"));
}

static void test_root_of_message_stays(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        ObjectId id = id_of("m");

        send_instruction(f, run, NODE, "m", "c");
        store_object_delete(f->store, &id);
        assert_int_equal(object_state(f, "m"), 0);
        assert_int_equal(store_message_delete(f->store, &id, NULL, NULL), 0);
        assert_int_equal(object_state(f, "m"), -ENOENT);
}

static void test_all_messages(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        const StoreMessage *m = NULL;
        unsigned n = 0;

        send_instruction(f, run, NODE, "a", "c");
        send_instruction(f, run, NODE, "b", "c");
        while ((m = store_message_next(f->store, m)))
                n++;
        assert_int_equal(n, 2);
}

static void test_expiry(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        usec_t later = now_realtime() + 3601 * USEC_PER_SEC;
        Message m, reply;

        send_instruction(f, run, NODE, "m", "c");
        assert_false(store_queue_is_ready(f->store, NODE, later));
        assert_null(look_up(f, "m"));
        assert_int_equal(object_state(f, "c"), -ENOENT);
        m = make_instruction(run, NODE, "old");
        m.metadata.created_at -= 7200;
        preregister(f, run, "old", "c");
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), 0);
        reply = make_reply(&m, "r");
        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), -ENOENT);
}

static void test_end_of_run(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING), other = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r");

        send_instruction(f, run, NODE, "m", "shared");
        send_instruction(f, other, NODE, "o", "shared");
        preregister(f, run, "r", "rc");
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        assert_int_equal(
                store_run_transition(f->store, run, RUN_FINISHED, RUN_COMPLETED, "", NULL, NULL), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_null(look_up(f, "m"));
                assert_null(look_up(f, "r"));
                assert_int_equal(object_state(f, "rc"), -ENOENT);
                assert_int_equal(object_state(f, "shared"), 0);
                fixture_reopen(f);
        }
        assert_true(is_message(take(f, NODE), "o"));
}

static void test_error_reply(void **state)
{
        Fixture *f = *state;
        uint64_t run = make_run(f, RUN_RUNNING);
        Message m = make_instruction(run, NODE, "m"), reply = make_reply(&m, "r");

        send_instruction(f, run, NODE, "m", "c");
        reply.has_content = false;
        reply.has_error = true;
        reply.error_code = MESSAGE_ERROR_CLIENT_APP_RAISED;
        reply.error_reason = (char *) "why";
        preregister(f, run, "r", NULL);
        assert_int_equal(put(f, run, "r"), 0);
        assert_int_equal(store_reply_put(f->store, &reply, NULL, NULL), 0);
        assert_int_equal(f->n_replies, 1);
        fixture_reopen(f);
        assert_true(look_up(f, "r")->message.has_error);
        assert_int_equal(look_up(f, "r")->message.error_code, MESSAGE_ERROR_CLIENT_APP_RAISED);
        assert_string_equal(look_up(f, "r")->message.error_reason, "why");
}

#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_setup_memory, fixture_teardown)
#define DURABLE(test) cmocka_unit_test_setup_teardown(test, fixture_setup_durable, fixture_teardown)
#define BOTH(test) IN_MEMORY(test), DURABLE(test)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                BOTH(test_complete),
                BOTH(test_needs_own_objects),
                BOTH(test_confirm),
                BOTH(test_reply),
                BOTH(test_end_of_run),
                BOTH(test_error_reply),
                IN_MEMORY(test_hub_keeps_unfinished_reply),
                IN_MEMORY(test_root_of_message_stays),
                IN_MEMORY(test_all_messages),
                IN_MEMORY(test_refused),
                IN_MEMORY(test_order),
                IN_MEMORY(test_reply_must_mirror),
                IN_MEMORY(test_expiry),
                DURABLE(test_release),
                DURABLE(test_expiry),
                cmocka_unit_test_setup_teardown(test_crashed_app, fixture_setup_node, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
