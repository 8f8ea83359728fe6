/* Large fields: slices on the way in, references on the way out, and the same bytes that protobuf-c writes
 * and reads. */
#include "rpc-testing.h"

#include "codec/envelope.h"
#include "codec/limits.h"
#include "codec/proto/appio.pb-c.h"
#include "codec/proto/common.pb-c.h"

#define HASH "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"

static Blob *pack(const ProtobufCMessage *m)
{
        uint8_t *p;
        Blob *b = blob_alloc(protobuf_c_message_get_packed_size(m), &p);

        assert_non_null(b);
        protobuf_c_message_pack(m, p);
        return b;
}

static Blob *content_of(size_t size)
{
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);

        assert_non_null(b);
        for (size_t i = 0; i < size; i++)
                p[i] = (uint8_t) (i * 31);
        return b;
}

static void test_push_object(void **state)
{
        /* Around the sizes where the length takes another byte. */
        static const size_t sizes[] = {1, 127, 128, 16383, 16384, 2097151, 2097152};

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_blob_ Blob *content = content_of(sizes[i]);
                ObjectRequest m = {.node_id = 9, .run_id = 8, .content = content};
                Flwr__Proto__Node node = FLWR__PROTO__NODE__INIT;
                Flwr__Proto__PushObjectRequest p = FLWR__PROTO__PUSH_OBJECT_REQUEST__INIT;
                _cleanup_blobvec_ BlobVec v = {0};

                assert_int_equal(object_id_parse(HASH, &m.id), 0);
                node.node_id = 9;
                p.node = &node;
                p.run_id = 8;
                p.object_id = (char *) HASH;
                p.object_content = (ProtobufCBinaryData){content->size, (uint8_t *) content->data};

                assert_int_equal(rpc_encode(RPC_PUSH_OBJECT_REQUEST, &m, &v), 0);
                assert_ptr_equal(v.v[v.n - 1], content);
                _cleanup_blob_ Blob *ours = blobvec_join(&v), *theirs = pack(&p.base);
                assert_true(blob_equal(ours, theirs));

                ObjectRequest *got = decode(RPC_PUSH_OBJECT_REQUEST, theirs);
                assert_true(blob_equal(got->content, content));
                assert_true(got->content->data > theirs->data &&
                            got->content->data + got->content->size == theirs->data + theirs->size);
                rpc_free(RPC_PUSH_OBJECT_REQUEST, got);
        }
}

static void test_app_inputs(void **state)
{
        _cleanup_blob_ Blob *context = content_of(300), *content = content_of(70000);
        KeyValue verification = {(char *) "key", (char *) "signature"};
        Run run = {.run_id = 5, .fab_id = (char *) "me/app"};
        AppInputs m = {.context = context,
                .run = &run,
                .fab = {.content = content, .verifications = &verification, .n_verifications = 1}};

        assert_int_equal(object_id_parse(HASH, &m.fab.hash), 0);
        _cleanup_blob_ Blob *wire = encode(RPC_PULL_APP_INPUTS_RESPONSE, &m);
        Flwr__Proto__PullAppInputsResponse *p =
                flwr__proto__pull_app_inputs_response__unpack(NULL, wire->size, wire->data);
        assert_non_null(p);
        assert_int_equal(p->context.len, 300);
        assert_memory_equal(p->context.data, context->data, 300);
        assert_string_equal(p->run->fab_id, "me/app");
        assert_string_equal(p->fab->hash_str, HASH);
        assert_int_equal(p->fab->content.len, 70000);
        assert_memory_equal(p->fab->content.data, content->data, 70000);
        assert_string_equal(p->fab->verifications[0]->value, "signature");
        _cleanup_blob_ Blob *theirs = pack(&p->base);
        assert_true(blob_equal(wire, theirs));
        flwr__proto__pull_app_inputs_response__free_unpacked(p, NULL);

        AppInputs *got = decode(RPC_PULL_APP_INPUTS_RESPONSE, wire);
        assert_true(blob_equal(got->context, context));
        assert_true(blob_equal(got->fab.content, content));
        assert_true(got->fab.content->data > wire->data && got->fab.content->data < wire->data + wire->size);
        assert_string_equal(got->fab.verifications[0].key, "key");
        rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, got);
}

/* An app needs the field even if there is nothing in it. */
static void test_fab_is_always_there(void **state)
{
        AppInputs m = {0};
        _cleanup_blob_ Blob *wire = encode(RPC_PULL_APP_INPUTS_RESPONSE, &m);

        assert_hex(wire, "1a00");
}

static void test_split(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0801"
                                                  "1202aabb"
                                                  "1803"
                                                  "2201cc"
                                                  "2a00");
        _cleanup_envelope_ Envelope e = {.numbers = {2, 5}};
        const char *text = NULL;

        assert_int_equal(envelope_split(&e, wire, &text), 0);
        assert_hex(e.cuts[0], "aabb");
        assert_int_equal(e.cuts[1]->size, 0);
        assert_hex(e.rest, "080118032201cc");
}

static void assert_split_refused(const char *hex)
{
        _cleanup_blob_ Blob *wire = blob_from_hex(hex);
        _cleanup_envelope_ Envelope e = {.numbers = {2}};
        const char *text = NULL;

        assert_int_equal(envelope_split(&e, wire, &text), -EBADMSG);
        assert_non_null(text);
}

static void test_split_refused(void **state)
{
        assert_split_refused("1201aa1201bb");             /* twice */
        assert_split_refused("1001");                     /* not bytes */
        assert_split_refused("1203aabb");                 /* truncated */
        assert_split_refused("12ffffffffffffffffff01");   /* a length that overflows */
        assert_split_refused("08ffffffffffffffffffff01"); /* a varint of eleven bytes */
        assert_split_refused("08ffffffffffffffffff02");   /* more than 64 bits */
        assert_split_refused("0001");                     /* field 0 */
        assert_split_refused("0b0c");                     /* a group */
        assert_split_refused("0d0000");                   /* truncated fixed32 */
        assert_split_refused("0900");                     /* truncated fixed64 */
}

/* Contents may be large, what stands beside them may not. */
static void test_split_limit(void **state)
{
        uint8_t *p;
        _cleanup_blob_ Blob *wire = blob_alloc(RPC_ENVELOPE_MAX + 6, &p);
        _cleanup_envelope_ Envelope cut = {.numbers = {1}}, rest = {.numbers = {2}};
        const char *text = NULL;
        size_t n = RPC_ENVELOPE_MAX + 1;

        assert_non_null(wire);
        memset(p, 0, wire->size);
        p[0] = 0x0a;
        for (int i = 1; i < 5; i++, n >>= 7)
                p[i] = (uint8_t) (n & 0x7f) | (i < 4 ? 0x80 : 0);
        assert_int_equal(envelope_split(&cut, wire, &text), 0);
        assert_int_equal(cut.cuts[0]->size, RPC_ENVELOPE_MAX + 1);
        assert_int_equal(envelope_split(&rest, wire, &text), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_push_object),
                cmocka_unit_test(test_app_inputs),
                cmocka_unit_test(test_fab_is_always_there),
                cmocka_unit_test(test_split),
                cmocka_unit_test(test_split_refused),
                cmocka_unit_test(test_split_limit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
