/* The end of a service that cannot run: at once the first time, after a pause or a change when it repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/fs-util.h"
#include "base/time-util.h"

typedef struct Fixture {
        char top[32], runtime[64], watched[64], deep[96];
} Fixture;

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        strcpy(f->top, "/tmp/flwr-unit-XXXXXX");
        if (!mkdtemp(f->top))
                return -1;
        snprintf(f->runtime, sizeof(f->runtime), "%s/run", f->top);
        snprintf(f->watched, sizeof(f->watched), "%s/etc", f->top);
        snprintf(f->deep, sizeof(f->deep), "%s/keys/supernode", f->watched);
        if (mkdir_parents(f->runtime, 0700) < 0 || mkdir_parents(f->deep, 0700) < 0)
                return -1;
        setenv("NOTIFY_SOCKET", "/nonexistent", 1);
        setenv("RUNTIME_DIRECTORY", f->runtime, 1);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        unsetenv("NOTIFY_SOCKET");
        unsetenv("RUNTIME_DIRECTORY");
        (void) rm_rf(f->top);
        free(f);
        return 0;
}

static double seconds_of_end(const Fixture *f, int status)
{
        usec_t begin = now_monotonic();

        assert_int_equal(daemon_end(status, f->watched), status);
        return usec_to_seconds(now_monotonic() - begin);
}

/* Long after the wait must have begun, and long before it ends by itself. */
static void *change_later(void *path)
{
        (void) usleep(300 * 1000);
        (void) write_file_atomic(path, "x", 1, 0600, false);
        return NULL;
}

static void test_repeated(void **state)
{
        const Fixture *f = *state;
        char path[128];
        pthread_t t;
        double took;

        assert_true(seconds_of_end(f, 78) < DAEMON_RESTART_PAUSE_SECONDS);
        snprintf(path, sizeof(path), "%s/node.key", f->deep);
        assert_int_equal(pthread_create(&t, NULL, change_later, path), 0);
        took = seconds_of_end(f, 78);
        pthread_join(t, NULL);
        assert_true(took >= 0.25);
        assert_true(took < DAEMON_RESTART_PAUSE_SECONDS);
}

static void test_good_end(void **state)
{
        const Fixture *f = *state;

        for (int i = 0; i < 3; i++)
                assert_true(seconds_of_end(f, 0) < DAEMON_RESTART_PAUSE_SECONDS);
}

static void test_without_systemd(void **state)
{
        const Fixture *f = *state;

        unsetenv("NOTIFY_SOCKET");
        for (int i = 0; i < 3; i++)
                assert_true(seconds_of_end(f, 78) < DAEMON_RESTART_PAUSE_SECONDS);
}

/* A failure of long ago has nothing to do with this one. */
static void test_old_failure(void **state)
{
        const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
        const Fixture *f = *state;
        char mark[80];

        assert_true(seconds_of_end(f, 78) < DAEMON_RESTART_PAUSE_SECONDS);
        snprintf(mark, sizeof(mark), "%s/.failed", f->runtime);
        assert_int_equal(utimensat(AT_FDCWD, mark, old, 0), 0);
        assert_true(seconds_of_end(f, 78) < DAEMON_RESTART_PAUSE_SECONDS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_repeated, setup, teardown),
                cmocka_unit_test_setup_teardown(test_good_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_without_systemd, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_failure, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
