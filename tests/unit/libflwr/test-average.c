#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <flwr/fedavg.h>

#include "libflwr/fixed-sum.h"

#define N_RECORDS 7
#define N_ITEMS 400

static uint64_t next_random(uint64_t *s)
{
        *s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *s >> 16;
}

static double unit(uint64_t *s)
{
        return (double) (next_random(s) & 0xffffffff) / 4294967296.0 * 2 - 1;
}

static flwr_record_dict *make_record(flwr_record **ret)
{
        flwr_record_dict *d = flwr_record_dict_new();

        assert_int_equal(flwr_record_dict_add(d, "arrays", FLWR_ARRAY_RECORD, ret), 0);
        return d;
}

static void set_floats(flwr_record *r, const char *key, const float *data, uint64_t n)
{
        assert_int_equal(flwr_record_set_array(r, key, FLWR_FLOAT32, &n, 1, data), 0);
}

static void test_order_and_error(void **state)
{
        static const unsigned orders[][N_RECORDS] = {
                {0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {3, 0, 6, 1, 5, 2, 4}, {2, 4, 0, 5, 1, 6, 3}};
        static const double weights[N_RECORDS] = {500, 1, 33, 1e6, 0.1, 7.25, 12345};
        flwr_record_dict *d[N_RECORDS], *results[ELEMENTSOF(orders)];
        flwr_record *r[N_RECORDS], *result;
        static float data[N_RECORDS][N_ITEMS];
        uint64_t seed = 1;
        flwr_array a, b;

        for (size_t i = 0; i < N_RECORDS; i++) {
                for (size_t k = 0; k < N_ITEMS; k++)
                        data[i][k] = (float) (unit(&seed) * pow(10, (int) (k % 15) - 8));
                d[i] = make_record(&r[i]);
                set_floats(r[i], "w", data[i], N_ITEMS);
        }
        for (size_t o = 0; o < ELEMENTSOF(orders); o++) {
                flwr_average *avg = flwr_average_new();

                for (size_t i = 0; i < N_RECORDS; i++)
                        assert_int_equal(
                                flwr_average_add(avg, r[orders[o][i]], weights[orders[o][i]], NULL), 0);
                results[o] = make_record(&result);
                assert_int_equal(flwr_average_result(avg, result), 0);
                assert_true(flwr_average_weight(avg) == 500 + 1 + 33 + 1e6 + 0.1 + 7.25 + 12345);
                flwr_average_free(avg);
        }
        assert_int_equal(flwr_record_get_array(flwr_record_dict_get(results[0], "arrays"), "w", &a), 0);
        for (size_t o = 1; o < ELEMENTSOF(orders); o++) {
                assert_int_equal(
                        flwr_record_get_array(flwr_record_dict_get(results[o], "arrays"), "w", &b), 0);
                assert_memory_equal(a.data, b.data, a.size);
        }
        for (size_t k = 0; k < N_ITEMS; k++) {
                long double sum = 0, w = 0;

                for (size_t i = 0; i < N_RECORDS; i++) {
                        sum += (long double) weights[i] * data[i][k];
                        w += weights[i];
                }
                /* Half a unit in the last place of a float, and the grid. */
                assert_true(fabsl(((const float *) a.data)[k] - sum / w) <=
                            fabsl(sum / w) * 0x1.0001p-24L + 0x1p-66L);
        }
        for (size_t i = 0; i < N_RECORDS; i++)
                flwr_record_dict_free(d[i]);
        for (size_t o = 0; o < ELEMENTSOF(orders); o++)
                flwr_record_dict_free(results[o]);
}

static void test_cancellation(void **state)
{
        flwr_average *avg = flwr_average_new();
        flwr_record *r, *out;
        flwr_record_dict *d = make_record(&r), *e = make_record(&out);
        const float values[] = {1e12f, 0x1p-40f, -1e12f};
        flwr_array a;

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                set_floats(r, "w", &values[i], 1);
                assert_int_equal(flwr_average_add(avg, r, 1, NULL), 0);
        }
        assert_int_equal(flwr_average_result(avg, out), 0);
        assert_int_equal(flwr_record_get_array(out, "w", &a), 0);
        assert_true(*(const float *) a.data == (float) (0x1p-40 / 3));
        flwr_average_free(avg);
        flwr_record_dict_free(d);
        flwr_record_dict_free(e);
}

static void test_types(void **state)
{
        flwr_average *avg = flwr_average_new();
        flwr_record *r, *out;
        flwr_record_dict *d = make_record(&r), *e = make_record(&out);
        uint64_t two = 2;
        const char *key, *why;
        flwr_array a;

        for (unsigned i = 1; i <= 2; i++) {
                assert_int_equal(flwr_record_set_array(
                                         r, "h", FLWR_FLOAT16, &two, 1, (uint16_t[]){0x3c00 * (i == 1), 1}),
                        0);
                assert_int_equal(flwr_record_set_array(r, "i", FLWR_INT64, NULL, 0, (int64_t[]){i}), 0);
                assert_int_equal(
                        flwr_record_set_array(r, "d", FLWR_FLOAT64, NULL, 0, (double[]){i / 3.0}), 0);
                assert_int_equal(flwr_average_add(avg, r, 1, NULL), 0);
        }
        assert_int_equal(flwr_average_result(avg, out), 0);
        assert_int_equal(flwr_record_array_at(out, 0, &key, &a), 0);
        assert_string_equal(key, "h");
        assert_int_equal(a.dtype, FLWR_FLOAT16);
        assert_int_equal(((const uint16_t *) a.data)[0], 0x3800); /* 0.5 */
        assert_int_equal(((const uint16_t *) a.data)[1], 1);
        assert_int_equal(flwr_record_get_array(out, "i", &a), 0);
        assert_int_equal(a.dtype, FLWR_FLOAT64);
        assert_true(*(const double *) a.data == 1.5);
        assert_int_equal(flwr_record_get_array(out, "d", &a), 0);
        assert_true(*(const double *) a.data == 0.5);
        flwr_average_free(avg);

        avg = flwr_average_new();
        assert_int_equal(flwr_record_set_array(r, "c", FLWR_COMPLEX64, NULL, 0, (float[]){1, 2}), 0);
        assert_int_equal(flwr_average_add(avg, r, 1, &why), -EINVAL);
        assert_non_null(strstr(why, "\"c\""));
        assert_int_equal(flwr_average_result(avg, out), -ENODATA);
        flwr_average_free(avg);
        flwr_record_dict_free(d);
        flwr_record_dict_free(e);
}

static void test_refusals(void **state)
{
        flwr_average *avg = flwr_average_new();
        flwr_record *good, *bad, *out;
        flwr_record_dict *d = make_record(&good), *e = make_record(&bad), *f = make_record(&out);
        uint64_t column[] = {2, 1};
        const char *why;
        flwr_array a;

        set_floats(good, "v", (float[]){1, 2}, 2);
        set_floats(good, "w", (float[]){3, 4}, 2);
        assert_int_equal(flwr_average_result(avg, out), -ENODATA);
        assert_int_equal(flwr_average_add(avg, good, -1, NULL), -ERANGE);
        assert_int_equal(flwr_average_add(avg, good, NAN, NULL), -ERANGE);
        assert_int_equal(flwr_average_add(avg, good, 1e19, NULL), -ERANGE);
        assert_int_equal(flwr_average_add(avg, good, 0, NULL), 0);
        assert_int_equal(flwr_average_result(avg, out), -ENODATA);
        assert_int_equal(flwr_average_add(avg, good, 2, NULL), 0);

        set_floats(bad, "v", (float[]){1, 2}, 2);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -EINVAL); /* one too few */
        assert_int_equal(flwr_record_set_array(bad, "w", FLWR_FLOAT32, column, 2, (float[]){3, 4}), 0);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -EINVAL);
        assert_non_null(strstr(why, "\"w\""));
        set_floats(bad, "w", (float[]){3, NAN}, 2);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -ERANGE);
        set_floats(bad, "w", (float[]){3, -INFINITY}, 2);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -ERANGE);
        set_floats(bad, "w", (float[]){3, -9e18f}, 2);
        assert_int_equal(flwr_average_add(avg, bad, 10, &why), -ERANGE);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), 0);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -ERANGE); /* no longer fits beside the first */
        assert_int_equal(
                flwr_record_set_array(bad, "w", FLWR_FLOAT64, (uint64_t[]){2}, 1, (double[]){3, 4}), 0);
        assert_int_equal(flwr_average_add(avg, bad, 1, &why), -EINVAL);

        assert_int_equal(
                flwr_average_result(avg, out), 0); /* (2 * good + 1 * bad) / 3: nothing else came in */
        assert_int_equal(flwr_record_get_array(out, "w", &a), 0);
        assert_true(((const float *) a.data)[0] == 3);
        flwr_average_free(avg);
        flwr_record_dict_free(d);
        flwr_record_dict_free(e);
        flwr_record_dict_free(f);
}

static void test_other_key_order(void **state)
{
        flwr_average *avg = flwr_average_new();
        flwr_record *a, *b;
        flwr_record_dict *d = make_record(&a), *e = make_record(&b);
        flwr_array v;

        set_floats(a, "x", (float[]){1}, 1);
        set_floats(a, "y", (float[]){10}, 1);
        set_floats(b, "y", (float[]){20}, 1);
        set_floats(b, "x", (float[]){2}, 1);
        assert_int_equal(flwr_average_add(avg, a, 1, NULL), 0);
        assert_int_equal(flwr_average_add(avg, b, 1, NULL), 0);
        assert_int_equal(flwr_average_result(avg, b), 0);
        assert_string_equal(flwr_record_key(b, 0), "x");
        assert_int_equal(flwr_record_get_array(b, "x", &v), 0);
        assert_true(*(const float *) v.data == 1.5f);
        flwr_average_free(avg);
        flwr_record_dict_free(d);
        flwr_record_dict_free(e);
}

static void test_quotient(void **state)
{
        uint64_t seed = 3;

        for (unsigned i = 0; i < 20000;
                i++) { /* numbers that fit: compare with the machine's one rounding */
                int64_t a = (int64_t) next_random(&seed) * (i & 1 ? -1 : 1);
                int64_t w = (int64_t) (next_random(&seed) >> (i % 40)) + 1;

                assert_true(fixed_quotient(a, w, &FIXED_FLOAT64) == (double) a / (double) w);
                /* The same ratio on the way for weights of more than 63 bits. */
                assert_true(fixed_quotient((fixed_t) a * INT64_C(0x3fffffffffffffff),
                                    (fixed_t) w * INT64_C(0x3fffffffffffffff),
                                    &FIXED_FLOAT64) == (double) a / (double) w);
        }
        assert_true(fixed_quotient(1, 3, &FIXED_FLOAT32) == (double) (1.0f / 3));
        /* Ties to even, and just beside the tie. */
        assert_true(fixed_quotient((1 << 24) + 1, 1, &FIXED_FLOAT32) == 1 << 24);
        assert_true(fixed_quotient((1 << 24) + 3, 1, &FIXED_FLOAT32) == (1 << 24) + 4);
        assert_true(fixed_quotient(((fixed_t) 1 << 100) + ((fixed_t) 1 << 76) + 1, (fixed_t) 1 << 76,
                            &FIXED_FLOAT32) == (1 << 24) + 2);
        assert_true(fixed_quotient(3, (fixed_t) 1 << 25, &FIXED_FLOAT16) ==
                    0x1p-23); /* subnormal half: 1.5 -> 2 units */
        assert_true(fixed_quotient(1, (fixed_t) 1 << 25, &FIXED_FLOAT16) == 0);
}

static void test_half(void **state)
{
        for (uint32_t h = 0; h < 0x10000; h++)
                if ((h & 0x7c00) != 0x7c00)
                        assert_int_equal(half_from_double(half_to_double((uint16_t) h)), h);
        assert_true(half_to_double(0x7bff) == 65504);
        assert_true(isnan(half_to_double(0x7e00)) && isinf(half_to_double(0xfc00)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_error),
                cmocka_unit_test(test_cancellation),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_other_key_order),
                cmocka_unit_test(test_quotient),
                cmocka_unit_test(test_half),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
