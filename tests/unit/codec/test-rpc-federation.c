#include "rpc-testing.h"

/* As 1.23 sends it: the same node in other numbers. */
#define NODE_123_ONLINE                                                                                     \
        "082a"                                                                                              \
        "12063c6e6f6e653e"                                                                                  \
        "1a066f6e6c696e65"                                                                                  \
        "2219323032362d30312d30325430333a30343a30352b30303a3030"                                            \
        "2a19323032362d30312d30325430333a30353a30352b30303a3030"                                            \
        "4100006087cd55da41"                                                                                \
        "490000000000003e40"                                                                                \
        "52036b6579"
#define NODE_123_REGISTERED                                                                                 \
        "0803"                                                                                              \
        "12063c6e6f6e653e"                                                                                  \
        "1a0a72656769737465726564"                                                                          \
        "2219323032362d30312d30325430333a30343a30352b30303a3030"
#define T_2026_01_02_03_04_05 (1767323045 * USEC_PER_SEC)

static void test_nodes_of_1_23(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0a5f" NODE_123_ONLINE "0a31" NODE_123_REGISTERED);
        NodesReply *m = decode(RPC_LIST_NODES_RESPONSE, wire);

        assert_int_equal(m->n, 2);
        assert_int_equal(m->nodes[0].node_id, 42);
        assert_string_equal(m->nodes[0].owner_aid, "<none>");
        assert_string_equal(m->nodes[0].owner_name, "");
        assert_string_equal(m->nodes[0].status, "online");
        assert_int_equal(m->nodes[0].registered_at, T_2026_01_02_03_04_05);
        assert_int_equal(m->nodes[0].last_activated_at, T_2026_01_02_03_04_05 + 60 * USEC_PER_SEC);
        assert_true(m->nodes[0].online_until == 1767323165.5);
        assert_true(m->nodes[0].heartbeat_interval == 30);
        assert_string_equal(m->nodes[0].public_key, "key");
        assert_string_equal(m->nodes[1].status, "registered");
        assert_int_equal(m->nodes[1].registered_at, T_2026_01_02_03_04_05);
        assert_int_equal(m->nodes[1].unregistered_at, 0);
        assert_null(m->nodes[1].public_key);
        rpc_free(RPC_LIST_NODES_RESPONSE, m);
}

/* An owner may have any name but a status. */
static void test_nodes_of_1_24(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0a11"
                                                  "0803"
                                                  "1a056f6e6c696e" /* onlin */
                                                  "22066f6e6c696e65"
                                                  "0a020805");
        NodesReply *m = decode(RPC_LIST_NODES_RESPONSE, wire);

        assert_int_equal(m->n, 2);
        assert_string_equal(m->nodes[0].owner_name, "onlin");
        assert_string_equal(m->nodes[0].status, "online");
        assert_string_equal(m->nodes[1].status, "");
        rpc_free(RPC_LIST_NODES_RESPONSE, m);
}

static void test_bad_nodes(void **state)
{
        static const struct {
                const char *hex, *text;
        } cases[] = {
                {"0a0508032a0161", "registered_at: an ISO time"},
                {"0a0308035a", "truncated"},
                {"0a0508035a0100", "public_key: a public key in PEM"},
                {"0a0508032201ff", "UTF-8"},
                {"0a020a00", "unexpected type"},
                {"0a021200", "node_id: a node has no id"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text =
                        decode_refused(RPC_LIST_NODES_RESPONSE, blob_from_hex(cases[i].hex));

                if (!strstr(text, cases[i].text))
                        fail_msg("\"%s\" is not in \"%s\"", cases[i].text, text);
        }
}

static void test_federation_of_1_24(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0a1c"
                                                  "0a0764656661756c74"     /* default */
                                                  "12093c69643a6e6f6e653e" /* <id:none> */
                                                  "1a02082a"
                                                  "1a020803"
                                                  "120474696d65"); /* time */
        FederationReply *m = decode(RPC_SHOW_FEDERATION_RESPONSE, wire);

        assert_string_equal(m->federation.name, "default");
        assert_string_equal(m->federation.description, "");
        assert_int_equal(m->federation.n_members, 1);
        assert_string_equal(m->federation.members[0].account_id, "<id:none>");
        assert_string_equal(m->federation.members[0].account_name, "");
        assert_int_equal(m->federation.n_nodes, 2);
        assert_int_equal(m->federation.nodes[1].node_id, 3);
        assert_int_equal(m->federation.n_runs, 0);
        assert_string_equal(m->now, "time");
        rpc_free(RPC_SHOW_FEDERATION_RESPONSE, m);
}

/* The list of 1.26 has a description where later ones have members. */
static void test_federations_of_1_26(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0a0f"
                                                  "0a08406e6f6e652f6465" /* @none/de */
                                                  "2a03412066"           /* A f */
                                                  "0a030a0161");
        FederationsReply *m = decode(RPC_LIST_FEDERATIONS_RESPONSE, wire);

        assert_int_equal(m->n, 2);
        assert_string_equal(m->federations[0].name, "@none/de");
        assert_string_equal(m->federations[0].description, "A f");
        assert_int_equal(m->federations[0].n_members, 0);
        assert_string_equal(m->federations[1].name, "a");
        rpc_free(RPC_LIST_FEDERATIONS_RESPONSE, m);
}

/* That name alone tells the layout, in both directions. */
static void test_old_without_members(void **state)
{
        _cleanup_blob_ Blob *wire = blob_from_hex("0a0d"
                                                  "0a0764656661756c74" /* default */
                                                  "1a020803");
        FederationReply *m = decode(RPC_SHOW_FEDERATION_RESPONSE, wire);
        _cleanup_blob_ Blob *again = encode(RPC_SHOW_FEDERATION_RESPONSE, m);

        assert_int_equal(m->federation.n_nodes, 1);
        assert_int_equal(m->federation.n_runs, 0);
        assert_true(blob_equal(wire, again));
        rpc_free(RPC_SHOW_FEDERATION_RESPONSE, m);
}

/* What is encoded depends on the name alone. */
static void test_layouts(void **state)
{
        FederationMember member = {
                .account_id = (char *) "i", .account_name = (char *) "n", .role = (char *) "r"};
        NodeInfo node = {.node_id = 3};
        FederationReply m = {.federation = {.name = (char *) RPC_FEDERATION_NAME_OLD,
                                     .members = &member,
                                     .n_members = 1,
                                     .nodes = &node,
                                     .n_nodes = 1}};
        _cleanup_blob_ Blob *old = encode(RPC_SHOW_FEDERATION_RESPONSE, &m), *new = NULL;

        assert_hex(old, "0a18"
                        "0a0764656661756c74"
                        "120169"
                        "1a020803"
                        "32060a0169"
                        "12016e");
        m.federation.name = (char *) "x";
        new = encode(RPC_SHOW_FEDERATION_RESPONSE, &m);
        assert_hex(new, "0a14"
                        "0a0178"
                        "12020803"
                        "2a0b0a060a0169"
                        "12016e"
                        "120172");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nodes_of_1_23),
                cmocka_unit_test(test_nodes_of_1_24),
                cmocka_unit_test(test_bad_nodes),
                cmocka_unit_test(test_federation_of_1_24),
                cmocka_unit_test(test_federations_of_1_26),
                cmocka_unit_test(test_old_without_members),
                cmocka_unit_test(test_layouts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
