#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/object.h"

#define ID_A "0bd55c552a4d962cf4398ecd7b71d1a05377410b9b904603b85f1760b8928530"
#define ID_B "12f8bde6c044c7179a45721860ac0b369914fabb58f7aad3efaba692b005b7ac"

/* Parses, compares with what is expected, writes again and compares the id. */
static void check_object(
        const void *data, size_t size, ObjectType type, size_t n_children, const char *expected)
{
        _cleanup_object_head_ ObjectHead h = {};
        _cleanup_buf_ Buf b = {};
        const char *error = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId id;

        assert_int_equal(object_head_parse(data, size, &h, &error), 0);
        assert_int_equal(h.type, type);
        assert_int_equal(h.n_children, n_children);
        assert_int_equal(h.body_offset + h.body_size, size);

        assert_int_equal(object_head_write(h.type, h.children, h.n_children, h.body_size, &b), 0);
        assert_int_equal(b.size, h.body_offset);
        assert_int_equal(buf_append(&b, (const uint8_t *) data + h.body_offset, h.body_size), 0);
        sha256(b.data, b.size, &id);
        assert_string_equal(object_id_format(&id, hex), expected);
}

#define CHECK_OBJECT(text, ...) check_object((text), sizeof(text) - 1, __VA_ARGS__)

static void test_vectors(void **state)
{
        CHECK_OBJECT("ArrayChunk  3\0abc", OBJECT_ARRAY_CHUNK, 0,
                "8f373c1473d725a61442838233deff2aa2a89f72184e517b6a621a3b53abbbd6");
        CHECK_OBJECT("RecordDict  2\0{}", OBJECT_RECORD_DICT, 0,
                "a5fc9cb09319dc373f7a8f11a799fd0d90c359120fd6241c230de34a4f93be3e");
        CHECK_OBJECT("ConfigRecord  0\0", OBJECT_CONFIG_RECORD, 0,
                "92e56e10c672eb0057081182a173e1a861c62c6ce2efe9ce5c9a298f69e96d85");
        CHECK_OBJECT("Array " ID_A " 86\0{\"dtype\": \"float32\", \"shape\": [2, 2], \"stype\": "
                     "\"numpy.ndarray\", \"arraychunk_ids\": [0]}",
                OBJECT_ARRAY, 1, "9a6df3451aa0b992591a9034c8bd92ed282fdd133b06f879662523e78df61e38");
        CHECK_OBJECT("Array  74\0{\"dtype\": \"\", \"shape\": [], \"stype\": \"numpy.ndarray\", "
                     "\"arraychunk_ids\": []}",
                OBJECT_ARRAY, 0, "042ae2c3fe558607408886dba71fd83b03604d4a2f544580769f7e186555963a");
}

static void test_error_message_vector(void **state)
{
        static const char body[] =
                "0a57180120012a40"
                "61626162616261626162616261626162616261626162616261626162616261626162616261626162"
                "616261626162616261626162616261626162616261626162"
                "420673797374656d4900002060b813da411a050806120178";
        uint8_t bytes[96];
        _cleanup_buf_ Buf b = {};

        assert_int_equal(hex_decode(body, bytes, sizeof(bytes)), 0);
        assert_int_equal(object_head_write(OBJECT_MESSAGE, NULL, 0, sizeof(bytes), &b), 0);
        assert_int_equal(buf_append(&b, bytes, sizeof(bytes)), 0);
        check_object(b.data, b.size, OBJECT_MESSAGE, 0,
                "154ff3eea4eb7147a09456456de30d9c68fa2c7a30873f5cc493775099e6c7f3");
}

static void test_children(void **state)
{
        static const char text[] = "Message " ID_A "," ID_B " 1\0x";
        _cleanup_object_head_ ObjectHead h = {};
        char hex[OBJECT_ID_HEX_MAX];
        const char *error;

        assert_int_equal(object_head_parse(text, sizeof(text) - 1, &h, &error), 0);
        assert_int_equal(h.n_children, 2);
        assert_string_equal(object_id_format(&h.children[0], hex), ID_A);
        assert_string_equal(object_id_format(&h.children[1], hex), ID_B);
}

static void refuse(const void *data, size_t size)
{
        const char *error = NULL;
        ObjectHead h;

        assert_int_equal(object_head_parse(data, size, &h, &error), -EBADMSG);
        assert_non_null(error);
}

#define REFUSE(text) refuse((text), sizeof(text) - 1)

static void test_refused(void **state)
{
        REFUSE("");
        REFUSE("ArrayChunk  3");
        REFUSE("\0");
        REFUSE("ArrayChunk 3\0abc");
        REFUSE("ArrayChunk   3\0abc");
        REFUSE("ArrayChunk  3 \0abc");
        REFUSE("ArrayChunk  2\0abc");
        REFUSE("ArrayChunk  4\0abc");
        REFUSE("ArrayChunk  \0abc");
        REFUSE("ArrayChunk  +3\0abc");
        REFUSE("ArrayChunk  -1\0");
        REFUSE("ArrayChunk  18446744073709551619\0abc");
        REFUSE("arraychunk  3\0abc");
        REFUSE("Array2  3\0abc");
        REFUSE("Arra  3\0abc");
        REFUSE("Message " ID_A ", 1\0x");
        REFUSE("Message ," ID_A " 1\0x");
        REFUSE("Message " ID_A ";" ID_B " 1\0x");
        REFUSE("Message zz" ID_A " 1\0x");
        REFUSE("Message " ID_A ","
               " 1\0x");
        REFUSE("Message gbd55c552a4d962cf4398ecd7b71d1a05377410b9b904603b85f1760b8928530 1\0x");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_error_message_vector),
                cmocka_unit_test(test_children),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
