#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/inflate.h"
#include "inflate-content.h"
#include "model/object.h"

static void assert_id(const ObjectId *id, const char *hex)
{
        char buf[OBJECT_ID_HEX_MAX];

        assert_string_equal(object_id_format(id, buf), hex);
}

static bool has_object(const ObjectSet *s, const char *hex)
{
        ObjectId id;

        assert_int_equal(object_id_parse(hex, &id), 0);
        return object_set_find(s, &id);
}

/* A source of objects: a set, and one object that is given instead of the one with its id, or is missing. */
typedef struct Source {
        const ObjectSet *set;
        ObjectId id;
        Blob *other;
        size_t n_calls;
} Source;

static int get_object(const ObjectId *id, Blob **ret, void *userdata)
{
        Source *s = userdata;
        const ObjectItem *item = object_set_find(s->set, id);

        s->n_calls++;
        if (object_id_equal(id, &s->id))
                *ret = s->other ? blob_ref(s->other) : NULL;
        else
                *ret = item ? blobvec_join(&item->bytes) : NULL;
        return *ret ? 0 : -ENOENT;
}

/* The id of m; the objects are inflated again and must give the same id. */
static void round_trip(const Message *m, size_t chunk_size, const char *expected, ObjectSet *ret)
{
        _cleanup_(object_tree_done) ObjectTree tree = {}, tree2 = {};
        _cleanup_object_set_ ObjectSet set2 = {};
        _cleanup_message_ Message copy = {};
        _cleanup_free_ char *error = NULL;
        Source source = {.set = ret};

        assert_int_equal(deflate_message(m, chunk_size, ret, &tree), 0);
        if (expected)
                assert_id(&tree.id, expected);
        assert_true(object_id_equal(&tree.id, &ret->items[ret->n - 1].id));

        assert_int_equal(inflate_message(&tree.id, get_object, &source, true, &copy, &error), 0);
        assert_true(object_id_equal(&copy.metadata.message_id, &tree.id));
        assert_int_equal(copy.has_content, m->has_content);
        assert_int_equal(copy.has_error, m->has_error);
        assert_int_equal(deflate_message(&copy, chunk_size, &set2, &tree2), 0);
        assert_true(object_id_equal(&tree.id, &tree2.id));
        assert_int_equal(set2.n, ret->n);
        assert_int_equal(object_tree_count(&tree), object_tree_count(&tree2));
}

static void add_config(RecordDict *d)
{
        Record *r = add_record(d, "config", RECORD_CONFIG);

        add_value(r, "server-round", SINT64(1));
        add_value(r, "lr", DOUBLE(0.1));
        add_value(r, "s", STRING("hé"));
        add_value(r, "flag", BOOL(true));
        add_value(r, "by", BYTES("\0\1", 2));
        add_value(r, "li", NUMBERS(VALUE_SINT64_LIST, int64_t, 1, 2));
        add_value(r, "ls", string_list("a", "b"));
        add_value(r, "lb", NUMBERS(VALUE_BOOL_LIST, bool, true, false));
        add_value(r, "lf", NUMBERS(VALUE_DOUBLE_LIST, double, 0.5));
        add_value(r, "lby", bytes_list("x", NULL));
        add_value(r, "empty", EMPTY(VALUE_BOOL_LIST));
        add_value(r, "big", UINT64(UINT64_C(9223372036854775809)));
}

static Message make_message(void)
{
        static const double scalar = 5;
        Message m = {.has_content = true, .content = record_dict_new()};
        Record *r;

        m.metadata = (Metadata){
                .run_id = 7,
                .message_id.bytes = "does not matter",
                .src_node_id = 1,
                .dst_node_id = 42,
                .group_id = strdup("3"),
                .ttl = 43200,
                .message_type = strdup("train"),
                .created_at = 1750000000.5,
        };
        r = add_record(m.content, "arrays", RECORD_ARRAY);
        add_array(r, "w", "float32", (int32_t[]){2, 2}, 2, matrix_blob());
        add_array(r, "b", "float64", NULL, 0, npy_blob(NPY_F64, NULL, 0, &scalar, sizeof(scalar)));
        add_array(r, "w2", "float32", (int32_t[]){2, 2}, 2, matrix_blob());

        r = add_record(m.content, "metrics", RECORD_METRIC);
        add_value(r, "num-examples", SINT64(10));
        add_value(r, "loss", DOUBLE(0.5));
        add_value(r, "l", NUMBERS(VALUE_SINT64_LIST, int64_t, 1, 2));
        add_value(r, "f", NUMBERS(VALUE_DOUBLE_LIST, double, 1.5));
        add_value(r, "neg", SINT64(-3));

        add_config(m.content);
        return m;
}

/* Vectors 1 to 9 */
static void test_instruction(void **state)
{
        static const char *const ids[] = {
                "0bd55c552a4d962cf4398ecd7b71d1a05377410b9b904603b85f1760b8928530",
                "9a6df3451aa0b992591a9034c8bd92ed282fdd133b06f879662523e78df61e38",
                "12f8bde6c044c7179a45721860ac0b369914fabb58f7aad3efaba692b005b7ac",
                "c9c3f7b1cccb8554c06313b8e9c65a40f8b34263e6dcce11806881ed5cea89e7",
                "29762b287dd430b4b3d2fcb9e822f1301f535604579de7e5ff4a20fa4734d98c",
                "1db2fb754ac5faa960cbbee85a1c1dd5f42d0e7dc5b5fee2bbf0d6a203f6d524",
                "a32fe0f74d90b0305bbcb08fbc14218e7b38733de05b408b41811623c633681d",
                "2212596ce32b679a4f7d375bd132f921f4a136ea3524cd29d89b0a6cbcdc3729",
        };
        _cleanup_message_ Message m = make_message();
        _cleanup_object_set_ ObjectSet set = {};

        round_trip(&m, 0, "b8620a123d9fdd36f92caee2f61523bb5eff9ce2fe4db9f3b93a8e6c18159e90", &set);
        assert_int_equal(set.n, ELEMENTSOF(ids) + 1);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                assert_true(has_object(&set, ids[i]));
}

/* Vector 12 */
static void test_error_reply(void **state)
{
        _cleanup_message_ Message m = {.has_error = true, .error_code = 2, .error_reason = strdup("boom")};
        _cleanup_object_set_ ObjectSet set = {};

        m.metadata = (Metadata){
                .run_id = 7,
                .src_node_id = 42,
                .dst_node_id = 1,
                .group_id = strdup("3"),
                .ttl = 43198.75,
                .message_type = strdup("train"),
                .created_at = 1750000001.25,
        };
        memset(m.metadata.reply_to.bytes, 0xab, sizeof(m.metadata.reply_to.bytes));
        round_trip(&m, 0, "e74d9f30447f2389d16364b42da6364a241ef0822de6c5da733b262d37f0e77a", &set);
        assert_int_equal(set.n, 1);
}

/* A message around content (taken), of which the ids are looked up in the set. */
static void check_content(RecordDict *content, const char *const *ids)
{
        _cleanup_message_ Message m = {.has_content = true, .content = content};
        _cleanup_object_set_ ObjectSet set = {};

        round_trip(&m, 0, NULL, &set);
        for (; *ids; ids++)
                if (!has_object(&set, *ids))
                        fail_msg("missing: %s", *ids);
}

#define CHECK_CONTENT(content, ...) check_content((content), (const char *const[]){__VA_ARGS__, NULL})

/* Vectors 10, 11, 13 */
static void test_names(void **state)
{
        RecordDict *d = record_dict_new();

        CHECK_CONTENT(record_dict_new(), "a5fc9cb09319dc373f7a8f11a799fd0d90c359120fd6241c230de34a4f93be3e");
        add_record(d, "c", RECORD_CONFIG);
        CHECK_CONTENT(d, "92e56e10c672eb0057081182a173e1a861c62c6ce2efe9ce5c9a298f69e96d85");

        d = record_dict_new();
        add_record(d, "é\"\\\u2028 ", RECORD_METRIC);
        add_record(d, "z", RECORD_METRIC);
        CHECK_CONTENT(d, "fab1d54fe101e94e092e8a4efc3c72b52fe1198c6af2aa4ec768d013e78854c5",
                "cd67233839ee7f090f88649a935386e7346c85272220e787b99ad604596ba486");
}

static void add_parameters(RecordDict *d, const char *name)
{
        static const float data[] = {1, 2, 3};

        add_array(add_record(d, name, RECORD_ARRAY), "0", "", NULL, 0,
                npy_blob(NPY_F32, (uint64_t[]){3}, 1, data, sizeof(data)));
}

/* Vectors 14 to 23 */
static void test_legacy(void **state)
{
        RecordDict *d = record_dict_new();
        Record *r;

        add_parameters(d, "fitins.parameters");
        r = add_record(d, "fitins.config", RECORD_CONFIG);
        add_value(r, "lr", DOUBLE(0.1));
        add_value(r, "n", SINT64(3));
        CHECK_CONTENT(d, "1c0de163ebbba9b7e6c78ba9bb113e8b94ff01a03cf67de3321ae49256aa968a",
                "d2a0b053e0bbcf9aecd40c1a6a7a9bd7b83983e0859b5da926c72542a85b498d",
                "e18564ce6b20e31c9b74d0218308a0526c1dc743993fa73a51422b26889f0e8e",
                "1add9b9508741dbbcd34205168c2000a8d1ff1dadc883b7a8c7c1a99c4019069",
                "a46dfa849978609e1eb805a6d2d079886ebbb3859d7918294936ffc192340369");

        d = record_dict_new();
        add_value(add_record(d, "fitres.metrics", RECORD_CONFIG), "acc", DOUBLE(0.5));
        add_value(add_record(d, "fitres.num_examples", RECORD_METRIC), "num_examples", SINT64(10));
        add_parameters(d, "fitres.parameters");
        r = add_record(d, "fitres.status", RECORD_CONFIG);
        add_value(r, "code", SINT64(0));
        add_value(r, "message", STRING("Success"));
        CHECK_CONTENT(d, "e2a8902804e27fd00c8b5625955af77d06263eb9d629832434f246d63468dc22",
                "af8410f21c45d8efae8b7109304f590532b4cb4a9aea380503257ea58c399215",
                "6eb80678ba4ebca61849d650bd54b58fdb179933a6086e58d4cc8d757ccaaea5",
                "f3a04773c48a01a38ade813e04fa35283903554dbad101395cd24a8f9996c868");

        d = record_dict_new();
        add_array(add_record(d, "a", RECORD_ARRAY), "_empty", "", NULL, 0, blob_new("", 0));
        CHECK_CONTENT(d, "042ae2c3fe558607408886dba71fd83b03604d4a2f544580769f7e186555963a");
}

static void test_chunks(void **state)
{
        _cleanup_message_ Message m = {.has_content = true, .content = record_dict_new()}, copy = {};
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_object_set_ ObjectSet set = {};
        _cleanup_free_ char *error = NULL;
        Source source = {.set = &set};
        Record *r = add_record(m.content, "a", RECORD_ARRAY);
        const ObjectTree *array;

        add_array(r, "w", "", NULL, 0, blob_new_string("abcabcxbcabcy"));
        assert_int_equal(deflate_message(&m, 3, &set, &tree), 0);
        array = &tree.children[0].children[0].children[0];
        assert_int_equal(array->n_children, 3); /* abc, xbc, y */
        assert_int_equal(set.n, 7);
        for (size_t i = 0; i < set.n; i++)
                for (size_t k = 0; k < set.items[i].bytes.n; k++)
                        assert_true(set.items[i].bytes.n == (i < 3 ? 2 : 1)); /* chunks: head and slice */
        assert_ptr_equal(set.items[0].bytes.v[1]->data, r->items[0].array.data->data);

        assert_int_equal(inflate_message(&tree.id, get_object, &source, true, &copy, &error), 0);
        assert_int_equal(source.n_calls, set.n);
        r = record_dict_find(copy.content, "a");
        assert_true(
                blob_equal(r->items[0].array.data, record_dict_find(m.content, "a")->items[0].array.data));
}

static void test_single_chunk_is_shared(void **state)
{
        _cleanup_message_ Message m = make_message(), copy = {};
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_object_set_ ObjectSet set = {};
        _cleanup_free_ char *error = NULL;
        _cleanup_blob_ Blob *chunk = NULL;
        const Blob *data;
        Source source = {.set = &set};

        assert_int_equal(deflate_message(&m, 0, &set, &tree), 0);
        chunk = blobvec_join(&set.items[0].bytes);
        source.id = set.items[0].id;
        source.other = chunk;
        assert_int_equal(inflate_message(&tree.id, get_object, &source, true, &copy, &error), 0);
        data = record_find(record_dict_find(copy.content, "arrays"), "w2")->array.data;
        assert_true(data->data > chunk->data && data->data + data->size == chunk->data + chunk->size);
        assert_ptr_equal(record_find(record_dict_find(copy.content, "arrays"), "w")->array.data, data);
}

/* Every object in turn is missing, damaged, or another one. */
static void test_bad_objects(void **state)
{
        _cleanup_message_ Message m = make_message();
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_object_set_ ObjectSet set = {};

        assert_int_equal(deflate_message(&m, 50, &set, &tree), 0);
        for (size_t i = 0; i < set.n; i++) {
                Source source = {.set = &set, .id = set.items[i].id};
                _cleanup_blob_ Blob *other = blobvec_join(&set.items[(i + 1) % set.n].bytes);
                Message copy;

                for (unsigned kind = 0; kind < 2; kind++) {
                        _cleanup_free_ char *error = NULL;
                        char hex[OBJECT_ID_HEX_MAX];

                        source.other = kind == 0 ? NULL : other;
                        assert_int_equal(inflate_message(&tree.id, get_object, &source, true, &copy, &error),
                                kind == 0 ? -ENOENT : -EBADMSG);
                        assert_non_null(strstr(error, object_id_format(&source.id, hex)));
                }
        }
}

#define ID_A "0bd55c552a4d962cf4398ecd7b71d1a05377410b9b904603b85f1760b8928530"
#define ID_R "a5fc9cb09319dc373f7a8f11a799fd0d90c359120fd6241c230de34a4f93be3e"

/* Gives text instead of the i-th object (from the end); without hashes it is the structure that must be
 * refused. */
static void refuse_structure(
        const Message *m, size_t i, const char *type, const char *children, const char *body)
{
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_object_set_ ObjectSet set = {};
        _cleanup_free_ char *error = NULL, *text = NULL;
        _cleanup_blob_ Blob *b = NULL;
        Source source = {.set = &set};
        _cleanup_buf_ Buf buf = {};
        char hex[OBJECT_ID_HEX_MAX];
        Message copy;

        assert_int_equal(deflate_message(m, 0, &set, &tree), 0);
        text = xasprintf("%s %s %zu", type,
                streq(children, "*") ? object_id_format(&set.items[0].id, hex) : children, strlen(body));
        check(buf_append(&buf, text, strlen(text) + 1));
        check(buf_append_str(&buf, body));
        source.other = b = buf_steal_blob(&buf);
        source.id = set.items[set.n - 1 - i].id;
        if (inflate_message(&tree.id, get_object, &source, false, &copy, &error) != -EBADMSG)
                fail_msg("accepted: %s %s", text, body);
        assert_non_null(error);
}

static void test_bad_structures(void **state)
{
        _cleanup_message_ Message m = {.has_content = true, .content = record_dict_new()};

        /* objects, from the end: message, dictionary, record, array, chunk */
        add_array(add_record(m.content, "a", RECORD_ARRAY), "w", "", NULL, 0, blob_new_string("x"));

        refuse_structure(&m, 0, "Message", "", "");
        refuse_structure(&m, 0, "Message", "*", "\x1a"); /* truncated */
        refuse_structure(&m, 0, "RecordDict", "", "{}");
        refuse_structure(&m, 1, "RecordDict", "", "{");
        refuse_structure(&m, 1, "RecordDict", "", "{\"a\": \"" ID_A "\"}");
        refuse_structure(&m, 1, "RecordDict", "", "{\"a\": 1}");
        refuse_structure(&m, 1, "RecordDict", "*", "{\"a\": \"" ID_A "\"}");
        refuse_structure(&m, 1, "ConfigRecord", "", "");
        refuse_structure(&m, 2, "MetricRecord", "*", "");
        refuse_structure(&m, 2, "MetricRecord", "", "x");
        refuse_structure(&m, 2, "Array", "*", "{}");
        refuse_structure(&m, 2, "ArrayRecord", "*", "{\"w\": \"\"}");
        refuse_structure(&m, 3, "Array", "*", "{}");
        refuse_structure(&m, 3, "Array", "*", "{\"dtype\": \"\", \"shape\": [], \"stype\": \"\"}");
        refuse_structure(&m, 3, "Array", "*",
                "{\"dtype\": \"\", \"shape\": [], \"stype\": \"\", \"arraychunk_ids\": [1]}");
        refuse_structure(&m, 3, "Array", "*",
                "{\"dtype\": \"\", \"shape\": [], \"stype\": \"\", \"arraychunk_ids\": [-1]}");
        refuse_structure(&m, 3, "Array", "*",
                "{\"dtype\": \"\", \"shape\": [-1], \"stype\": \"\", \"arraychunk_ids\": [0]}");
        refuse_structure(&m, 3, "Array", "*",
                "{\"dtype\": 1, \"shape\": [], \"stype\": \"\", \"arraychunk_ids\": [0]}");
        refuse_structure(&m, 4, "MetricRecord", "", "");
}

/* One small chunk, named so often that it stands for more than is allowed. */
static void test_amplification(void **state)
{
        const size_t size = 1 << 20, n = (INFLATE_BYTES_MAX >> 20) + 1;
        _cleanup_message_ Message m = {.has_content = true, .content = record_dict_new()};
        _cleanup_(object_tree_done) ObjectTree tree = {};
        _cleanup_object_set_ ObjectSet set = {};
        _cleanup_free_ char *error = NULL, *zero = calloc(1, size);
        _cleanup_blob_ Blob *b = NULL;
        _cleanup_buf_ Buf body = {}, object = {};
        Source source = {.set = &set};
        Message copy;

        add_array(add_record(m.content, "a", RECORD_ARRAY), "w", "", NULL, 0, blob_new(zero, size));
        assert_int_equal(deflate_message(&m, 0, &set, &tree), 0);
        check(buf_append_str(
                &body, "{\"dtype\": \"\", \"shape\": [], \"stype\": \"\", \"arraychunk_ids\": [0"));
        for (size_t i = 1; i < n; i++)
                check(buf_append_str(&body, ",0"));
        check(buf_append_str(&body, "]}"));
        check(object_head_write(OBJECT_ARRAY, &set.items[0].id, 1, body.size, &object));
        check(buf_append(&object, body.data, body.size));
        source.other = b = buf_steal_blob(&object);
        source.id = set.items[1].id;
        assert_int_equal(inflate_message(&tree.id, get_object, &source, false, &copy, &error), -EFBIG);
        assert_non_null(strstr(error, "too large"));
}

static void test_many_records(void **state)
{
        _cleanup_message_ Message m = {.has_content = true, .content = record_dict_new()};
        _cleanup_object_set_ ObjectSet set = {};

        for (int i = 0; i < 1000; i++) {
                _cleanup_free_ char *name = xasprintf("r%d", i);

                add_value(add_record(m.content, name, RECORD_CONFIG), "i", SINT64(i % 500));
        }
        round_trip(&m, 0, NULL, &set);
        assert_int_equal(set.n, 502);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_instruction),
                cmocka_unit_test(test_error_reply),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_legacy),
                cmocka_unit_test(test_chunks),
                cmocka_unit_test(test_single_chunk_is_shared),
                cmocka_unit_test(test_bad_objects),
                cmocka_unit_test(test_bad_structures),
                cmocka_unit_test(test_amplification),
                cmocka_unit_test(test_many_records),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
