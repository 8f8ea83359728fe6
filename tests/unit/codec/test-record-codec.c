#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/context-codec.h"
#include "codec/record-codec.h"
#include "inflate-content.h"

/* As genuine Flower writes it. */
#define STATE                                                                                               \
        "0ac3010a0661727261797312b8010ab5010a017712af010a07666c6f61743332120202021a0d6e756d70792e6e6461727" \
        "2"                                                                                                 \
        "6179229001934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2" \
        "0"                                                                                                 \
        "46616c73652c20277368617065273a2028322c2032292c207d20202020202020202020202020202020202020202020202" \
        "0"                                                                                                 \
        "202020202020202020202020202020202020202020202020202020202020202020200a0000803f0000004000004040000" \
        "0"                                                                                                 \
        "80400a760a016d1a710a070a0161120210020a0e0a0162120909000000000000e0bf0a080a01631203aa01000a120a016" \
        "4"                                                                                                 \
        "120daa010a0a08000000000000f83f0a100a0175120b18858080808080808080010a160a0275731210ba010d0a0b85808" \
        "0"                                                                                                 \
        "80808080808001010a0e0a0269731208b201050a0301d8040a7a0a016322750a090a017312042a02c3a90a070a0165120" \
        "2"                                                                                                 \
        "2a000a0a0a0262791204320200010a070a0166120220000a0e0a02736c1208ca01050a01610a000a0e0a02626c1208d20" \
        "1"                                                                                                 \
        "050a01780a000a0d0a02626f1207c201040a0201000a1b0a02646c1215aa01120a10000000000000e03f0000000000000" \
        "0"                                                                                                 \
        "800a090a05656d7074792200"
#define CONTEXT                                                                                             \
        "080710ffffffffffffffffff011a120a0c706172746974696f6e2d69641202400522c503" STATE                    \
        "2a0f0a026c721209099a9999999999b93f"

static RecordDict *make_state(void)
{
        RecordDict *d = record_dict_new();
        Record *r;

        r = add_record(d, "arrays", RECORD_ARRAY);
        add_array(r, "w", "float32", (int32_t[]){2, 2}, 2, matrix_blob());
        r = add_record(d, "m", RECORD_METRIC);
        add_value(r, "a", SINT64(1));
        add_value(r, "b", DOUBLE(-0.5));
        add_value(r, "c", EMPTY(VALUE_DOUBLE_LIST));
        add_value(r, "d", NUMBERS(VALUE_DOUBLE_LIST, double, 1.5));
        add_value(r, "u", UINT64(UINT64_C(9223372036854775813)));
        add_value(r, "us", NUMBERS(VALUE_UINT64_LIST, uint64_t, UINT64_C(9223372036854775813), 1));
        add_value(r, "is", NUMBERS(VALUE_SINT64_LIST, int64_t, -1, 300));
        r = add_record(d, "c", RECORD_CONFIG);
        add_value(r, "s", STRING("é"));
        add_value(r, "e", STRING(""));
        add_value(r, "by", BYTES("\0\1", 2));
        add_value(r, "f", BOOL(false));
        add_value(r, "sl", string_list("a", ""));
        add_value(r, "bl", bytes_list("x", ""));
        add_value(r, "bo", NUMBERS(VALUE_BOOL_LIST, bool, true, false));
        add_value(r, "dl", NUMBERS(VALUE_DOUBLE_LIST, double, 0.5, -0.0));
        add_record(d, "empty", RECORD_CONFIG);
        return d;
}

static Blob *from_hex(const char *hex)
{
        uint8_t *data;
        size_t size = strlen(hex) / 2;
        Blob *b = blob_alloc(size, &data);

        assert_int_equal(hex_decode(hex, data, size), 0);
        return b;
}

static void assert_encodes(const RecordDict *d, const char *hex)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ Buf b = {};

        assert_int_equal(record_dict_encode(d, &b), 0);
        assert_int_equal(b.size, record_dict_size(d));
        text = hex_encode(b.data, b.size);
        assert_string_equal(text, hex);
}

static void test_genuine_bytes(void **state)
{
        _cleanup_(record_dict_freep) RecordDict *d = make_state(), *decoded = NULL;
        _cleanup_blob_ Blob *b = from_hex(STATE);

        assert_encodes(d, STATE);
        assert_int_equal(record_dict_decode(b->data, b->size, &decoded), 0);
        assert_int_equal(decoded->n_records, 4);
        assert_encodes(decoded, STATE);
        assert_int_equal(record_find(record_dict_find(decoded, "m"), "is")->value.is[1], 300);
        assert_int_equal(record_find(record_dict_find(decoded, "arrays"), "w")->array.shape[1], 2);
}

static void test_unpacked_lists(void **state)
{
        /* {"": {"l": 1 (alone) and [2, 1] (packed), "d": 0.5 (alone)}} */
        _cleanup_blob_ Blob *b = from_hex("0a251a230a0e0a016c1209b2010608020a0204020a110a0164120caa010909"
                                          "000000000000e03f");
        _cleanup_(record_dict_freep) RecordDict *d = NULL;
        Record *r;

        assert_int_equal(record_dict_decode(b->data, b->size, &d), 0);
        r = record_dict_find(d, "");
        assert_int_equal(record_find(r, "l")->value.n, 3);
        assert_int_equal(record_find(r, "l")->value.is[0], 1);
        assert_int_equal(record_find(r, "l")->value.is[1], 2);
        assert_int_equal(record_find(r, "d")->value.n, 1);
        assert_true(record_find(r, "d")->value.ds[0] == 0.5);
}

static void test_slices(void **state)
{
        _cleanup_(record_dict_freep) RecordDict *d = record_dict_new(), *decoded = NULL;
        _cleanup_free_ char *error = NULL, *zero = calloc(1, 5000);
        _cleanup_blob_ Blob *b = NULL;
        _cleanup_buf_ Buf buf = {};
        const Blob *data;

        add_array(add_record(d, "a", RECORD_ARRAY), "w", "", NULL, 0, blob_new(zero, 5000));
        assert_int_equal(record_dict_encode(d, &buf), 0);
        b = buf_steal_blob(&buf);
        assert_int_equal(record_dict_decode_slices(b, b->data, b->size, &decoded, &error), 0);
        data = record_find(record_dict_find(decoded, "a"), "w")->array.data;
        assert_int_equal(data->size, 5000);
        assert_true(data->data > b->data && data->data < b->data + b->size);
}

static void test_refused(void **state)
{
        static const char *const rows[] = {
                "0a",                                                 /* truncated */
                "0a050a01611a",                                       /* truncated inside */
                "0a030a0161",                                         /* a record without a type */
                "0a070a01611a002200",                                 /* a record of two types */
                "0a050a01611a000a050a01612200",                       /* a name twice */
                "0a0a0a016d1a050a030a0161",                           /* an item without a value */
                "0a0c0a016d1a070a050a01611200",                       /* a value without a type */
                "0a0e0a016d1a090a070a016112022001",                   /* bool in a metric */
                "0a100a016d1a0b0a090a0161120410021002",               /* a type twice */
                "0a100a016d1a0b0a090a0161120410021802",               /* two types */
                "0a160a016d1a110a070a0161120210020a060a016112021002", /* wrong length */
                "0a170a016d1a120a070a0161120210020a070a016112021002", /* a key twice */
                "0a0f0a016d1a0a0a080a016112030a0100",                 /* bytes instead of double */
                "0a120a016d1a0d0a0b0a01611206aa01030a0100",           /* a packed double of one byte */
                "0a120a016d1a0d0a0b0a01611206b201030a0180",           /* an endless varint */
                "0a0d0a01611208"
                "0a060a01611201ff",                     /* not protobuf inside an array */
                "0a100a0161120b0a090a016112041202ffff", /* an endless dimension */
                "0a0f0a016322"
                "0a0a080a016112032a0100", /* NUL in a string */
                "0a0f0a016322"
                "0a0a080a016112032a01ff", /* bad UTF-8 */
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_blob_ Blob *b = from_hex(rows[i]);
                RecordDict *d = NULL;

                if (record_dict_decode(b->data, b->size, &d) != -EBADMSG)
                        fail_msg("accepted: %s", rows[i]);
        }
}

/* No prefix, and no copy with one byte changed, does harm. */
static void test_damaged(void **state)
{
        _cleanup_blob_ Blob *b = from_hex(STATE);

        for (size_t i = 0; i < b->size; i++)
                for (unsigned change = 0; change < 3; change++) {
                        _cleanup_free_ uint8_t *copy = malloc(b->size);
                        size_t size = change == 0 ? i : b->size;
                        RecordDict *d = NULL;

                        memcpy(copy, b->data, b->size);
                        copy[i] ^= change == 2 ? 0x80 : change;
                        if (record_dict_decode(copy, size, &d) >= 0)
                                record_dict_free(d);
                }
}

static void test_context(void **state)
{
        _cleanup_context_ Context c = {.run_id = 7, .node_id = UINT64_MAX, .state = make_state()},
                                  decoded = {};
        _cleanup_blob_ Blob *b = from_hex(CONTEXT), *empty = blob_new("", 0), *bad = from_hex("2202ffff");
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ Buf buf = {};

        check(config_set(&c.node_config, "partition-id", &(Scalar){.type = SCALAR_SINT64, .i = -3}));
        check(config_set(&c.run_config, "lr", &(Scalar){.type = SCALAR_DOUBLE, .d = 0.1}));
        assert_int_equal(context_encode(&c, &buf), 0);
        text = hex_encode(buf.data, buf.size);
        assert_string_equal(text, CONTEXT);

        assert_int_equal(context_decode(b, &decoded), 0);
        assert_true(decoded.node_id == UINT64_MAX);
        assert_int_equal(config_get(&decoded.node_config, "partition-id")->i, -3);
        assert_true(config_get(&decoded.run_config, "lr")->d == 0.1);
        assert_encodes(decoded.state, STATE);

        context_done(&decoded);
        assert_int_equal(context_decode(empty, &decoded), 0);
        assert_non_null(decoded.state);
        context_done(&decoded);
        assert_int_equal(context_decode(bad, &decoded), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_genuine_bytes),
                cmocka_unit_test(test_unpacked_lists),
                cmocka_unit_test(test_slices),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_damaged),
                cmocka_unit_test(test_context),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
