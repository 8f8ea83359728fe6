#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "generator/generator.h"
#include "generator/listen.h"

#define UNITS "/usr/lib/systemd/system"

typedef struct Fixture {
        char dir[32];
        char *conf, *out;
        char log[1024];
} Fixture;

static void collect(void *userdata, const char *text)
{
        Fixture *f = userdata;
        size_t n = strlen(f->log);

        (void) snprintf(f->log + n, sizeof(f->log) - n, "%s\n", text);
}

static int setup(void **state)
{
        Fixture *f = new0(Fixture, 1);

        if (!f)
                return -1;
        strcpy(f->dir, "test-generator.XXXXXX");
        if (!mkdtemp(f->dir))
                return -1;
        f->conf = path_join(f->dir, "etc");
        f->out = path_join(f->dir, "out");
        *state = f;
        return mkdir(f->conf, 0755) < 0 || mkdir(f->out, 0755) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        (void) rm_rf(f->dir);
        free(f->conf);
        free(f->out);
        free(f);
        return 0;
}

static void put(Fixture *f, const char *name, const char *text)
{
        _cleanup_free_ char *path = path_join(f->conf, name), *dir = strdup(path);

        *strrchr(dir, '/') = 0;
        assert_int_equal(mkdir_parents(dir, 0755), 0);
        assert_int_equal(write_file_atomic(path, text, strlen(text), 0644, false), 0);
}

static char *dropin(Fixture *f, const char *unit)
{
        _cleanup_free_ char *path = xasprintf("%s/%s.d/" GENERATOR_DROPIN, f->out, unit);
        char *text = NULL;

        return read_text_file(path, 4096, &text) < 0 ? NULL : text;
}

static void run(Fixture *f)
{
        assert_int_equal(generator_run(f->conf, UNITS, f->out, collect, f), 0);
}

static void assert_listens(Fixture *f, const char *unit, const char *lines)
{
        _cleanup_free_ char *text = dropin(f, unit);

        assert_non_null(text);
        assert_non_null(strstr(text, lines));
        assert_non_null(strstr(text, "[Socket]\nListenStream=\nListenStream="));
}

static void assert_untouched(Fixture *f, const char *unit)
{
        _cleanup_free_ char *text = dropin(f, unit);

        assert_null(text);
}

static void test_nothing_is_configured(void **state)
{
        Fixture *f = *state;

        run(f);
        put(f, "superlink.toml", "# fleet-api-address = \"0.0.0.0:1\"\nfleet-api-address = \"\"\n");
        run(f);
        assert_untouched(f, "flower-superlink-fleet.socket");
        assert_string_equal(f->log, "");
}

static void test_dropins_win_in_order(void **state)
{
        Fixture *f = *state;

        put(f, "superlink.toml", "fleet-api-address = \"0.0.0.0:1\"\nother = 3\n");
        put(f, "superlink.d/20-b.toml", "fleet-api-address = \"[::]:3\"\n");
        put(f, "superlink.d/10-a.toml", "fleet-api-address = \"0.0.0.0:2\"\n");
        put(f, "superlink.d/30-c.toml.bak", "fleet-api-address = \"0.0.0.0:4\"\n");
        run(f);
        assert_listens(f, "flower-superlink-fleet.socket", "\nListenStream=[::]:3\nFreeBind=yes\n");
        assert_string_equal(f->log, "");
}

static void test_control_is_opened_where_it_is_configured(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *link =
                path_join(f->out, "sockets.target.wants/flower-superlink-control-tcp.socket");
        char target[256] = "";

        put(f, "superlink.d/a.toml", "control-api-address = \"localhost:9193\"\n");
        run(f);
        assert_listens(f, "flower-superlink-control-tcp.socket",
                "ListenStream=127.0.0.1:9193\nListenStream=[::1]:9193\n");
        assert_untouched(f, "flower-superlink-control.socket");
        assert_true(readlink(link, target, sizeof(target) - 1) > 0);
        assert_string_equal(target, UNITS "/flower-superlink-control-tcp.socket");
}

static void test_unix_sockets(void **state)
{
        Fixture *f = *state;

        put(f, "superlink.toml",
                "control-api-address = \"unix:///run/flwr/x.sock\"\n"
                "serverappio-api-address = \"unix:/run/y.sock\"\n");
        run(f);
        assert_listens(f, "flower-superlink-control.socket", "\nListenStream=/run/flwr/x.sock\n");
        assert_untouched(f, "flower-superlink-serverappio-tcp.socket");
        assert_non_null(strstr(f->log, "serverappio-api-address"));
}

static void test_a_broken_file_changes_nothing(void **state)
{
        Fixture *f = *state;

        put(f, "superlink.toml", "fleet-api-address = \"0.0.0.0:1\"\n");
        put(f, "superlink.d/a.toml", "fleet-api-address = \n");
        put(f, "supernode.d/a.toml", "clientappio-api-address = \"127.0.0.1:9999\"\n");
        run(f);
        assert_untouched(f, "flower-superlink-fleet.socket");
        assert_non_null(strstr(f->log, "a.toml"));
        assert_listens(f, "flower-supernode-clientappio-tcp.socket", "127.0.0.1:9999");
}

static void test_a_name_is_refused(void **state)
{
        Fixture *f = *state;

        put(f, "superlink.toml", "fleet-api-address = \"hub.example.org:9092\"\n");
        run(f);
        assert_untouched(f, "flower-superlink-fleet.socket");
        assert_non_null(strstr(f->log, "hub.example.org:9092"));
}

static void test_addresses(void **state)
{
        static const struct {
                const char *address;
                int r;
                const char *first;
        } rows[] = {
                {"0.0.0.0:9092", 0, "0.0.0.0:9092"},
                {"[2001:db8::1]:1", 0, "[2001:db8::1]:1"},
                {"unix:/run/a b", -EINVAL, NULL},
                {"unix:relative", -EINVAL, NULL},
                {"::1:9092", -EINVAL, NULL},
                {"[::1:9092", -EINVAL, NULL},
                {"[::1]", -EINVAL, NULL},
                {"1.2.3.4", -EINVAL, NULL},
                {"1.2.3.4:", -EINVAL, NULL},
                {"1.2.3.4:0", -EINVAL, NULL},
                {"1.2.3.4:65536", -EINVAL, NULL},
                {"1.2.3.4:+1", -EINVAL, NULL},
                {"1.2.3.4:1\nExecStart=/x", -EINVAL, NULL},
                {":9092", -EINVAL, NULL},
                {"", -EINVAL, NULL},
                {"host:9092", -ENXIO, NULL},
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Listen l = {};

                assert_int_equal(listen_parse(rows[i].address, &l), rows[i].r);
                if (rows[i].first)
                        assert_string_equal(l.text[0], rows[i].first);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(test_nothing_is_configured),
                TEST(test_dropins_win_in_order),
                TEST(test_control_is_opened_where_it_is_configured),
                TEST(test_unix_sockets),
                TEST(test_a_broken_file_changes_nothing),
                TEST(test_a_name_is_refused),
                cmocka_unit_test(test_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
