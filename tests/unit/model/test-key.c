#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "key-vectors.h"
#include "model/key.h"
#include "model/ssh-key.h"

static const struct {
        const char *private, *line, *pem, *signature;
} vectors[] = {
        {p256_private, p256_line, p256_pem, p256_signature},
        {p384_private, p384_line, p384_pem, p384_signature},
        {p521_private, p521_line, p521_pem, p521_signature},
};

static int make_directory(void **state)
{
        char *path = xasprintf("%s/test-key-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

        *state = mkdtemp(path);
        return *state ? 0 : -1;
}

static int remove_directory(void **state)
{
        rm_rf(*state);
        free(*state);
        return 0;
}

static char *put_file(void **state, const char *name, const char *text)
{
        char *path = path_join(*state, name);

        assert_int_equal(write_file_atomic(path, text, strlen(text), 0600, false), 0);
        return path;
}

/* Loads text as a private key and gives the error's words. */
static char *rejected(void **state, const char *text)
{
        _cleanup_free_ char *path = put_file(state, "rejected", text);
        NodeKey *k = NULL;
        char *error = NULL;

        assert_int_equal(node_key_load(path, &k, &error), -EKEYREJECTED);
        assert_null(k);
        assert_non_null(strstr(error, path));
        return error;
}

static void assert_rejected(void **state, const char *text, const char *words)
{
        _cleanup_free_ char *error = rejected(state, text);

        if (!strstr(error, words))
                fail_msg("\"%s\" lacks \"%s\"", error, words);
}

static void test_private_vectors(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                _cleanup_free_ char *path = put_file(state, "vector", vectors[i].private), *error = NULL,
                                    *line = NULL;
                _cleanup_(node_key_freep) NodeKey *k = NULL;

                assert_int_equal(node_key_load(path, &k, &error), 0);
                assert_string_equal(node_key_pem(k), vectors[i].pem);
                assert_int_equal(node_key_public_line(k, &line), 0);
                assert_int_equal(strncmp(line, vectors[i].line, strlen(line)), 0);
        }
}

static void test_genuine_signatures(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                _cleanup_(public_key_freep) PublicKey *k = NULL;
                size_t size = strlen(vectors[i].signature) / 2;
                uint8_t sig[160];

                assert_int_equal(hex_decode(vectors[i].signature, sig, size), 0);
                assert_int_equal(public_key_from_pem(vectors[i].pem, strlen(vectors[i].pem), &k), 0);
                assert_int_equal(
                        public_key_verify(k, VECTOR_TIMESTAMP, strlen(VECTOR_TIMESTAMP), sig, size), 0);
                assert_int_equal(
                        public_key_verify(k, VECTOR_TIMESTAMP, strlen(VECTOR_TIMESTAMP) - 1, sig, size),
                        -EBADMSG);
                assert_int_equal(
                        public_key_verify(k, VECTOR_TIMESTAMP, strlen(VECTOR_TIMESTAMP), sig, size - 1),
                        -EBADMSG);
                sig[size - 1] ^= 1;
                assert_int_equal(public_key_verify(k, VECTOR_TIMESTAMP, strlen(VECTOR_TIMESTAMP), sig, size),
                        -EBADMSG);
                assert_int_equal(
                        public_key_verify(k, VECTOR_TIMESTAMP, strlen(VECTOR_TIMESTAMP), "", 0), -EBADMSG);
        }
}

static void test_own_signatures(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                _cleanup_free_ char *path = put_file(state, "signer", vectors[i].private), *error = NULL;
                _cleanup_(node_key_freep) NodeKey *k = NULL;
                _cleanup_(public_key_freep) PublicKey *public = NULL;
                _cleanup_blob_ Blob *sig = NULL;

                assert_int_equal(node_key_load(path, &k, &error), 0);
                assert_int_equal(node_key_sign(k, "text", 4, &sig), 0);
                assert_int_equal(public_key_from_ssh_line(vectors[i].line, &public), 0);
                assert_int_equal(public_key_verify(public, "text", 4, sig->data, sig->size), 0);
                assert_int_equal(public_key_verify(public, "test", 4, sig->data, sig->size), -EBADMSG);
        }
}

static void test_save_and_load(void **state)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL, *again = NULL;
        _cleanup_(public_key_freep) PublicKey *public = NULL;
        _cleanup_free_ char *path = path_join(*state, "node"), *path_pub = path_join(*state, "node.pub"),
                            *error = NULL;
        _cleanup_free_ char *text = NULL, *pub = NULL;
        struct stat st;

        assert_int_equal(node_key_generate(&k), 0);
        assert_int_equal(node_key_save(k, path, "site a"), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(node_key_load(path, &again, &error), 0);
        assert_string_equal(node_key_pem(again), node_key_pem(k));
        assert_int_equal(public_key_from_ssh_file(path_pub, &public, &error), 0);
        assert_string_equal(public_key_pem(public), node_key_pem(k));
        assert_int_equal(read_text_file(path_pub, KEY_FILE_SIZE_MAX, &pub), 0);
        assert_true(endswith(pub, " site a\n"));
        assert_int_equal(read_text_file(path, KEY_FILE_SIZE_MAX, &text), 0);
        for (const char *p = text; *p; p = strchr(p, '\n') + 1)
                assert_true(strchr(p, '\n') - p <= 70);
}

static void test_save_never_overwrites(void **state)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_free_ char *first = put_file(state, "first", "mine"), *second = path_join(*state, "second");
        _cleanup_free_ char *second_pub = put_file(state, "second.pub", "mine too"), *text = NULL;
        _cleanup_free_ char *first_pub = path_join(*state, "first.pub");

        assert_int_equal(node_key_generate(&k), 0);
        assert_int_equal(node_key_save(k, first, ""), -EEXIST);
        assert_int_equal(read_text_file(first, 100, &text), 0);
        assert_string_equal(text, "mine");
        assert_int_equal(access(first_pub, F_OK), -1);
        assert_int_equal(node_key_save(k, second, ""), -EEXIST);
        assert_int_equal(access(second, F_OK), -1);
        text = mfree(text);
        assert_int_equal(read_text_file(second_pub, 100, &text), 0);
        assert_string_equal(text, "mine too");
}

/* Numbers are written without leading zeros, but with one before a set top bit. */
static void test_number_forms(void **state)
{
        static const uint8_t starts[][3] = {
                {0x00, 0x00, 0x01}, {0x00, 0x80, 0x01}, {0x7f, 0, 0}, {0x80, 0, 0}, {0, 0, 0x80}};

        for (size_t i = 0; i < ELEMENTSOF(starts); i++) {
                SshPrivate k = {.public = {.curve = ssh_curve_by_id(GNUTLS_ECC_CURVE_SECP384R1),
                                        .point = {4}}},
                           again = {};
                _cleanup_free_ char *text = NULL, *error = NULL;

                memcpy(k.d, starts[i], sizeof(starts[i]));
                k.d[47] = 1;
                assert_int_equal(ssh_private_format(&k, "a comment", &text), 0);
                assert_int_equal(ssh_private_parse(text, "name", &again, &error), 0);
                assert_memory_equal(&again, &k, sizeof(k));
        }
}

static void test_rejected_private_files(void **state)
{
        _cleanup_free_ char *missing = path_join(*state, "missing"), *error = NULL;
        NodeKey *k = NULL;

        assert_rejected(state, encrypted_private, "passphrase");
        assert_rejected(state, encrypted_private, "ssh-keygen -p -N '' -f");
        assert_rejected(state, ed25519_private, "Ed25519");
        assert_rejected(state, pkcs8_private, "not in OpenSSH format");
        assert_rejected(state, sec1_private, "ssh-keygen -p");
        assert_rejected(state, p384_line, "is a public key");
        assert_rejected(state, p384_pem, "is a public key");
        assert_rejected(state, "", "not a private key");
        assert_rejected(state, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "not in OpenSSH format");
        assert_int_equal(node_key_load(missing, &k, &error), -ENOENT);
        assert_non_null(strstr(error, missing));
}

/* Every single bit of a key file is looked at: a changed one never gives a key, and never the same words as
 * a crash. */
static void test_damaged_private_file(void **state)
{
        const char *start = strchr(p384_private, '\n') + 1, *end = strstr(p384_private, "-----END");
        unsigned accepted = 0;

        for (const char *p = start; p < end; p += 3) {
                _cleanup_free_ char *text = strdup(p384_private), *path = NULL, *error = NULL;
                _cleanup_(node_key_freep) NodeKey *k = NULL;

                if (*p == '\n' || *p == '=')
                        continue;
                text[p - p384_private] = *p == 'B' ? 'C' : 'B';
                path = put_file(state, "damaged", text);
                if (node_key_load(path, &k, &error) >= 0)
                        accepted++;
                else
                        assert_non_null(error);
        }
        assert_int_equal(accepted, 0);
}

static void test_truncated_private_file(void **state)
{
        size_t head = (size_t) (strchr(p256_private, '\n') - p256_private) + 1;

        for (size_t n = 0; n + 40 < strlen(p256_private) - head; n += 4) {
                _cleanup_free_ char *text = xasprintf(
                        "%.*s\n-----END OPENSSH PRIVATE KEY-----\n", (int) (head + n), p256_private);

                free(rejected(state, text));
        }
}

static void assert_bad_pem(const char *pem)
{
        PublicKey *k = NULL;

        assert_int_equal(public_key_from_pem(pem, strlen(pem), &k), -EINVAL);
        assert_null(k);
}

static void test_pem_must_be_canonical(void **state)
{
        _cleanup_free_ char *padded = xasprintf("%s\n", p384_pem),
                            *cut = strndup(p384_pem, strlen(p384_pem) - 1);
        _cleanup_free_ char *crlf =
                xasprintf("-----BEGIN PUBLIC KEY-----\r\n%s", strchr(p384_pem, '\n') + 1);
        _cleanup_free_ char *off_curve = strdup(p384_pem), *large = new0(char, KEY_PEM_SIZE_MAX + 2);
        PublicKey *k = NULL;

        assert_bad_pem("");
        assert_bad_pem("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n");
        assert_bad_pem(padded);
        assert_bad_pem(cut);
        assert_bad_pem(crlf);
        assert_bad_pem(pkcs8_private);
        /* P-384, but on another curve: the last digits of Y differ */
        off_curve[strlen(off_curve) - strlen("\n-----END PUBLIC KEY-----\n") - 1] ^= 1;
        assert_bad_pem(off_curve);
        memset(large, 'A', KEY_PEM_SIZE_MAX + 1);
        assert_bad_pem(large);
        assert_int_equal(
                public_key_from_pem(p384_pem, strlen(p384_pem) + 1, &k), -EINVAL); /* with its NUL */
}

static void test_pem_of_other_keys(void **state)
{
        /* P-224, P-256K1, P-384 with a compressed point, Ed25519 */
        assert_bad_pem("-----BEGIN PUBLIC KEY-----\n"
                       "ME4wEAYHKoZIzj0CAQYFK4EEACEDOgAECLxoyf4jP/7D/i3eaQV+H2A+7r2jFK0b\n"
                       "/cJK9yl8Ikqxki+Ijc/nIbmLVWGQJd+fDffGr5x1vkc=\n"
                       "-----END PUBLIC KEY-----\n");
        assert_bad_pem("-----BEGIN PUBLIC KEY-----\n"
                       "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEquGUbChYVF8yuvSAuhJYxwCqATTdOkbA\n"
                       "+m5k0VNgxyVPAoHNwlfY0KeJGiiJurtPpmrSQN86d/8uJ2ZW+gJ25g==\n"
                       "-----END PUBLIC KEY-----\n");
        assert_bad_pem("-----BEGIN PUBLIC KEY-----\n"
                       "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgADovlfqh58vAU2suWPvXZg0NiosvI7ZxJg\n"
                       "LAGpNfxedaZPerX3STWn5xmTNkNf24Vm\n"
                       "-----END PUBLIC KEY-----\n");
        assert_bad_pem("-----BEGIN PUBLIC KEY-----\n"
                       "MCowBQYDK2VwAyEAlgfDdDM8/ptlYNMKviKMXmMP4IPD77SZ/v+bs2RhouM=\n"
                       "-----END PUBLIC KEY-----\n");
}

static void test_public_lines(void **state)
{
        _cleanup_(public_key_freep) PublicKey *k = NULL;
        _cleanup_free_ char *wrong_type = xasprintf("ecdsa-sha2-nistp256%s", strchr(p384_line, ' '));
        _cleanup_free_ char *cut = strndup(p384_line, 100), *path = NULL, *error = NULL;
        PublicKey *none = NULL;
        ObjectId a, b;

        assert_int_equal(public_key_from_ssh_line(p384_line, &k), 0);
        assert_string_equal(public_key_pem(k), p384_pem);
        public_key_fingerprint(k, &a);
        key_pem_fingerprint(p384_pem, &b);
        assert_true(object_id_equal(&a, &b));
        assert_int_equal(public_key_from_ssh_line(wrong_type, &none), -EINVAL);
        assert_int_equal(public_key_from_ssh_line(cut, &none), -EINVAL);
        assert_int_equal(public_key_from_ssh_line("", &none), -EINVAL);
        assert_int_equal(public_key_from_ssh_line("ecdsa-sha2-nistp384", &none), -EINVAL);
        assert_int_equal(public_key_from_ssh_line(ed25519_line, &none), -EINVAL);
        path = put_file(state, "wrong", p384_private);
        assert_int_equal(public_key_from_ssh_file(path, &none, &error), -EKEYREJECTED);
        assert_non_null(strstr(error, "ends in \".pub\""));
}

static void assert_list(void **state, const char *text, size_t n)
{
        _cleanup_free_ char *path = put_file(state, "list.csv", text), *error = NULL;
        _cleanup_(key_list_done) KeyList l = {};

        assert_int_equal(key_list_load(path, &l, &error), 0);
        assert_int_equal(l.n, n);
        if (n > 0)
                assert_string_equal(l.pems[0], p384_pem);
        if (n > 1)
                assert_string_equal(l.pems[1], p256_pem);
}

static void test_key_list(void **state)
{
        static const char *const separators[] = {",", "\n", "\r\n", "\n\n", ",\n ,", "\r"};
        _cleanup_free_ char *quoted = xasprintf("\"%s, the \"\"first\"\"\",\"%s\"", p384_line, p256_line);

        assert_list(state, "", 0);
        assert_list(state, "\n", 0);
        assert_list(state, p384_line, 1);
        for (size_t i = 0; i < ELEMENTSOF(separators); i++) {
                _cleanup_free_ char *text = xasprintf("%s%s%s\n", p384_line, separators[i], p256_line);
                assert_list(state, text, 2);
        }
        assert_list(state, quoted, 2);
}

static void test_key_list_errors(void **state)
{
        _cleanup_free_ char *text = xasprintf("%s,%s\n%s,%s\n", p384_line, p256_line, p521_line, rsa_line);
        _cleanup_free_ char *path = put_file(state, "bad.csv", text),
                            *missing = path_join(*state, "none.csv");
        _cleanup_free_ char *error = NULL, *missing_error = NULL;
        KeyList l = {};

        assert_int_equal(key_list_load(path, &l, &error), -EKEYREJECTED);
        assert_non_null(strstr(error, "bad.csv\", line 2, cell 2"));
        assert_non_null(strstr(error, "RSA"));
        assert_null(l.pems);
        assert_int_equal(key_list_load(missing, &l, &missing_error), -ENOENT);
        assert_non_null(strstr(missing_error, "none.csv"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_private_vectors),
                cmocka_unit_test(test_genuine_signatures),
                cmocka_unit_test(test_own_signatures),
                cmocka_unit_test(test_save_and_load),
                cmocka_unit_test(test_save_never_overwrites),
                cmocka_unit_test(test_number_forms),
                cmocka_unit_test(test_rejected_private_files),
                cmocka_unit_test(test_damaged_private_file),
                cmocka_unit_test(test_truncated_private_file),
                cmocka_unit_test(test_pem_must_be_canonical),
                cmocka_unit_test(test_pem_of_other_keys),
                cmocka_unit_test(test_public_lines),
                cmocka_unit_test(test_key_list),
                cmocka_unit_test(test_key_list_errors),
        };

        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
