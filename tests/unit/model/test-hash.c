#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/hash.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void assert_id(const ObjectId *id, const char *hex)
{
        char buf[OBJECT_ID_HEX_MAX];

        assert_string_equal(object_id_format(id, buf), hex);
}

static void test_sha256(void **state)
{
        _cleanup_(sha256_freep) Sha256 *s = NULL;
        _cleanup_blobvec_ BlobVec bv = {};
        ObjectId id;

        sha256("abc", 3, &id);
        assert_id(&id, ABC);
        sha256(NULL, 0, &id);
        assert_id(&id, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

        assert_int_equal(sha256_new(&s), 0);
        for (unsigned i = 0; i < 2; i++) {
                sha256_update(s, "a", 1);
                sha256_update(s, "bc", 2);
                sha256_finish(s, &id);
                assert_id(&id, ABC);
        }

        assert_int_equal(blobvec_append(&bv, blob_new("ab", 2)), 0);
        assert_int_equal(blobvec_append(&bv, blob_new("", 0)), 0);
        assert_int_equal(blobvec_append(&bv, blob_new("c", 1)), 0);
        sha256_blobvec(&bv, &id);
        assert_id(&id, ABC);
}

static void test_id(void **state)
{
        ObjectId id, none;

        assert_int_equal(
                object_id_parse("BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &id), 0);
        assert_id(&id, ABC);
        assert_int_equal(object_id_parse("", &none), 0);
        assert_true(object_id_is_none(&none));
        assert_id(&none, "");
        assert_false(object_id_equal(&id, &none));

        assert_int_equal(object_id_parse(ABC "0", &id), -EINVAL);
        assert_int_equal(object_id_parse(&ABC[1], &id), -EINVAL);
        assert_int_equal(
                object_id_parse("0x7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &id),
                -EINVAL);
        assert_id(&id, ABC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sha256),
                cmocka_unit_test(test_id),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
