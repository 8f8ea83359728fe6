#include "rpc-testing.h"

#include "codec/limits.h"
#include "genuine-vectors.h"

#define ID_A "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

/* What a genuine peer sends is understood, and understood completely: encoding it again gives the same
 * bytes. */
static void test_genuine(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(GENUINE_VECTORS); i++) {
                RpcKind kind = GENUINE_VECTORS[i].kind;
                _cleanup_blob_ Blob *wire = blob_from_hex(GENUINE_VECTORS[i].hex);
                void *message = decode(kind, wire);
                _cleanup_blob_ Blob *again = encode(kind, message);

                assert_hex(again, GENUINE_VECTORS[i].hex);
                rpc_free(kind, message);
        }
}

/* Every kind has a row, and a vector unless it is empty or (PushMessagesResponse) is not symmetric. */
static void test_every_kind(void **state)
{
        for (int kind = 0; kind < _RPC_KIND_MAX; kind++) {
                if (kind == RPC_EMPTY || kind == RPC_HEALTH_CHECK_REQUEST ||
                        kind == RPC_PUSH_MESSAGES_RESPONSE)
                        continue;
                assert_true(rpc_struct_size(kind) > 0);
                /* Ours alone. */
                if (kind == RPC_ENROL_REQUEST || kind == RPC_ENROL_RESPONSE)
                        continue;
                bool found = false;
                for (size_t i = 0; i < ELEMENTSOF(GENUINE_VECTORS); i++)
                        found = found || GENUINE_VECTORS[i].kind == (RpcKind) kind;
                if (!found)
                        fail_msg("no vector for kind %d", kind);
        }
}

/* No prefix of a message crashes or leaks; many are messages themselves. */
static void test_truncated(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(GENUINE_VECTORS); i++) {
                _cleanup_blob_ Blob *wire = blob_from_hex(GENUINE_VECTORS[i].hex);
                for (size_t n = 0; n < wire->size; n++) {
                        _cleanup_blob_ Blob *part = blob_slice(wire, 0, n);
                        _cleanup_free_ char *text = NULL;
                        void *message = NULL;

                        int r = rpc_decode(GENUINE_VECTORS[i].kind, part, &message, &text);
                        assert_true(r == 0 || r == -EBADMSG);
                        rpc_free(GENUINE_VECTORS[i].kind, message);
                }
        }
}

/* Each byte changed: nothing crashes or leaks (for the sanitizers). */
static void test_mutated(void **state)
{
        static const uint8_t masks[] = {0x01, 0x07, 0x80, 0xff};

        for (size_t i = 0; i < ELEMENTSOF(GENUINE_VECTORS); i++) {
                _cleanup_blob_ Blob *wire = blob_from_hex(GENUINE_VECTORS[i].hex);
                for (size_t n = 0; n < wire->size * ELEMENTSOF(masks); n++) {
                        uint8_t *p;
                        _cleanup_blob_ Blob *changed = blob_alloc(wire->size, &p);
                        _cleanup_free_ char *text = NULL;
                        void *message = NULL;

                        memcpy(p, wire->data, wire->size);
                        p[n / ELEMENTSOF(masks)] ^= masks[n % ELEMENTSOF(masks)];
                        int r = rpc_decode(GENUINE_VECTORS[i].kind, changed, &message, &text);
                        assert_true(r == 0 || r == -EBADMSG);
                        rpc_free(GENUINE_VECTORS[i].kind, message);
                }
        }
}

static void test_empty(void **state)
{
        _cleanup_blob_ Blob *wire = blob_new_string("whatever");
        _cleanup_blob_ Blob *none = encode(RPC_EMPTY, NULL);
        BlobVec v = {0};

        assert_null(decode(RPC_EMPTY, wire));
        assert_null(decode(RPC_HEALTH_CHECK_REQUEST, wire));
        assert_int_equal(none->size, 0);
        assert_int_equal(rpc_encode(RPC_PUSH_OBJECT_RESPONSE, &(ObjectReply){0}, &v), 0);
        assert_int_equal(v.n, 0);
        assert_null(rpc_free(RPC_EMPTY, rpc_new(RPC_EMPTY)));
}

static void test_messages(void **state)
{
        _cleanup_blob_ Blob *wire = NULL;

        for (size_t i = 0; i < ELEMENTSOF(GENUINE_VECTORS); i++)
                if (GENUINE_VECTORS[i].kind == RPC_PUSH_APP_MESSAGES_REQUEST)
                        wire = blob_from_hex(GENUINE_VECTORS[i].hex);
        MessageBatch *b = decode(RPC_PUSH_APP_MESSAGES_REQUEST, wire);

        assert_string_equal(b->token, "t");
        assert_true(b->run_id == UINT64_C(0xfedcba9876543210));
        assert_int_equal(b->n, 2);
        assert_true(b->messages[0].has_content);
        assert_false(b->messages[0].has_error);
        assert_null(b->messages[0].content);
        assert_string_equal(b->messages[0].metadata.group_id, "3");
        assert_string_equal(b->messages[0].metadata.message_type, "train");
        assert_true(object_id_is_none(&b->messages[0].metadata.reply_to));
        assert_int_equal(b->messages[0].metadata.dst_node_id, 77);
        assert_false(b->messages[1].has_content);
        assert_true(b->messages[1].has_error);
        assert_int_equal(b->messages[1].error_code, 2);
        assert_string_equal(b->messages[1].error_reason, "Grund: \xc3\xa4");
        assert_int_equal(object_tree_count(&b->trees[0]), 4);
        assert_int_equal(b->trees[1].children[1].n_children, 1);
        rpc_free(RPC_PUSH_APP_MESSAGES_REQUEST, b);
}

static void test_push_messages_response(void **state)
{
        ObjectId ids[2] = {OBJECT_ID_NONE, {{0xa1}}}, push[1];
        PushReply m = {
                .message_ids = ids, .n_message_ids = 1, .objects_to_push = push, .n_objects_to_push = 1};

        assert_int_equal(object_id_parse(ID_A, &push[0]), 0);
        /* {reconnect {5}, results {"None": 0}, objects_to_push} as genuine peers write it, except that they
         * also write the entry's zero. */
        _cleanup_blob_ Blob *wire = encode(RPC_PUSH_MESSAGES_RESPONSE, &m);
        const uint8_t head[] = {0x0a, 2, 8, 5, 0x12, 6, 0x0a, 4, 'N', 'o', 'n', 'e', 0x1a, 64, 'a', '1'};
        assert_true(wire->size > sizeof(head));
        assert_memory_equal(wire->data, head, sizeof(head));

        PushReply *got = decode(RPC_PUSH_MESSAGES_RESPONSE, wire);
        assert_int_equal(got->n_message_ids, 0);
        assert_int_equal(got->n_objects_to_push, 1);
        assert_true(object_id_equal(&got->objects_to_push[0], &push[0]));
        rpc_free(RPC_PUSH_MESSAGES_RESPONSE, got);
}

static void test_heartbeat_layouts(void **state)
{
        _cleanup_blob_ Blob *old = blob_from_hex("0807"), *no_run = blob_from_hex("110000000000003e40"),
                            *token = blob_from_hex("0a0174");
        RunRequest *m = decode(RPC_SEND_APP_HEARTBEAT_REQUEST, old);

        assert_true(m->has_run_id && m->run_id == 7 && !m->token);
        rpc_free(RPC_SEND_APP_HEARTBEAT_REQUEST, m);
        m = decode(RPC_SEND_APP_HEARTBEAT_REQUEST, no_run);
        assert_true(m->has_run_id && m->run_id == 0 && m->heartbeat_interval == 30.0);
        rpc_free(RPC_SEND_APP_HEARTBEAT_REQUEST, m);
        m = decode(RPC_SEND_APP_HEARTBEAT_REQUEST, token);
        assert_string_equal(m->token, "t");
        assert_false(m->has_run_id);
        rpc_free(RPC_SEND_APP_HEARTBEAT_REQUEST, m);
}

static void test_ids(void **state)
{
        _cleanup_free_ char *text = NULL;

        /* PullObjectRequest.object_id: missing, short, upper case */
        text = decode_refused(RPC_PULL_OBJECT_REQUEST, blob_from_hex("1007"));
        assert_non_null(strstr(text, "PullObjectRequest.object_id"));
        text = mfree(text);
        text = decode_refused(RPC_PULL_OBJECT_REQUEST, blob_from_hex("1a03616263"));

        uint8_t wire[66] = {0x1a, 64};
        memset(wire + 2, 'A', 64);
        _cleanup_blob_ Blob *b = blob_new(wire, sizeof(wire));
        ObjectRequest *m = decode(RPC_PULL_OBJECT_REQUEST, b);
        assert_int_equal(m->id.bytes[31], 0xaa);
        rpc_free(RPC_PULL_OBJECT_REQUEST, m);
}

static void test_run_status(void **state)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_blob_ Blob *bare = blob_from_hex("0a020807");
        Run *run = decode(RPC_GET_RUN_RESPONSE, bare);

        assert_int_equal(run->run_id, 7);
        assert_int_equal(run->status, RUN_PENDING);
        assert_string_equal(run->fab_id, "");
        assert_string_equal(run->details, "");
        assert_int_equal(run->pending_at, 0);
        rpc_free(RPC_GET_RUN_RESPONSE, run);

        /* {run {status {status "odd"}}} and {run {pending_at "soon"}} */
        text = decode_refused(RPC_GET_RUN_RESPONSE, blob_from_hex("0a0752050a036f6464"));
        assert_non_null(strstr(text, "status"));
        text = mfree(text);
        text = decode_refused(RPC_GET_RUN_RESPONSE, blob_from_hex("0a063204736f6f6e"));
        assert_non_null(strstr(text, "pending_at"));
}

/* run_type is never empty on the wire. */
static void test_run_type(void **state)
{
        Run run = {.run_id = 1};
        _cleanup_blob_ Blob *wire = encode(RPC_GET_RUN_RESPONSE, &run);
        Run *got = decode(RPC_GET_RUN_RESPONSE, wire);

        assert_string_equal(got->run_type, "serverapp");
        rpc_free(RPC_GET_RUN_RESPONSE, got);
}

static void test_text(void **state)
{
        _cleanup_free_ char *text = NULL;

        /* token with NUL, with bad UTF-8 */
        text = decode_refused(RPC_PULL_APP_INPUTS_REQUEST, blob_from_hex("0a03610062"));
        assert_non_null(strstr(text, "token"));
        text = mfree(text);
        text = decode_refused(RPC_PULL_APP_INPUTS_REQUEST, blob_from_hex("0a02c328"));
        text = mfree(text);

        /* logs: repaired, also where the cut is inside a character */
        _cleanup_blob_ Blob *logs = blob_from_hex("1a03"
                                                  "6fc3"
                                                  "c3"
                                                  "1a03"
                                                  "b66100");
        LogsRequest *m = decode(RPC_PUSH_LOGS_REQUEST, logs);
        assert_true(utf8_is_valid(m->text, strlen(m->text)));
        assert_non_null(strstr(m->text, "\xc3\xb6"
                                        "a"));
        rpc_free(RPC_PUSH_LOGS_REQUEST, m);
}

static void test_lengths(void **state)
{
        _cleanup_free_ char *text = NULL;
        char id[] = ID_A, *group = calloc(1, MESSAGE_GROUP_LENGTH_MAX + 2);
        Message message = {
                .metadata = {.group_id = group, .message_type = (char *) "train"}, .has_error = true};
        ObjectTree tree;
        MessageBatch batch = {.messages = &message, .trees = &tree, .n = 1};

        assert_non_null(group);
        tree = (ObjectTree){0};
        assert_int_equal(object_id_parse(id, &tree.id), 0);

        /* A reason is cut, at a character; everything else is refused. */
        message.error_reason = calloc(1, MESSAGE_REASON_LENGTH_MAX + 3);
        assert_non_null(message.error_reason);
        memset(message.error_reason, 'r', MESSAGE_REASON_LENGTH_MAX - 1);
        memcpy(message.error_reason + MESSAGE_REASON_LENGTH_MAX - 1, "\xc3\xa4", 2);
        _cleanup_blob_ Blob *wire = encode(RPC_PUSH_MESSAGES_REQUEST, &batch);
        MessageBatch *got = decode(RPC_PUSH_MESSAGES_REQUEST, wire);
        assert_int_equal(strlen(got->messages[0].error_reason), MESSAGE_REASON_LENGTH_MAX - 1);
        rpc_free(RPC_PUSH_MESSAGES_REQUEST, got);

        memset(group, 'g', MESSAGE_GROUP_LENGTH_MAX + 1);
        text = decode_refused(RPC_PUSH_MESSAGES_REQUEST, encode(RPC_PUSH_MESSAGES_REQUEST, &batch));
        assert_non_null(strstr(text, "group_id"));
        free(message.error_reason);
        free(group);
}

static void test_trees(void **state)
{
        _cleanup_free_ char *text = NULL;
        ObjectTree chain[OBJECT_TREE_DEPTH_MAX + 1] = {0};
        Message message = {.metadata = {.group_id = (char *) "", .message_type = (char *) "train"}};
        MessageBatch batch = {.messages = &message, .trees = chain, .n = 1};

        for (size_t i = 0; i < ELEMENTSOF(chain); i++) {
                chain[i].id.bytes[0] = 1;
                if (i + 1 < ELEMENTSOF(chain)) {
                        chain[i].children = &chain[i + 1];
                        chain[i].n_children = 1;
                }
        }
        text = decode_refused(RPC_PUSH_MESSAGES_REQUEST, encode(RPC_PUSH_MESSAGES_REQUEST, &batch));
        assert_non_null(strstr(text, "too deep"));
        text = mfree(text);

        batch.trees = &chain[1];
        _cleanup_blob_ Blob *wire = encode(RPC_PUSH_MESSAGES_REQUEST, &batch);
        rpc_free(RPC_PUSH_MESSAGES_REQUEST, decode(RPC_PUSH_MESSAGES_REQUEST, wire));

        text = decode_refused(RPC_PUSH_APP_MESSAGES_REQUEST, blob_from_hex("12002200"));
        assert_non_null(strstr(text, "no id"));
        text = mfree(text);

        /* Two messages, no tree. */
        text = decode_refused(RPC_PUSH_APP_MESSAGES_REQUEST, blob_from_hex("12001200"));
        assert_non_null(strstr(text, "message_object_trees"));
}

static Blob *repeat(const char *item, size_t n)
{
        size_t size = strlen(item);
        uint8_t *p;
        Blob *b = blob_alloc(size * n, &p);

        assert_non_null(b);
        for (size_t i = 0; i < n; i++)
                memcpy(p + i * size, item, size);
        return b;
}

static void test_counts(void **state)
{
        _cleanup_free_ char *text = NULL;

        /* The shortest entries that there are, on either side of the limit. */
        text = decode_refused(
                RPC_START_RUN_REQUEST, repeat("\x12\x04\x12\x02\x68\x01", RPC_CONFIG_ENTRIES_MAX + 1));
        assert_non_null(strstr(text, "too many"));
        text = mfree(text);
        text = decode_refused(RPC_GET_NODES_RESPONSE, repeat("\x0a\x02\x08\x01", RPC_MESSAGES_MAX + 1));
        assert_non_null(strstr(text, "too many"));

        _cleanup_blob_ Blob *nodes = repeat("\x0a\x02\x08\x01", RPC_MESSAGES_MAX);
        NumbersReply *m = decode(RPC_GET_NODES_RESPONSE, nodes);
        assert_int_equal(m->n, RPC_MESSAGES_MAX);
        rpc_free(RPC_GET_NODES_RESPONSE, m);
}

/* A refused message is answered with an empty id: many of them are legal. */
static void test_many_empty_ids(void **state)
{
        size_t n = RPC_MESSAGES_MAX;
        uint8_t *p;
        _cleanup_blob_ Blob *wire = blob_alloc(2 * n, &p);

        assert_non_null(wire);
        for (size_t i = 0; i < n; i++)
                memcpy(p + 2 * i, "\x0a\x00", 2);
        PushReply *m = decode(RPC_PUSH_APP_MESSAGES_RESPONSE, wire);
        assert_int_equal(m->n_message_ids, n);
        assert_true(object_id_is_none(&m->message_ids[n - 1]));
        rpc_free(RPC_PUSH_APP_MESSAGES_RESPONSE, m);
}

static void test_reply_wrapper(void **state)
{
        NumbersReply *m = rpc_new(RPC_GET_NODES_RESPONSE);
        _cleanup_blobvec_ BlobVec v = {0};

        m->numbers = new0(uint64_t, 1);
        m->numbers[0] = 3;
        m->n = 1;
        RpcReply *r = rpc_reply_new(RPC_GET_NODES_RESPONSE, m);
        assert_non_null(r);
        assert_int_equal(rpc_reply_encode(r, &v), 0);
        _cleanup_blob_ Blob *b = blobvec_join(&v);
        assert_hex(b, "0a020803");
        rpc_reply_free(r);
        rpc_reply_free(NULL);
}

static void test_methods(void **state)
{
        for (int i = 0; i < _RPC_METHOD_MAX; i++) {
                const RpcMethod *m = &RPC_METHODS[i];
                assert_non_null(m->path);
                assert_true(
                        m->max_request >= (i == RPC_NATIVE_ENROL ? RPC_ENROL_REQUEST_MAX : RPC_REQUEST_MAX));
                assert_int_equal(m->stream, endswith(m->path, "/StreamLogs") != NULL);
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(m->path, RPC_METHODS[j].path);
        }
        assert_string_equal(
                RPC_METHODS[RPC_CLIENTAPPIO_PULL_MESSAGE].path, "/flwr.proto.ClientAppIo/PullMessage");
        assert_string_equal(RPC_METHODS[RPC_EXEC_START_RUN].path, "/flwr.proto.Exec/StartRun");
}

static void test_object_in_parts(void **state)
{
        _cleanup_blob_ Blob *whole = blob_new_string("head and body"), *a = NULL, *b = NULL;
        ObjectRequest one = {.node_id = 1, .run_id = 2, .content = whole};
        ObjectRequest parts = {.node_id = 1, .run_id = 2};
        _cleanup_blobvec_ BlobVec from_one = {}, from_parts = {};

        memset(one.id.bytes, 7, sizeof(one.id.bytes));
        parts.id = one.id;
        assert_int_equal(blobvec_append(&parts.parts, blob_new_string("head and ")), 0);
        assert_int_equal(blobvec_append(&parts.parts, blob_new(NULL, 0)), 0);
        assert_int_equal(blobvec_append(&parts.parts, blob_new_string("body")), 0);
        assert_int_equal(rpc_encode(RPC_PUSH_OBJECT_REQUEST, &one, &from_one), 0);
        assert_int_equal(rpc_encode(RPC_PUSH_OBJECT_REQUEST, &parts, &from_parts), 0);
        for (unsigned i = 0; i < from_parts.n; i++)
                assert_true(from_parts.v[i]->size > 0);
        a = blobvec_join(&from_one);
        b = blobvec_join(&from_parts);
        assert_true(blob_equal(a, b));
        blobvec_done(&parts.parts);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_genuine),
                cmocka_unit_test(test_every_kind),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_mutated),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_object_in_parts),
                cmocka_unit_test(test_messages),
                cmocka_unit_test(test_push_messages_response),
                cmocka_unit_test(test_heartbeat_layouts),
                cmocka_unit_test(test_ids),
                cmocka_unit_test(test_run_status),
                cmocka_unit_test(test_run_type),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_trees),
                cmocka_unit_test(test_counts),
                cmocka_unit_test(test_many_empty_ids),
                cmocka_unit_test(test_reply_wrapper),
                cmocka_unit_test(test_methods),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
