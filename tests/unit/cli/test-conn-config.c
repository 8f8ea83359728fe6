#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "cli/conn-config.h"

/* A directory with app/pyproject.toml, home/config.toml, system.toml and a socket. */
static int setup(void **state)
{
        char *path = strdup("test-conn-config.XXXXXX");
        _cleanup_free_ char *app = NULL, *home = NULL;

        *state = path;
        if (!path || !mkdtemp(path))
                return -1;
        app = path_join(path, "app");
        home = path_join(path, "home");
        setenv("FLWR_HOME", home, 1);
        return mkdir_parents(app, 0755) < 0 || mkdir_parents(home, 0755) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
        int r = rm_rf(*state);

        free(*state);
        return r;
}

static void put(void **state, const char *name, const char *text)
{
        _cleanup_free_ char *path = path_join(*state, name);

        assert_int_equal(write_file_atomic(path, text, strlen(text), 0644, false), 0);
}

static int load_from(
        void **state, const char *name, char *const *overrides, ConnConfig *ret, char **reterr_text)
{
        _cleanup_free_ char *app = path_join(*state, "app"), *system = path_join(*state, "system.toml"),
                            *socket = path_join(*state, "socket");
        const ConnPlaces places = {app, system, socket};

        return conn_config_load(&places, name, overrides, ret, reterr_text);
}

static ConnConfig load(void **state, const char *name, char *const *overrides)
{
        _cleanup_free_ char *text = NULL;
        ConnConfig c = {};
        int r = load_from(state, name, overrides, &c, &text);

        if (r != 0)
                fail_msg("%d: %s", r, strempty(text));
        return c;
}

static void assert_fails(
        void **state, const char *name, char *const *overrides, int error, const char *expected)
{
        _cleanup_conn_config_ ConnConfig c = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(load_from(state, name, overrides, &c, &text), error);
        if (!strstr(strempty(text), expected))
                fail_msg("\"%s\" is not in \"%s\"", expected, strempty(text));
}

static const char PYPROJECT[] =
        "[tool.flwr.federations]\ndefault = \"one\"\n"
        "[tool.flwr.federations.one]\naddress = \"127.0.0.1:9093\"\ninsecure = true\n"
        "options.num-supernodes = 10\noptions.backend.x = 0.5\n"
        "[tool.flwr.federations.two]\naddress = \"hub.example.org\"\nroot-certificates = "
        "\"certificates/ca.crt\"\n"
        "federation = \"@a/b\"\nenable-user-auth = true\n"
        "[tool.flwr.federations.\"dotted.name\"]\naddress = \"[::1]:1\"\ninsecure = true\n"
        "[tool.flwr.federations.simulation]\noptions.num-supernodes = 2\n";

static void test_default_of_app(void **state)
{
        _cleanup_conn_config_ ConnConfig c = {};

        put(state, "app/pyproject.toml", PYPROJECT);
        put(state, "home/config.toml", "[superlink]\ndefault = \"home\"\n");
        c = load(state, NULL, NULL);
        assert_string_equal(c.name, "one");
        assert_string_equal(c.address, "127.0.0.1:9093");
        assert_true(c.insecure);
        assert_null(c.root_certificates);
        assert_string_equal(c.federation, "");
        assert_int_equal(c.options.n, 2);
        assert_int_equal(config_get(&c.options, "num-supernodes")->i, 10);
        assert_true(config_get(&c.options, "backend.x")->d == 0.5);
}

static void test_named(void **state)
{
        _cleanup_conn_config_ ConnConfig two = {}, dotted = {};
        _cleanup_free_ char *ca = path_join(*state, "app/certificates/ca.crt");

        put(state, "app/pyproject.toml", PYPROJECT);
        two = load(state, "two", NULL);
        assert_string_equal(two.address, "hub.example.org:443");
        assert_false(two.insecure);
        assert_string_equal(two.root_certificates, ca);
        assert_string_equal(two.federation, "@a/b");

        dotted = load(state, "dotted.name", NULL);
        assert_string_equal(dotted.address, "[::1]:1");
}

static void test_overrides(void **state)
{
        char *const overrides[] = {
                (char *) "address=\"h:1\" insecure=true", (char *) "options.num-supernodes=3", NULL};
        char *const wrong[] = {(char *) "insecure=\"yes\"", NULL};
        _cleanup_conn_config_ ConnConfig c = {};

        put(state, "app/pyproject.toml", PYPROJECT);
        c = load(state, "simulation", overrides);
        assert_string_equal(c.address, "h:1");
        assert_int_equal(config_get(&c.options, "num-supernodes")->i, 3);
        assert_fails(state, "one", wrong, -EINVAL, "\"insecure\" of \"one\" must be true or false");
}

static void test_home(void **state)
{
        _cleanup_conn_config_ ConnConfig c = {}, by_name = {};

        put(state, "home/config.toml",
                "[superlink]\ndefault = \"home\"\n[superlink.home]\naddress = \"h:9093\"\nroot-certificates "
                "= \"/x/ca.crt\"\n"
                "[superlink.bad]\naddress = \"h:1\"\nroot-certificates = \"ca.crt\"\n"
                "[superlink.local]\naddress = \":local:\"\n");
        c = load(state, NULL, NULL);
        assert_string_equal(c.name, "home");
        assert_string_equal(c.root_certificates, "/x/ca.crt");

        /* An app with federations of its own does not hide those of the user. */
        put(state, "app/pyproject.toml", PYPROJECT);
        by_name = load(state, "home", NULL);
        assert_string_equal(by_name.address, "h:9093");
        assert_fails(state, "bad", NULL, -EINVAL, "must be an absolute path");
        assert_fails(state, "local", NULL, -EINVAL, "Start flower-superlink");
}

static void test_system(void **state)
{
        _cleanup_conn_config_ ConnConfig c = {}, app = {}, home = {}, by_name = {};

        put(state, "system.toml",
                "[superlink]\ndefault = \"all\"\n[superlink.all]\naddress = \"unix:/run/x.sock\"\n"
                "[superlink.two]\naddress = \"s:1\"\ninsecure = true\n");
        c = load(state, NULL, NULL);
        assert_string_equal(c.name, "all");
        assert_string_equal(c.address, "unix:/run/x.sock");
        assert_true(c.insecure);
        assert_non_null(strstr(c.source, "system.toml"));

        /* The user's own come first, those of the app before all. */
        put(state, "home/config.toml", "[superlink]\ndefault = \"h\"\n[superlink.h]\naddress = \"h:1\"\n");
        home = load(state, NULL, NULL);
        assert_string_equal(home.address, "h:1");
        put(state, "app/pyproject.toml", PYPROJECT);
        app = load(state, NULL, NULL);
        assert_string_equal(app.name, "one");
        by_name = load(state, "all", NULL);
        assert_string_equal(by_name.address, "unix:/run/x.sock");
}

static void make_socket(void **state)
{
        _cleanup_free_ char *path = path_join(*state, "socket");

        assert_int_equal(mknod(path, S_IFSOCK | 0600, 0), 0);
}

static void test_socket(void **state)
{
        char *const overrides[] = {(char *) "address=\"h:1\" insecure=true", NULL};
        _cleanup_conn_config_ ConnConfig c = {}, overridden = {}, home = {};
        _cleanup_free_ char *socket = path_join(*state, "socket"), *address = xasprintf("unix:%s", socket);

        /* Not a file of that name. */
        put(state, "socket", "");
        assert_fails(state, NULL, NULL, -ENOENT, "No SuperLink is configured, and none runs");
        assert_int_equal(unlink(socket), 0);

        make_socket(state);
        c = load(state, NULL, NULL);
        assert_string_equal(c.name, "local");
        assert_string_equal(c.address, address);
        assert_string_equal(c.source, socket);
        assert_string_equal(c.federation, "");
        assert_true(c.insecure);
        overridden = load(state, NULL, overrides);
        assert_string_equal(overridden.address, "h:1");
        assert_fails(state, "other", NULL, -ENOENT, "No SuperLink is configured");

        /* A table without default is no reason not to use it, a default is. */
        put(state, "home/config.toml", "[superlink.h]\naddress = \"h:1\"\n");
        assert_fails(state, "other", NULL, -ENOENT, "There are: \"h\"");
        conn_config_done(&c);
        c = load(state, NULL, NULL);
        assert_string_equal(c.address, address);
        put(state, "home/config.toml", "[superlink]\ndefault = \"h\"\n[superlink.h]\naddress = \"h:1\"\n");
        home = load(state, NULL, NULL);
        assert_string_equal(home.address, "h:1");
}

static void test_unix(void **state)
{
        _cleanup_conn_config_ ConnConfig colon = {}, slashes = {};

        put(state, "home/config.toml",
                "[superlink.colon]\naddress = \"unix:/a:b\"\ninsecure = false\n"
                "[superlink.slashes]\naddress = \"unix:///a\"\n"
                "[superlink.relative]\naddress = \"unix:a\"\n"
                "[superlink.tls]\naddress = \"unix:/a\"\nroot-certificates = \"/ca.crt\"\n");
        colon = load(state, "colon", NULL);
        assert_string_equal(colon.address, "unix:/a:b");
        assert_true(colon.insecure);
        slashes = load(state, "slashes", NULL);
        assert_string_equal(slashes.address, "unix:/a");
        assert_fails(state, "relative", NULL, -EINVAL, "Write \"unix:/path\"");
        assert_fails(state, "tls", NULL, -EINVAL, "nothing is encrypted on a Unix socket");
}

static void test_missing(void **state)
{
        assert_fails(state, NULL, NULL, -ENOENT,
                "No SuperLink is configured, and none runs on this machine. Add one to ");
        put(state, "app/pyproject.toml", PYPROJECT);
        assert_fails(state, "three", NULL, -ENOENT, "There is no federation \"three\"");
        assert_fails(state, "three", NULL, -ENOENT,
                "There are: \"one\", \"two\", \"dotted.name\", \"simulation\"");
        assert_fails(state, "simulation", NULL, -EINVAL, "\"simulation\" has no address");
        put(state, "app/pyproject.toml", "[tool.flwr.federations.a]\naddress = \"h:1\"\n");
        assert_fails(state, NULL, NULL, -ENOENT, "Name one of \"a\"");
}

static void test_wrong(void **state)
{
        static const char *const cases[][2] = {
                {"address = 1", "\"address\" of \"a\" must be a string"},
                {"address = \"h:x\"", "\"h:x\" is not an address"},
                {"address = \"h:1\"\ninsecure = 1", "\"insecure\" of \"a\" must be true or false"},
                {"address = \"h:1\"\nroot-certificates = true",
                        "\"root-certificates\" of \"a\" must be a string"},
                {"address = \"h:1\"\nfederation = 1", "\"federation\" of \"a\" must be a string"},
                {"address = \"h:1\"\ninsecure = true\nroot-certificates = \"x\"", "Remove one of them"},
                {"address = \"h:1\"\noptions.x = [1]", "options.x"},
                {"address = ", "pyproject.toml:2:"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = xasprintf("[tool.flwr.federations.a]\n%s\n", cases[i][0]);

                put(state, "app/pyproject.toml", text);
                assert_fails(state, "a", NULL, -EINVAL, cases[i][1]);
        }
        put(state, "app/pyproject.toml", "[tool.flwr.federations]\ndefault = 1\n");
        assert_fails(state, NULL, NULL, -EINVAL, "pyproject.toml:2: default must be a name");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_default_of_app, setup, teardown),
                cmocka_unit_test_setup_teardown(test_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overrides, setup, teardown),
                cmocka_unit_test_setup_teardown(test_home, setup, teardown),
                cmocka_unit_test_setup_teardown(test_system, setup, teardown),
                cmocka_unit_test_setup_teardown(test_socket, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unix, setup, teardown),
                cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
