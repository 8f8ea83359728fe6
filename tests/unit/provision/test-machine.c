#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "provision/machine.h"

static void test_hash(void **state)
{
        char a[MACHINE_SIZE], b[MACHINE_SIZE];

        machine_hash("0123456789abcdef0123456789abcdef\n", a);
        machine_hash("0123456789abcdef0123456789abcdef", b);
        assert_int_equal(strlen(a), 64);
        assert_string_equal(a, b);
        assert_null(strstr(a, "0123456789abcdef"));
        machine_hash("0123456789abcdef0123456789abcdee\n", b);
        assert_string_not_equal(a, b);
        machine_hash("", a);
        machine_hash("uninitialized\n", b);
        assert_string_equal(a, b);
}

static void test_states(void **state)
{
        static const struct {
                const char *mark, *current;
                bool has_keys, joined;
                MachineState state;
        } rows[] = {
                {NULL, "a", false, false, MACHINE_UNMARKED},
                /* Keys that somebody put there before the installation. */
                {NULL, "a", true, false, MACHINE_UNMARKED},
                {NULL, "a", true, true, MACHINE_UNMARKED},
                /* Killed between the mark and the key. */
                {"b", "a", false, false, MACHINE_UNMARKED},
                {"a", "a", true, false, MACHINE_SAME},
                {"a\n", "a", true, true, MACHINE_SAME},
                {"b", "a", true, false, MACHINE_FRESH},
                {"b", "a", true, true, MACHINE_COPY},
                {"ab", "a", true, true, MACHINE_COPY},
                {"", "a", true, true, MACHINE_COPY},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(
                        machine_state(rows[i].mark, rows[i].current, rows[i].has_keys, rows[i].joined),
                        rows[i].state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hash),
                cmocka_unit_test(test_states),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
