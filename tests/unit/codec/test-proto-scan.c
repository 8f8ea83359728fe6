#include "rpc-testing.h"

#include "codec/limits.h"
#include "codec/proto-scan.h"
#include "codec/proto/common.pb-c.h"
#include "codec/proto/record.pb-c.h"

static int scan(const ProtobufCMessageDescriptor *d, const char *hex, char **reterr_text)
{
        _cleanup_blob_ Blob *b = blob_from_hex(hex);

        *reterr_text = mfree(*reterr_text);
        return proto_scan(d, b->data, b->size, reterr_text);
}

static void test_scan(void **state)
{
        const ProtobufCMessageDescriptor *run = &flwr__proto__run__descriptor;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(scan(run, "", &text), 0);
        assert_int_equal(scan(run, "08071201c3", &text), -EBADMSG); /* fab_id: half a character */
        assert_string_equal(text, "Run.fab_id: text must be UTF-8 without NUL");
        assert_int_equal(scan(run, "08070807", &text), -EBADMSG);
        assert_string_equal(text, "Run.run_id: the field occurs twice");
        assert_int_equal(scan(run, "52030a0100", &text), -EBADMSG); /* NUL in a nested message */
        assert_string_equal(text, "RunStatus.status: text must be UTF-8 without NUL");
        assert_int_equal(scan(run, "5001", &text), -EBADMSG); /* status as a number */
        assert_int_equal(scan(run, "1001", &text), -EBADMSG); /* fab_id as a number */
        assert_int_equal(scan(run, "520a0a0161", &text), -EBADMSG);
        assert_int_equal(scan(run, "c23e0100", &text), 0);    /* field 1000: unknown, NUL or not */
        assert_int_equal(scan(run, "1b1c", &text), -EBADMSG); /* a group */
}

/* Nesting bombs end at the limit, far before the stack does. */
static void test_depth(void **state)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ uint8_t *bomb = NULL;
        size_t n = 100000, at = 4 * n, inner = 0;

        bomb = malloc(at);
        assert_non_null(bomb);
        while (at >= 4) {
                uint8_t v[PROTO_VARINT_MAX];
                size_t k = proto_varint_write(inner, v);
                if (at < k + 1)
                        break;
                at -= k;
                memcpy(bomb + at, v, k);
                bomb[--at] = 0x12;
                inner += k + 1;
        }
        assert_int_equal(
                proto_scan(&flwr__proto__object_tree__descriptor, bomb + at, 4 * n - at, &text), -EBADMSG);
        assert_non_null(text);
}

static void test_field_next(void **state)
{
        static const uint8_t bytes[] = {
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x12, 0x01, 'x'};
        const uint8_t *p = bytes;
        ProtoField f;

        assert_int_equal(proto_field_next(&p, bytes + sizeof(bytes), &f), 0);
        assert_int_equal(f.number, 1);
        assert_true(f.varint == UINT64_MAX);
        assert_int_equal(proto_field_next(&p, bytes + sizeof(bytes), &f), 0);
        assert_int_equal(f.number, 2);
        assert_int_equal(f.size, 1);
        assert_ptr_equal(f.data, bytes + 13);
        assert_ptr_equal(p, bytes + sizeof(bytes));
}

static void test_varint_write(void **state)
{
        uint8_t v[PROTO_VARINT_MAX];

        assert_int_equal(proto_varint_write(0, v), 1);
        assert_int_equal(proto_varint_write(127, v), 1);
        assert_int_equal(proto_varint_write(300, v), 2);
        assert_memory_equal(v, "\xac\x02", 2);
        assert_int_equal(proto_varint_write(UINT64_MAX, v), 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scan),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_field_next),
                cmocka_unit_test(test_varint_write),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
