#include "state/snapshot.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "fixture.h"

#define N_COPIES 20
#define N_AT_ONCE 4 /* objects, each of which is a file */

static int snapshot(Fixture *f, const char *target)
{
        _cleanup_free_ char *text = NULL;
        int r = state_snapshot(f->directory, target, &text);

        if (r < 0 && text)
                print_message("%s\n", text);
        assert_true((r < 0) == (text != NULL));
        return r;
}

static void open_copy(Fixture *f, const char *target, Store **ret)
{
        StoreConfig config = {.event = f->event, .directory = target};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(store_open(&config, ret, &text), 0);
}

/* What was there is in the copy, which is a store; what comes later is not. */
static void test_copy(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *target = xasprintf("%s/.copy", f->directory);
        _cleanup_free_ char *directory = xasprintf("%s/invites", f->directory),
                            *own = xasprintf("%s/invites/one", f->directory),
                            *linked = xasprintf("%s/invites/one", target),
                            *lock = xasprintf("%s/lock", target);
        uint64_t run = make_run(f, RUN_PENDING), node = make_node(f, "a"), later;
        Store *copy = NULL;
        struct stat a, b;

        assert_int_equal(mkdir(directory, 0750), 0);
        assert_int_equal(write_file_atomic(own, "x", 1, 0600, false), 0);
        fixture_settle(f);
        assert_int_equal(snapshot(f, target), 0);
        later = make_run(f, RUN_PENDING);
        fixture_settle(f);
        assert_int_equal(stat(own, &a), 0);
        assert_int_equal(stat(linked, &b), 0);
        assert_int_equal(a.st_ino, b.st_ino);
        assert_int_not_equal(access(lock, F_OK), 0);
        open_copy(f, target, &copy);
        assert_non_null(store_run(copy, run));
        assert_non_null(store_node(copy, node));
        assert_null(store_run(copy, later));
        assert_non_null(store_run(f->store, later));
        store_free(copy);
        assert_int_equal(snapshot(f, target), -EEXIST);
}

/* ---- while the owner is at work ---- */

static Blob *numbered(unsigned i, ObjectId *ret_id)
{
        _cleanup_free_ char *text = xasprintf("content %u", i);
        Blob *b = big_content(text, STORE_INLINE_MAX + 1);

        sha256(b->data, b->size, ret_id);
        return b;
}

static _noreturn_ void work(Fixture *f)
{
        ObjectId ids[N_AT_ONCE] = {};
        sd_event *event = NULL;
        uint64_t run;

        if (sd_event_new(&event) < 0)
                _exit(1);
        f->event = f->config.event = event;
        f->config.events = (StoreEvents){};
        fixture_open(f);
        run = store_run_next(f->store, &(size_t){0})->run_id;
        for (unsigned i = 0;; i++) {
                ObjectTree t = {};
                _cleanup_blob_ Blob *b = numbered(i, &t.id);
                _cleanup_free_ ObjectId *needed = NULL;
                size_t n;

                if (store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n) < 0 ||
                        store_object_put(f->store, run, &t.id, b, NULL, NULL) < 0)
                        _exit(2);
                if (i >= N_AT_ONCE)
                        store_object_delete(f->store, ids + i % N_AT_ONCE);
                ids[i % N_AT_ONCE] = t.id;
                fixture_settle(f);
        }
}

/* Every file that the copy's database names is there. How many they are. */
static unsigned verify(const char *target)
{
        _cleanup_free_ char *path = xasprintf("%s/state.db", target);
        sqlite3_stmt *st;
        unsigned n = 0;
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db,
                                 "SELECT lower(hex(id)) FROM object WHERE content IS NULL AND size > ?", -1,
                                 &st, NULL),
                SQLITE_OK);
        assert_int_equal(sqlite3_bind_int(st, 1, STORE_INLINE_MAX), SQLITE_OK);
        for (; sqlite3_step(st) == SQLITE_ROW; n++) {
                const char *hex = (const char *) sqlite3_column_text(st, 0);
                _cleanup_free_ char *file = xasprintf("%s/objects/%.2s/%s", target, hex, hex);
                struct stat s;

                assert_int_equal(stat(file, &s), 0);
                assert_int_equal(s.st_size, STORE_INLINE_MAX + 1);
        }
        assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return n;
}

static void test_at_work(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *target = xasprintf("%s/.copy", f->directory);
        unsigned seen = 0;
        int status;
        pid_t pid;

        make_run(f, RUN_RUNNING);
        f->store = store_free(f->store);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                work(f);
        for (unsigned i = 0; i < N_COPIES; i++) {
                usleep(20000);
                assert_int_equal(snapshot(f, target), 0);
                seen += verify(target);
                assert_int_equal(rm_rf(target), 0);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        /* It did not fail before. */
        assert_true(WIFSIGNALED(status));
        assert_true(seen > 0);
        fixture_open(f);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *target = xasprintf("%s/.copy", f->directory),
                            *database = xasprintf("%s/state.db", f->directory);
        sqlite3 *db;

        f->store = store_free(f->store);
        assert_int_equal(write_file_atomic(database, "hello", 5, 0600, false), 0);
        assert_int_equal(snapshot(f, target), -EBADMSG);
        assert_int_equal(rm_rf(target), 0);
        assert_int_equal(unlink(database), 0);
        assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "CREATE TABLE run (run_id INTEGER)", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(snapshot(f, target), -EMEDIUMTYPE);
        assert_int_equal(rm_rf(target), 0);
        assert_int_equal(unlink(database), 0);
        assert_int_equal(snapshot(f, target), -ENOENT);
        assert_int_not_equal(access(target, F_OK), 0);
        fixture_open(f);
}

#define DURABLE(test) cmocka_unit_test_setup_teardown(test, fixture_setup_durable, fixture_teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                DURABLE(test_copy),
                DURABLE(test_at_work),
                DURABLE(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
