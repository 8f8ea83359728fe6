#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "libflwr/outbox.h"

static flwr_message *new_message(uint64_t node)
{
        flwr_message *m = flwr_message_new("train", node, "3");
        flwr_record *r;

        m->m.metadata.run_id = 9;
        assert_int_equal(flwr_record_dict_add(flwr_message_content(m), "arrays", FLWR_ARRAY_RECORD, &r), 0);
        assert_int_equal(flwr_record_set_array(r, "w", FLWR_FLOAT32, NULL, 0, (float[]){1.5f}), 0);
        return m;
}

static int get(const ObjectId *id, Blob **ret, void *userdata)
{
        _cleanup_blobvec_ BlobVec pieces = {};
        int r = outbox_get(id, &pieces, userdata);

        if (r < 0)
                return r;
        *ret = blobvec_join(&pieces);
        return *ret ? 0 : -ENOMEM;
}

/* What was pushed is what arrives. */
static void check_inflates(Outbox *o, size_t i)
{
        _cleanup_message_ Message m = {};
        _cleanup_free_ char *text = NULL;
        const Record *r;

        assert_int_equal(inflate_message(&o->trees[i].id, get, o, true, &m, &text), 0);
        assert_int_equal(m.metadata.dst_node_id, o->messages[i].metadata.dst_node_id);
        assert_string_equal(m.metadata.group_id, "3");
        r = record_dict_find(m.content, "arrays");
        assert_non_null(r);
        assert_int_equal(r->n_items, 1);
}

static void test_shared(void **state)
{
        _cleanup_outbox_ Outbox o = {};
        _cleanup_object_set_ ObjectSet set = {};
        _cleanup_(object_tree_done) ObjectTree tree = {};
        flwr_message *a = new_message(5), *b = flwr_message_new("train", 6, "3");
        _cleanup_free_ char *text = NULL;
        Message whole;

        b->m.metadata.run_id = 9;
        assert_int_equal(flwr_message_share_content(b, a), 0);
        assert_int_equal(outbox_add(&o, a, false, &text), 0);
        assert_int_equal(outbox_add(&o, b, false, &text), 0);
        assert_int_equal(o.n, 2);
        assert_true(o.messages[1].has_content);
        assert_null(o.messages[1].content);
        assert_false(object_id_equal(&o.trees[0].id, &o.trees[1].id));
        assert_true(object_id_equal(&o.trees[0].children[0].id, &o.trees[1].children[0].id));
        assert_int_equal(o.map.n, object_tree_count(&o.trees[0]) + 1);

        /* Put together from parts, it has the id of the message in one piece. */
        whole = b->m;
        whole.content = b->shared->dict;
        assert_int_equal(deflate_message(&whole, 0, &set, &tree), 0);
        assert_true(object_id_equal(&tree.id, &o.trees[1].id));
        assert_true(object_id_equal(&tree.id, &o.messages[1].metadata.message_id));
        check_inflates(&o, 0);
        check_inflates(&o, 1);

        outbox_clear_messages(&o);
        assert_int_equal(o.n, 0);
        assert_int_equal(o.n_ids, 0);
        flwr_message_free(a);
        flwr_message_free(b);
}

static void test_error_reply(void **state)
{
        _cleanup_outbox_ Outbox o = {};
        _cleanup_message_ Message m = {};
        _cleanup_free_ char *text = NULL;
        flwr_message *a = new_message(SUPERLINK_NODE_ID);

        a->m.metadata.src_node_id = 5;
        a->m.metadata.reply_to.bytes[0] = 1;
        message_set_error(a, MESSAGE_ERROR_LOAD_CLIENT_APP, strdup("not \xff here"));
        assert_null(flwr_message_content(a));
        assert_int_equal(outbox_add(&o, a, true, &text), 0);
        assert_int_equal(o.trees[0].n_children, 0);
        assert_int_equal(inflate_message(&o.trees[0].id, get, &o, true, &m, &text), 0);
        assert_true(m.has_error && !m.has_content);
        assert_int_equal(m.error_code, MESSAGE_ERROR_LOAD_CLIENT_APP);
        assert_string_equal(m.error_reason, "not \xef\xbf\xbd here");
        flwr_message_free(a);
}

static void test_refused(void **state)
{
        _cleanup_outbox_ Outbox o = {};
        _cleanup_free_ char *text = NULL;
        flwr_message *a = new_message(SUPERLINK_NODE_ID), *b = new_message(5);

        assert_int_equal(outbox_add(&o, a, false, &text), -EINVAL);
        assert_non_null(strstr(text, "dst_node_id"));
        text = mfree(text);
        flwr_message_set_ttl(b, 0);
        assert_int_equal(outbox_add(&o, b, false, &text), -EINVAL);
        assert_non_null(strstr(text, "ttl"));
        assert_int_equal(o.n, 0);
        flwr_message_free(a);
        flwr_message_free(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shared),
                cmocka_unit_test(test_error_reply),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
