#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/time-util.h"

static void test_format(void **state)
{
        char buf[ISO_TIME_MAX];

        assert_string_equal(iso_time_format(0, buf), "");
        assert_string_equal(iso_time_format(1774847594123456, buf), "2026-03-30T05:13:14.123456+00:00");
        assert_string_equal(iso_time_format(1774847594000000, buf), "2026-03-30T05:13:14+00:00");
        assert_string_equal(iso_time_format(1774847594000001, buf), "2026-03-30T05:13:14.000001+00:00");
        (void) iso_time_format(USEC_INFINITY, buf);
}

static void test_parse(void **state)
{
        static const struct {
                const char *s;
                usec_t t;
        } table[] = {
                {"2026-03-30T05:13:14.123456+00:00", 1774847594123456},
                {"2026-03-30T05:13:14+00:00", 1774847594000000},
                {"2026-03-30T05:13:14Z", 1774847594000000},
                {"2026-03-30T07:13:14.5+02:00", 1774847594500000},
                {"2026-03-30T00:43:14-04:30", 1774847594000000},
                {"2024-02-29T00:00:00Z", 1709164800000000},
        };
        usec_t t;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_int_equal(iso_time_parse(table[i].s, &t), 0);
                assert_int_equal(t, table[i].t);
        }
}

static void test_parse_refuses(void **state)
{
        static const char *const bad[] = {"", "2026-03-30", "2026-03-30T05:13:14",
                "2026-03-30T05:13:14.1234567Z", "2026-03-30T05:13:14.Z", "2026-02-30T05:13:14Z",
                "2026-13-01T05:13:14Z", "2026-03-30T24:00:00Z", "2026-03-30T05:13:14Zx",
                "2026-03-30T05:13:14+0000", "1969-12-31T23:59:59Z", "2023-02-29T00:00:00Z",
                "2026-03-30T05:60:14Z", "2026-00-10T05:00:14Z"};
        usec_t t;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(iso_time_parse(bad[i], &t), -EINVAL);
}

static void test_seconds(void **state)
{
        assert_int_equal(seconds_to_usec(1.5), 1500000);
        assert_int_equal(seconds_to_usec(1774847594.123456), 1774847594123456);
        assert_int_equal(seconds_to_usec(-1), 0);
        assert_int_equal(seconds_to_usec(NAN), 0);
        assert_true(seconds_to_usec(1e30) == USEC_INFINITY);
        assert_true(seconds_to_usec(INFINITY) == USEC_INFINITY);
        assert_true(now_realtime() > 1700000000 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_parse_refuses),
                cmocka_unit_test(test_seconds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
