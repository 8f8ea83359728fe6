#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/hash.h"
#include "model/npy.h"

static void assert_sha256(const void *data, size_t size, const char *expected)
{
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId id;

        sha256(data, size, &id);
        assert_string_equal(object_id_format(&id, hex), expected);
}

/* Hashes of NumPy's own headers. */
static void test_write(void **state)
{
        static const struct {
                NpyType type;
                size_t n_dims;
                uint64_t shape[NPY_DIMS_MAX];
                const char *hash;
        } rows[] = {
                {NPY_F64, 0, {}, "35341ce4516b9a77e96cea2f6d392d5978c05f5c8fe31e4e02b1f64a78e85c8f"},
                {NPY_F32, 2, {2, 2}, "060213760feb58d4d9062480675087aebee3bc8be5d9740f0054e1835b00b1cb"},
                {NPY_F32, 1, {3}, "fc7092e2315b01dba4012e52e690be0d1c1f03bf8d75cb30419ce4c23d9bdfac"},
                {NPY_BOOL, 1, {0}, "0c2dc67baf2328c40dcd29657a3eede3b76cb9f24cd475e6b257c840216fd2e1"},
                {NPY_U8, 1, {1000000000000000000},
                        "df67aaabcf31a758d1270ec3f6b6dc0034a9ea2417ed46f706c4c8b35cdc2842"},
                {NPY_C128, 7, {123456789, 3, 3, 3, 64, 64, 1000},
                        "c314cb8ba2ccd7fe74265ccd85c25a86c2a6bcea472e3161ea00592aa25c489d"},
                {NPY_F16, 15, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                        "44569238a349089b5fe0b4ee01405a0d813ec43c7688c46f0b717fbb4af7684a"},
                /* nearly a whole block of blanks */
                {NPY_F32, 12, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10},
                        "dc12fea6584c4efa1f6f324d9099426201076ecbf789e1cb696a4cc2bad82ab4"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_buf_ Buf b = {};
                NpyHeader h;

                assert_int_equal(npy_write_header(rows[i].type, rows[i].shape, rows[i].n_dims, &b), 0);
                assert_sha256(b.data, b.size, rows[i].hash);
                assert_int_equal(b.size % 64, 0);
                if (rows[i].shape[0] != 0)
                        assert_int_equal(npy_parse(b.data, b.size, &h), -EBADMSG); /* no data */
        }
}

static void test_vectors(void **state)
{
        static const uint64_t shape[] = {2, 2};
        static const float data[] = {1, 2, 3, 4};
        static const double scalar = 5;
        _cleanup_buf_ Buf a = {}, b = {};
        NpyHeader h;

        assert_int_equal(buf_append(&a, "ArrayChunk  144\0", 16), 0);
        assert_int_equal(npy_write_header(NPY_F32, shape, 2, &a), 0);
        assert_int_equal(buf_append(&a, data, sizeof(data)), 0);
        assert_sha256(a.data, a.size, "0bd55c552a4d962cf4398ecd7b71d1a05377410b9b904603b85f1760b8928530");
        assert_int_equal(npy_parse(a.data + 16, a.size - 16, &h), 0);
        assert_int_equal(h.type, NPY_F32);
        assert_false(h.big_endian);
        assert_false(h.fortran_order);
        assert_int_equal(h.n_dims, 2);
        assert_int_equal(h.shape[1], 2);
        assert_int_equal(h.data_offset, 128);
        assert_int_equal(h.n_items, 4);
        assert_int_equal(npy_parse(a.data + 16, a.size - 17, &h), -EBADMSG);

        assert_int_equal(buf_append(&b, "ArrayChunk  136\0", 16), 0);
        assert_int_equal(npy_write_header(NPY_F64, NULL, 0, &b), 0);
        assert_int_equal(buf_append(&b, &scalar, sizeof(scalar)), 0);
        assert_sha256(b.data, b.size, "12f8bde6c044c7179a45721860ac0b369914fabb58f7aad3efaba692b005b7ac");
        assert_int_equal(npy_parse(b.data + 16, b.size - 16, &h), 0);
        assert_int_equal(h.n_dims, 0);
        assert_int_equal(h.n_items, 1);
}

/* A file of that version with that header and size zero bytes of data behind it. */
static int parse(unsigned version, const char *header, size_t size, NpyHeader *ret)
{
        _cleanup_buf_ Buf b = {};
        size_t length = strlen(header);
        uint8_t head[] = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, length & 0xff, length >> 8, 0, 0};
        _cleanup_free_ void *zero = calloc(1, size + 1);

        assert_int_equal(buf_append(&b, head, version == 1 ? 10 : 12), 0);
        assert_int_equal(buf_append(&b, header, length), 0);
        assert_int_equal(buf_append(&b, zero, size), 0);
        return npy_parse(b.data, b.size, ret);
}

static void test_accepted(void **state)
{
        NpyHeader h;

        assert_int_equal(
                parse(1, "{'descr': '>c16', 'fortran_order': True, 'shape': (3,), }  \n", 48, &h), 0);
        assert_int_equal(h.type, NPY_C128);
        assert_true(h.big_endian);
        assert_true(h.fortran_order);
        assert_int_equal(parse(2, "{\"shape\":(2L, 3L),'fortran_order':False,'descr':'|u1'}", 6, &h), 0);
        assert_int_equal(h.n_items, 6);
        assert_int_equal(h.shape[1], 3);
        assert_int_equal(
                parse(3, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 0, 5)}\n", 0, &h), 0);
        assert_int_equal(h.n_items, 0);
        assert_int_equal(parse(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 9, &h), 0);
}

static void test_refused(void **state)
{
        static const char *const headers[] = {
                "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': 'f4', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4, 0), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551617,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (20,), }",
                "{'descr': '<f4', 'fortran_order': False, }",
                "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': (1,)}",
                "{'descr': '<f4' 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
                "{'descr': '<f\\4', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': '<f4",
                "",
                "{}",
        };
        NpyHeader h;

        for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                if (parse(1, headers[i], 64, &h) != -EBADMSG)
                        fail_msg("accepted: %s", headers[i]);
        assert_int_equal(
                parse(4, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, &h), -EBADMSG);
        assert_int_equal(npy_parse("\x93NUMPY\x01\0\xff\xff", 10, &h), -EBADMSG);
        assert_int_equal(npy_parse("\x93NUMPY\x01\0", 8, &h), -EBADMSG);
        assert_int_equal(npy_parse("", 0, &h), -EBADMSG);
}

static void test_too_many_dimensions(void **state)
{
        char header[256] = "{'descr': '|i1', 'fortran_order': False, 'shape': (";
        uint64_t shape[NPY_DIMS_MAX + 1] = {};
        _cleanup_buf_ Buf b = {};
        NpyHeader h;

        for (size_t i = 0; i < NPY_DIMS_MAX; i++)
                strcat(header, "1,");
        strcat(header, ")}");
        assert_int_equal(parse(1, header, 1, &h), 0);
        assert_int_equal(h.n_dims, NPY_DIMS_MAX);
        strcpy(header + strlen(header) - 2, "1,)}");
        assert_int_equal(parse(1, header, 1, &h), -EBADMSG);
        assert_int_equal(npy_write_header(NPY_I8, shape, ELEMENTSOF(shape), &b), -EINVAL);
}

static void test_names(void **state)
{
        for (NpyType t = 0; t < _NPY_TYPE_MAX; t++)
                assert_int_equal(npy_type_from_name(npy_type_name(t)), t);
        assert_int_equal(npy_item_size(NPY_C128), 16);
        assert_true(npy_type_from_name("bfloat16") < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_write),
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_too_many_dimensions),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
