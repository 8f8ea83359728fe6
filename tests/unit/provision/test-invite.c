#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/invite.h"

#define SECRET "00112233445566778899aabbccddeeff"
#define OTHER "00112233445566778899aabbccddeefe"
#define NOW ((usec_t) 1774847594 * USEC_PER_SEC)

static ObjectId key(uint8_t n)
{
        ObjectId id = {.bytes = {n, 1}};

        return id;
}

static void test_round_trip(void **state)
{
        _cleanup_invite_ Invite a = {.until = NOW, .uses = 2, .name = strdup("site a")}, b = {};
        _cleanup_free_ char *text = NULL;
        ObjectId k = key(1);

        invite_hash_secret(SECRET, &a.secret_hash);
        assert_int_equal(invite_add_key(&a, &k), 0);
        assert_int_equal(invite_format(&a, &text), 0);
        assert_null(strstr(text, SECRET));
        assert_int_equal(invite_parse(text, &b), 0);
        assert_true(object_id_equal(&a.secret_hash, &b.secret_hash));
        assert_int_equal(b.until, NOW);
        assert_int_equal(b.uses, 2);
        assert_string_equal(b.name, "site a");
        assert_int_equal(b.n_keys, 1);
        assert_true(object_id_equal(&b.keys[0], &k));
}

static void test_judge(void **state)
{
        _cleanup_invite_ Invite i = {.until = NOW, .uses = 2};
        ObjectId one = key(1), two = key(2), three = key(3);

        invite_hash_secret(SECRET, &i.secret_hash);
        assert_int_equal(invite_judge(&i, OTHER, &one, NOW - 1), INVITE_UNKNOWN);
        assert_int_equal(invite_judge(&i, SECRET, &one, NOW - 1), INVITE_GOOD);
        assert_int_equal(invite_judge(&i, SECRET, &one, NOW), INVITE_EXPIRED);
        assert_int_equal(invite_add_key(&i, &one), 0);
        /* The answer got lost: the same node comes again, even later. */
        assert_int_equal(invite_judge(&i, SECRET, &one, NOW + 1), INVITE_AGAIN);
        assert_int_equal(invite_judge(&i, OTHER, &one, NOW - 1), INVITE_UNKNOWN);
        assert_int_equal(invite_judge(&i, SECRET, &two, NOW - 1), INVITE_GOOD);
        assert_int_equal(invite_add_key(&i, &two), 0);
        assert_int_equal(invite_judge(&i, SECRET, &three, NOW - 1), INVITE_USED_UP);
        assert_int_equal(invite_judge(&i, SECRET, &two, NOW - 1), INVITE_AGAIN);
}

static void test_damaged(void **state)
{
#define HASH "secret-hash 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
        static const char *const bad[] = {"", "x", HASH, HASH "until 5\n", HASH "uses 0\n",
                HASH "uses 1001\n", "uses 1\n", HASH "uses 1\nmore\n", HASH "uses 1\nmore x\n",
                HASH "uses 1\nkey 12\n", "secret-hash \nuses 1\n",
                HASH "uses 1\nuntil 99999999999999999999\n", HASH "uses 1\nname \001\n"};

        for (size_t n = 0; n < ELEMENTSOF(bad); n++) {
                _cleanup_invite_ Invite i = {};

                if (invite_parse(bad[n], &i) != -EBADMSG)
                        fail_msg("accepted: %s", bad[n]);
        }
}

static void test_words(void **state)
{
        assert_true(invite_id_is_valid("0123456789abcdef"));
        assert_false(invite_id_is_valid("../../../etc/abc"));
        assert_false(invite_id_is_valid(""));
        assert_false(invite_id_is_valid("0123456789abcdef0"));
        assert_true(invite_secret_is_valid(SECRET));
        assert_false(invite_secret_is_valid("00112233445566778899AABBCCDDEEFF"));
        assert_false(invite_name_is_valid(""));
        assert_false(invite_name_is_valid("a\nb"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_judge),
                cmocka_unit_test(test_damaged),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
