#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/grpc-frame.h"

static const uint8_t two_messages[] = {0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'd'};

/* However the bytes are cut, also inside the prefix. */
static void test_any_cut(void **state)
{
        static const char *const expected[] = {"abc", "", "d"};

        for (size_t step = 1; step <= sizeof(two_messages); step++) {
                GrpcReader r = {.max = 10};
                size_t at = 0, n = 0;

                while (at < sizeof(two_messages)) {
                        _cleanup_blob_ Blob *b = NULL;
                        ssize_t k = grpc_reader_feed(
                                &r, two_messages + at, MIN(step, sizeof(two_messages) - at), &b);

                        assert_true(k > 0);
                        at += (size_t) k;
                        if (!b)
                                continue;
                        assert_int_equal(b->size, strlen(expected[n]));
                        assert_memory_equal(b->data, expected[n], b->size);
                        n++;
                }
                assert_int_equal(n, ELEMENTSOF(expected));
                assert_true(grpc_reader_is_idle(&r));
                grpc_reader_done(&r);
        }
}

static void test_limit(void **state)
{
        GrpcReader r = {.max = 2};
        Blob *b;

        assert_int_equal(grpc_reader_feed(&r, two_messages, 4, &b), 4);
        assert_false(grpc_reader_is_idle(&r));
        assert_int_equal(grpc_reader_feed(&r, two_messages + 4, 1, &b), -EMSGSIZE);
        grpc_reader_done(&r);
}

static void test_huge_length_takes_no_memory(void **state)
{
        static const uint8_t head[] = {0, 0xff, 0xff, 0xff, 0xff};
        GrpcReader r = {.max = 0xfffffffe};
        Blob *b;

        assert_int_equal(grpc_reader_feed(&r, head, sizeof(head), &b), -EMSGSIZE);
        grpc_reader_done(&r);
}

static void test_compressed(void **state)
{
        static const uint8_t head[] = {1, 0, 0, 0, 1, 'x'};
        GrpcReader r = {.max = 100};
        Blob *b;

        assert_int_equal(grpc_reader_feed(&r, head, sizeof(head), &b), -EBADMSG);
        grpc_reader_done(&r);
}

static int refuse(size_t size, void *userdata)
{
        *(size_t *) userdata = size;
        return -EBUSY;
}

static void test_admit(void **state)
{
        size_t asked = 0;
        GrpcReader r = {.max = 100, .admit = refuse, .userdata = &asked};
        Blob *b;

        assert_int_equal(grpc_reader_feed(&r, two_messages, sizeof(two_messages), &b), -EBUSY);
        assert_int_equal(asked, 3);
        grpc_reader_done(&r);
}

static void test_unfinished_is_freed(void **state)
{
        GrpcReader r = {.max = 100};
        Blob *b;

        assert_int_equal(grpc_reader_feed(&r, two_messages, 7, &b), 7);
        assert_null(b);
        assert_false(grpc_reader_is_idle(&r));
        grpc_reader_done(&r);
        assert_true(grpc_reader_is_idle(&r));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_cut),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_huge_length_takes_no_memory),
                cmocka_unit_test(test_compressed),
                cmocka_unit_test(test_admit),
                cmocka_unit_test(test_unfinished_is_freed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
