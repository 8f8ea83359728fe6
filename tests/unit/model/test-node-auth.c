#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"
#include "key-vectors.h"
#include "model/node-auth.h"

static const usec_t signed_at = VECTOR_TIMESTAMP_USEC;

static int make_cache(void **state)
{
        return auth_cache_new((AuthCache **) state);
}

static int free_cache(void **state)
{
        auth_cache_free(*state);
        return 0;
}

static size_t signature_of(const char *hex, uint8_t *ret)
{
        assert_int_equal(hex_decode(hex, ret, strlen(hex) / 2), 0);
        return strlen(hex) / 2;
}

static AuthHeaders headers(const char *pem, const char *timestamp, const uint8_t *signature, size_t size)
{
        return (AuthHeaders){pem, strlen(pem), timestamp, strlen(timestamp), signature, size};
}

static RpcErrorId verify(void **state, const AuthHeaders *h, usec_t now)
{
        RpcErrorId error = RPCERR_OK;
        ObjectId fingerprint, expected;
        int r;

        r = auth_verify(*state, h, now, &fingerprint, &error);
        if (r < 0) {
                assert_int_equal(r, -EKEYREJECTED);
                assert_int_not_equal(error, RPCERR_OK);
                return error;
        }
        sha256(h->pem, h->pem_size, &expected);
        assert_true(object_id_equal(&fingerprint, &expected));
        return RPCERR_OK;
}

/* Headers that a key of the test signs, with any timestamp text. */
typedef struct Signed {
        NodeKey *key;
        Blob *signature;
        AuthHeaders headers;
} Signed;

static void signed_done(Signed *s)
{
        node_key_free(s->key);
        blob_unref(s->signature);
}

static void sign(Signed *s, const char *timestamp)
{
        if (!s->key)
                assert_int_equal(node_key_generate(&s->key), 0);
        s->signature = blob_unref(s->signature);
        assert_int_equal(node_key_sign(s->key, timestamp, strlen(timestamp), &s->signature), 0);
        s->headers = headers(node_key_pem(s->key), timestamp, s->signature->data, s->signature->size);
}

static void test_genuine(void **state)
{
        static const char *const pems[] = {p256_pem, p384_pem, p521_pem};
        static const char *const signatures[] = {p256_signature, p384_signature, p521_signature};

        for (size_t i = 0; i < ELEMENTSOF(pems); i++) {
                uint8_t sig[160];
                AuthHeaders h = headers(pems[i], VECTOR_TIMESTAMP, sig, signature_of(signatures[i], sig));

                assert_int_equal(verify(state, &h, signed_at), RPCERR_OK);
                assert_int_equal(verify(state, &h, signed_at), RPCERR_OK);
        }
}

static void test_missing(void **state)
{
        uint8_t sig[160];
        size_t size = signature_of(p384_signature, sig);
        AuthHeaders h[] = {
                headers(p384_pem, VECTOR_TIMESTAMP, sig, size),
                headers(p384_pem, VECTOR_TIMESTAMP, sig, size),
                headers(p384_pem, VECTOR_TIMESTAMP, sig, size),
        };

        h[0].pem = NULL;
        h[1].timestamp = NULL;
        h[2].signature = NULL;
        for (size_t i = 0; i < ELEMENTSOF(h); i++)
                assert_int_equal(verify(state, h + i, signed_at), RPCERR_AUTH_METADATA_MISSING);
}

static void test_wrong_signature(void **state)
{
        uint8_t sig[160];
        size_t size = signature_of(p384_signature, sig);
        AuthHeaders other_key = headers(p256_pem, VECTOR_TIMESTAMP, sig, size);
        AuthHeaders other_time = headers(p384_pem, "2026-03-30T05:13:15.123456+00:00", sig, size);
        AuthHeaders no_key = headers("no key", VECTOR_TIMESTAMP, sig, size);
        AuthHeaders empty = headers("", "", sig, 0);
        AuthHeaders cut = headers(p384_pem, VECTOR_TIMESTAMP, sig, size - 1);
        AuthHeaders h = headers(p384_pem, VECTOR_TIMESTAMP, sig, size);

        assert_int_equal(verify(state, &other_key, signed_at), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &other_time, signed_at), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &no_key, signed_at), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &empty, signed_at), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &cut, signed_at), RPCERR_AUTH_SIGNATURE);
        /* Nor does a verified one open the cache for a neighbour, also when it is out of date. */
        assert_int_equal(verify(state, &h, signed_at), RPCERR_OK);
        assert_int_equal(verify(state, &cut, signed_at), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &other_time, signed_at + 400 * USEC_PER_SEC), RPCERR_AUTH_SIGNATURE);
        assert_int_equal(verify(state, &h, signed_at), RPCERR_OK);
}

static void test_bytes_do_not_move(void **state)
{
        /* A DER signature starts with 0x30, which is the digit 0. */
        uint8_t sig[160];
        size_t size = signature_of(p384_signature, sig);
        AuthHeaders h = headers(p384_pem, VECTOR_TIMESTAMP, sig, size);
        AuthHeaders moved = headers(p384_pem, VECTOR_TIMESTAMP "0", sig + 1, size - 1);

        assert_int_equal(verify(state, &h, signed_at), RPCERR_OK);
        assert_int_equal(verify(state, &moved, signed_at), RPCERR_AUTH_SIGNATURE);
}

static void test_window(void **state)
{
        const usec_t past = AUTH_WINDOW_PAST_SEC * USEC_PER_SEC,
                     future = AUTH_WINDOW_FUTURE_SEC * USEC_PER_SEC;
        uint8_t sig[160];
        AuthHeaders h = headers(p384_pem, VECTOR_TIMESTAMP, sig, signature_of(p384_signature, sig));

        assert_int_equal(verify(state, &h, signed_at + past - 1), RPCERR_OK);
        assert_int_equal(verify(state, &h, signed_at + past), RPCERR_AUTH_TIMESTAMP);
        assert_int_equal(verify(state, &h, signed_at - future + 1), RPCERR_OK);
        assert_int_equal(verify(state, &h, signed_at - future), RPCERR_AUTH_TIMESTAMP);
        assert_int_equal(verify(state, &h, 0), RPCERR_AUTH_TIMESTAMP);
}

static void test_timestamp_forms(void **state)
{
        static const struct {
                const char *text;
                RpcErrorId error;
        } rows[] = {
                {"2026-03-30T05:13:14+00:00", RPCERR_OK},
                {"2026-03-30T05:13:14.123+00:00", RPCERR_OK},
                {"2026-03-30T07:13:14.123456+02:00", RPCERR_OK},
                {"2026-03-30T05:13:14Z", RPCERR_OK},
                {"2026-03-30T05:13:14.123456", RPCERR_AUTH_TIMESTAMP}, /* no offset */
                {"2026-03-30", RPCERR_AUTH_TIMESTAMP},
                {"", RPCERR_AUTH_TIMESTAMP},
                {"2026-03-30T05:13:14.123456+00:00 and much more behind it", RPCERR_AUTH_TIMESTAMP},
                {"1960-03-30T05:13:14+00:00", RPCERR_AUTH_TIMESTAMP},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(signed_done) Signed s = {};

                sign(&s, rows[i].text);
                assert_int_equal(verify(state, &s.headers, signed_at), rows[i].error);
        }
}

/* More keys than a set of the cache has places: each still verifies, first and again. */
static void test_many_keys(void **state)
{
        Signed s[40] = {};

        for (size_t i = 0; i < ELEMENTSOF(s); i++)
                sign(s + i, VECTOR_TIMESTAMP);
        for (unsigned round = 0; round < 2; round++)
                for (size_t i = 0; i < ELEMENTSOF(s); i++)
                        assert_int_equal(verify(state, &s[i].headers, signed_at), RPCERR_OK);
        for (size_t i = 0; i < ELEMENTSOF(s); i++)
                signed_done(s + i);
}

static void test_signer(void **state)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_(auth_signer_freep) AuthSigner *s = NULL;
        AuthHeaders first, second, third, back;
        char timestamp[ISO_TIME_MAX];

        assert_int_equal(node_key_generate(&k), 0);
        assert_int_equal(auth_signer_new(k, &s), 0);
        assert_int_equal(auth_signer_headers(s, signed_at, &first), 0);
        assert_int_equal(verify(state, &first, signed_at), RPCERR_OK);
        assert_int_equal(first.timestamp_size, strlen(VECTOR_TIMESTAMP));
        assert_memory_equal(first.timestamp, VECTOR_TIMESTAMP, first.timestamp_size);
        assert_int_equal(auth_signer_headers(s, signed_at + AUTH_SIGN_EVERY - 1, &second), 0);
        assert_ptr_equal(first.signature, second.signature);
        assert_int_equal(auth_signer_headers(s, signed_at + AUTH_SIGN_EVERY, &third), 0);
        iso_time_format(signed_at + AUTH_SIGN_EVERY, timestamp);
        assert_memory_equal(third.timestamp, timestamp, third.timestamp_size);
        assert_int_equal(verify(state, &third, signed_at + AUTH_SIGN_EVERY), RPCERR_OK);
        assert_int_equal(auth_signer_headers(s, signed_at - USEC_PER_SEC, &back), 0);
        assert_int_equal(verify(state, &back, signed_at - USEC_PER_SEC), RPCERR_OK);
        assert_memory_equal(back.timestamp, "2026-03-30T05:13:13.123456+00:00", back.timestamp_size);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_genuine, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_missing, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_wrong_signature, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_bytes_do_not_move, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_window, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_timestamp_forms, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_many_keys, make_cache, free_cache),
                cmocka_unit_test_setup_teardown(test_signer, make_cache, free_cache),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
