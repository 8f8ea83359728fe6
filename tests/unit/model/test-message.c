#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/message.h"

#define NOW 1750000000.0

static Message make(bool is_reply)
{
        Message m = {.has_content = true};

        m.metadata = (Metadata){
                .run_id = 7,
                .message_id.bytes = {1},
                .src_node_id = is_reply ? 42 : SUPERLINK_NODE_ID,
                .dst_node_id = is_reply ? SUPERLINK_NODE_ID : 42,
                .reply_to.bytes = {is_reply ? 2 : 0},
                .group_id = strdup("3"),
                .ttl = 60,
                .message_type = strdup("train"),
                .created_at = NOW - 1,
        };
        return m;
}

static void test_check_valid(void **state)
{
        for (int reply = 0; reply < 2; reply++) {
                _cleanup_message_ Message m = make(reply);

                assert_null(message_check(&m, reply, NOW));
                assert_non_null(message_check(&m, !reply, NOW));
                m.has_content = false;
                m.has_error = true;
                assert_null(message_check(&m, reply, NOW));
        }
}

#define REFUSED(reply, field, change)                                                                       \
        do {                                                                                                \
                _cleanup_message_ Message m = make(reply);                                                  \
                const char *_text;                                                                          \
                change;                                                                                     \
                _text = message_check(&m, (reply), NOW);                                                    \
                assert_non_null(_text);                                                                     \
                assert_non_null(strstr(_text, (field)));                                                    \
        } while (0)

static void test_check_refused(void **state)
{
        REFUSED(false, "message_id", m.metadata.message_id = OBJECT_ID_NONE);
        REFUSED(false, "created_at", m.metadata.created_at = MESSAGE_CREATED_AT_MIN - 1);
        REFUSED(false, "created_at", m.metadata.created_at = NAN);
        REFUSED(false, "ttl", m.metadata.ttl = 0);
        REFUSED(false, "ttl", m.metadata.ttl = NAN);
        REFUSED(false, "expired", m.metadata.ttl = 1);
        REFUSED(false, "src_node_id", m.metadata.src_node_id = 42);
        REFUSED(false, "src_node_id", m.metadata.src_node_id = 0);
        REFUSED(false, "dst_node_id", m.metadata.dst_node_id = 0);
        REFUSED(false, "dst_node_id", m.metadata.dst_node_id = SUPERLINK_NODE_ID);
        REFUSED(false, "reply_to_message_id", m.metadata.reply_to = m.metadata.message_id);
        REFUSED(false, "message_type", m.metadata.message_type[0] = '\0');
        REFUSED(false, "message_type", m.metadata.message_type[0] = 'T');
        REFUSED(false, "content", m.has_error = true);
        REFUSED(false, "content", m.has_content = false);
        REFUSED(true, "src_node_id", m.metadata.src_node_id = SUPERLINK_NODE_ID);
        REFUSED(true, "dst_node_id", m.metadata.dst_node_id = 43);
        REFUSED(true, "reply_to_message_id", m.metadata.reply_to = OBJECT_ID_NONE);
        REFUSED(true, "group_id", {
                free(m.metadata.group_id);
                m.metadata.group_id = calloc(1, MESSAGE_GROUP_LENGTH_MAX + 2);
                memset(m.metadata.group_id, 'x', MESSAGE_GROUP_LENGTH_MAX + 1);
        });
}

static void test_types(void **state)
{
        static const char *const valid[] = {"train", "evaluate", "query", "system", "train.my_mod",
                "query._1", "train.é", "get_properties", "get_parameters", "reconnect"};
        static const char *const invalid[] = {"", "Train", "trainer", "train.", "train.1a", "train.a.b",
                "train.a-b", ".train", "get_properties.x", "train ", "other.x"};
        char too_long[MESSAGE_TYPE_LENGTH_MAX + 2] = "train.";

        for (size_t i = 0; i < ELEMENTSOF(valid); i++)
                assert_true(message_type_is_valid(valid[i]));
        for (size_t i = 0; i < ELEMENTSOF(invalid); i++)
                assert_false(message_type_is_valid(invalid[i]));
        assert_false(message_type_is_valid(NULL));
        memset(too_long + 6, 'a', sizeof(too_long) - 7);
        assert_false(message_type_is_valid(too_long));
}

static void test_reply(void **state)
{
        _cleanup_message_ Message m = make(false), reply = {};

        assert_int_equal(message_init_reply(&m, NOW, &reply), 0);
        assert_true(object_id_is_none(&reply.metadata.message_id));
        assert_true(object_id_equal(&reply.metadata.reply_to, &m.metadata.message_id));
        assert_int_equal(reply.metadata.src_node_id, 42);
        assert_int_equal(reply.metadata.dst_node_id, SUPERLINK_NODE_ID);
        assert_int_equal(reply.metadata.run_id, 7);
        assert_string_equal(reply.metadata.group_id, "3");
        assert_string_equal(reply.metadata.message_type, "train");
        assert_true(reply.metadata.ttl == 59);
        assert_true(reply.metadata.created_at == NOW);

        reply.metadata.message_id = m.metadata.message_id;
        reply.has_error = true;
        assert_null(message_check(&reply, true, NOW));
}

static void test_copy(void **state)
{
        _cleanup_message_ Message m = make(true), copy = {};

        m.error_reason = strdup("boom");
        m.error_code = -3;
        assert_int_equal(message_copy(&m, &copy), 0);
        assert_string_equal(copy.error_reason, "boom");
        assert_int_equal(copy.error_code, -3);
        assert_true(copy.has_content);
        assert_null(copy.content);
}

static int note_id(const ObjectTree *node, void *userdata)
{
        char *text = userdata;
        size_t n = strlen(text);

        text[n] = (char) node->id.bytes[0];
        return node->id.bytes[0] == '!' ? -ECANCELED : 0;
}

static void test_tree(void **state)
{
        ObjectTree leaves[] = {{.id.bytes = "a"}, {.id.bytes = "b"}};
        ObjectTree middle[] = {{.id.bytes = "c", .children = leaves, .n_children = 2}, {.id.bytes = "d"}};
        ObjectTree root = {.id.bytes = "e", .children = middle, .n_children = 2};
        _cleanup_(object_tree_done) ObjectTree copy = {};
        char text[16] = "", stopped[16] = "";

        assert_int_equal(object_tree_count(&root), 5);
        assert_int_equal(object_tree_copy(&root, &copy), 0);
        assert_int_equal(object_tree_walk(&copy, note_id, text), 0);
        assert_string_equal(text, "abcde");

        copy.children[0].children[1].id.bytes[0] = '!';
        assert_int_equal(object_tree_walk(&copy, note_id, stopped), -ECANCELED);
        assert_string_equal(stopped, "a!");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check_valid),
                cmocka_unit_test(test_check_refused),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_reply),
                cmocka_unit_test(test_copy),
                cmocka_unit_test(test_tree),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
