#include "rpc-testing.h"

#include "codec/rpc-arena.h"

static void test_small_and_large(void **state)
{
        _cleanup_arena_ RpcArena a;
        uint64_t *p[2000];

        rpc_arena_init(&a, SIZE_MAX);
        for (size_t i = 0; i < ELEMENTSOF(p); i++) {
                p[i] = rpc_arena_alloc(&a, i % 50 == 0 ? 1000 : 3, sizeof(uint64_t));
                assert_non_null(p[i]);
                assert_int_equal((uintptr_t) p[i] % 8, 0);
                assert_int_equal(p[i][2], 0);
                p[i][0] = i;
        }
        for (size_t i = 0; i < ELEMENTSOF(p); i++)
                assert_int_equal(p[i][0], i);
        assert_non_null(rpc_arena_alloc(&a, 0, 8));
        assert_null(rpc_arena_alloc(&a, SIZE_MAX / 2, 4));
}

static void test_limit(void **state)
{
        _cleanup_arena_ RpcArena a;

        rpc_arena_init(&a, 10000);
        void *large = a.allocator.alloc(a.allocator.allocator_data, 8000);
        assert_non_null(large);
        assert_null(a.allocator.alloc(a.allocator.allocator_data, 8000));
        assert_int_equal(a.error, -ENOBUFS);

        /* A large block gives its room back, a small one does not. */
        a.allocator.free(a.allocator.allocator_data, large);
        assert_int_equal(a.used, 0);
        void *small = a.allocator.alloc(a.allocator.allocator_data, 4000);
        assert_non_null(small);
        a.allocator.free(a.allocator.allocator_data, small);
        assert_true(a.used >= 4000);
        assert_null(a.allocator.alloc(a.allocator.allocator_data, 8000));
}

static void test_free_in_any_order(void **state)
{
        _cleanup_arena_ RpcArena a;
        void *p[3];

        rpc_arena_init(&a, SIZE_MAX);
        for (size_t i = 0; i < 3; i++)
                p[i] = rpc_arena_alloc(&a, 1, 5000);
        a.allocator.free(&a, p[1]);
        a.allocator.free(&a, p[2]);
        a.allocator.free(&a, p[0]);
        a.allocator.free(&a, NULL);
        assert_null(a.blocks);
        assert_int_equal(a.used, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_small_and_large),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_free_in_any_order),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
