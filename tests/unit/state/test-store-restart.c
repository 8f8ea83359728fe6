#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"

#define N_KILLS 50

/* ---- refused databases ---- */

static int try_open(Fixture *f, char **ret_text)
{
        Store *s = NULL;
        int r;

        *ret_text = NULL;
        r = store_open(&f->config, &s, ret_text);
        store_free(s);
        return r;
}

static char *database_path(Fixture *f)
{
        return path_join(f->directory, "state.db");
}

static void sql(const char *path, const char *text)
{
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect_refused(Fixture *f, int expected, const char *word)
{
        _cleanup_free_ char *path = database_path(f), *text = NULL;
        _cleanup_blob_ Blob *before = NULL, *after = NULL;

        assert_int_equal(read_file(path, SIZE_MAX / 2, &before), 0);
        assert_int_equal(try_open(f, &text), expected);
        assert_non_null(text);
        assert_non_null(strstr(text, word));
        assert_int_equal(read_file(path, SIZE_MAX / 2, &after), 0);
        assert_true(blob_equal(before, after));
}

static void test_foreign(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f);

        f->store = store_free(f->store);
        assert_int_equal(unlink(path), 0);
        sql(path, "CREATE TABLE node (node_id INTEGER); CREATE TABLE run (run_id INTEGER);"
                  "CREATE TABLE message_ins (message_id TEXT)");
        expect_refused(f, -EMEDIUMTYPE, "Python Flower");
}

static void test_newer(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f);

        f->store = store_free(f->store);
        sql(path, "PRAGMA user_version = 99");
        expect_refused(f, -EMEDIUMTYPE, "99");
}

static void test_no_database(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f);

        f->store = store_free(f->store);
        assert_int_equal(write_file_atomic(path, "hello", 5, 0600, false), 0);
        expect_refused(f, -EBADMSG, "not an SQLite database");
}

static void test_damaged(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f), *text = NULL;

        make_run(f, RUN_PENDING);
        f->store = store_free(f->store);
        sql(path,
                "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'nonsense' WHERE name = 'run'");
        assert_true(try_open(f, &text) < 0);
        assert_non_null(strstr(text, "state.db"));
}

static void test_named_fab_directory(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *fabs = xasprintf("%s/shared", f->directory),
                            *file = xasprintf("%s/stranger", fabs);
        _cleanup_free_ char *own = xasprintf("%s/fabs/stranger", f->directory);

        assert_int_equal(write_file_atomic(own, "x", 1, 0600, false), 0);
        fixture_reopen(f);
        assert_int_not_equal(access(own, F_OK), 0);
        assert_int_equal(mkdir(fabs, 0700), 0);
        assert_int_equal(write_file_atomic(file, "x", 1, 0600, false), 0);
        f->config.fab_directory = fabs;
        fixture_reopen(f);
        assert_int_equal(access(file, F_OK), 0);
}

static void test_rows_that_do_not_fit(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f), *text = NULL;
        uint64_t run = make_run(f, RUN_RUNNING);

        send_instruction(f, run, 5, "m", "c");
        f->store = store_free(f->store);
        sql(path, "DELETE FROM run");
        assert_int_equal(try_open(f, &text), -EBADMSG);
        assert_non_null(strstr(text, "damaged"));
}

static void test_locked(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL, *pid = xasprintf("process %ld;", (long) getpid());

        assert_int_equal(try_open(f, &text), -EBUSY);
        assert_non_null(strstr(text, pid));
}

static void test_locked_database(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL, *other = xasprintf("%s/other", f->directory);

        f->store = store_free(f->store);
        f->config.database = "elsewhere.db";
        fixture_open(f);
        f->config.directory = other;
        f->config.database = path_join("..", "elsewhere.db");
        assert_int_equal(try_open(f, &text), -EBUSY);
        assert_non_null(strstr(text, "elsewhere.db"));
        free((char *) f->config.database);
        f->config.directory = f->directory;
}

static void test_no_directory(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        f->config.directory = "/dev/null/state";
        assert_true(try_open(f, &text) < 0);
        assert_non_null(strstr(text, "/dev/null/state"));
        f->config.directory = f->directory;
}

/* ---- a write that fails ---- */

static void test_failed_write(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = database_path(f);
        uint64_t run = make_run(f, RUN_RUNNING);

        fixture_settle(f);
        /* Somebody drops a table under us. */
        sql(path, "DROP TABLE log");
        assert_int_equal(store_log_append(f->store, run, "x", fixture_done, f), 0);
        fixture_wait(f, f->n_done + 1);
        assert_true(f->outcome < 0);
        assert_false(store_is_healthy(f->store));
        assert_int_equal(store_run_delete(f->store, run, fixture_done, f), 0);
        fixture_wait(f, f->n_done + 1);
        assert_true(f->outcome < 0);
}

/* ---- kill -9 ---- */

#define N_STEPS_MAX 10000 /* of one child */
#define N_OPEN_PROMISES 60

typedef struct Promise {
        Fixture *f;
        int fd;
        char kind;
        unsigned i;
} Promise;

/* What is reported here has been promised to somebody: one line, written in one piece. */
static void on_promise(int outcome, void *userdata)
{
        Promise *p = userdata;
        char line[32];
        int n;

        if (outcome < 0)
                _exit(2);
        n = snprintf(line, sizeof(line), "%c %u\n", p->kind, p->i);
        if (write(p->fd, line, (size_t) n) != n)
                _exit(3);
        p->f->n_done++;
        free(p);
}

static Promise *promise(Fixture *f, int fd, char kind, unsigned i)
{
        Promise *p = new0(Promise, 1);

        if (!p)
                _exit(4);
        *p = (Promise){f, fd, kind, i};
        return p;
}

static Blob *numbered_content(unsigned i, ObjectId *ret_id)
{
        _cleanup_free_ char *text = xasprintf("object %u", i);
        Blob *b = big_content(text, i % 4 == 0 ? STORE_INLINE_MAX + 100 : 100);

        sha256(b->data, b->size, ret_id);
        return b;
}

static void child_step(Fixture *f, int fd, uint64_t run, unsigned i)
{
        ObjectTree t = {};
        _cleanup_blob_ Blob *b = numbered_content(i, &t.id);
        _cleanup_free_ char *key = xasprintf("key %u", i);
        _cleanup_free_ ObjectId *needed = NULL;
        Message m = make_instruction(run, 5, "");
        uint64_t node;
        size_t n;

        if (store_node_register(f->store, key, "", "", false, on_promise, promise(f, fd, 'n', i), &node) <
                        0 ||
                store_object_preregister(f->store, run, &t, NULL, NULL, &needed, &n) < 0 ||
                store_object_put(f->store, run, &t.id, b, on_promise, promise(f, fd, 'o', i)) < 0)
                _exit(5);
        m.metadata.message_id = t.id;
        if (store_message_put(f->store, &m, on_promise, promise(f, fd, 'm', i)) < 0)
                _exit(6);
        /* Every third goes again, unpromised. */
        if (i % 3 == 2)
                store_object_delete(f->store, &t.id);
}

static _noreturn_ void child(Fixture *f, int fd, unsigned first)
{
        sd_event *event = NULL;
        uint64_t run;

        if (sd_event_new(&event) < 0)
                _exit(1);
        f->event = f->config.event = event;
        f->config.events = (StoreEvents){};
        fixture_open(f);
        run = store_run_next(f->store, &(size_t){0})->run_id;
        f->n_done = 0;
        for (unsigned i = 0; i < N_STEPS_MAX; i++) {
                child_step(f, fd, run, first + i);
                while (3 * (i + 1) > f->n_done + N_OPEN_PROMISES)
                        if (sd_event_run(event, UINT64_MAX) < 0)
                                _exit(7);
        }
        for (;;)
                pause();
}

typedef struct Seen {
        bool nodes[N_KILLS * N_STEPS_MAX], messages[N_KILLS * N_STEPS_MAX];
        unsigned n;
        unsigned next;
} Seen;

static void verify(Fixture *f, const Seen *seen, unsigned i)
{
        _cleanup_free_ char *key = xasprintf("key %u", i);
        _cleanup_blob_ Blob *expected = NULL, *got = NULL;
        ObjectId id, fingerprint;
        int r;

        expected = numbered_content(i, &id);
        if (seen->nodes[i]) {
                sha256(key, strlen(key), &fingerprint);
                assert_non_null(store_node_by_key(f->store, &fingerprint));
        }
        if (!seen->messages[i])
                return;
        assert_non_null(store_message(f->store, &id));
        r = store_object_get(f->store, &id, &got);
        /* Deleting was not promised, so either is right, but nothing in between. */
        if (i % 3 == 2 && r == -ENOENT)
                return;
        assert_int_equal(r, 0);
        assert_true(blob_equal(got, expected));
        assert_true(store_message(f->store, &id)->complete);
}

static void collect(int fd, Seen *seen)
{
        FILE *in = fdopen(fd, "r");
        unsigned i;
        char kind;

        while (fscanf(in, "%c %u\n", &kind, &i) == 2) {
                assert_true(i < ELEMENTSOF(seen->nodes));
                if (kind == 'n')
                        seen->nodes[i] = true;
                else if (kind == 'm')
                        seen->messages[i] = true;
                seen->n++;
        }
        fclose(in);
}

static void kill_once(Fixture *f, Seen *seen)
{
        int fds[2], status;
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                child(f, fds[1], seen->next);
        close(fds[1]);
        usleep(20000 + (useconds_t) (random_u64() % 100000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        collect(fds[0], seen);
}

static void test_kill(void **state)
{
        Fixture *f = *state;
        Seen *seen = new0(Seen, 1);

        make_run(f, RUN_RUNNING);
        for (unsigned k = 0; k < N_KILLS; k++) {
                f->store = store_free(f->store);
                kill_once(f, seen);
                fixture_open(f);
                for (unsigned i = 0; i < ELEMENTSOF(seen->nodes); i++)
                        if (seen->nodes[i] || seen->messages[i])
                                verify(f, seen, i);
                /* Numbers that the child may have used are not used again. */
                seen->next += N_STEPS_MAX;
        }
        assert_true(seen->n > N_KILLS);
        print_message("%u promises kept\n", seen->n);
        free(seen);
}

#define DURABLE(test) cmocka_unit_test_setup_teardown(test, fixture_setup_durable, fixture_teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                DURABLE(test_foreign),
                DURABLE(test_newer),
                DURABLE(test_no_database),
                DURABLE(test_damaged),
                DURABLE(test_named_fab_directory),
                DURABLE(test_rows_that_do_not_fit),
                DURABLE(test_locked),
                DURABLE(test_locked_database),
                DURABLE(test_no_directory),
                DURABLE(test_failed_write),
                DURABLE(test_kill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
