#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"

static char *file_in(void **state, const char *name)
{
        return path_join(*state, name);
}

static int make_directory(void **state)
{
        char *path = strdup("test-fs-util.XXXXXX");

        *state = path;
        return path && mkdtemp(path) ? 0 : -1;
}

static int remove_directory(void **state)
{
        int r = rm_rf(*state);

        free(*state);
        return r;
}

static void test_write_and_read(void **state)
{
        _cleanup_free_ char *path = file_in(state, "f"), *text = NULL;
        _cleanup_blob_ Blob *b = NULL;
        struct stat st;
        unsigned n = 0;
        DIR *d;

        umask(077);
        assert_int_equal(write_file_atomic(path, "old", 3, 0600, false), 0);
        assert_int_equal(write_file_atomic(path, "newer", 5, 0644, true), 0);
        umask(022);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(read_file(path, 5, &b), 0);
        assert_int_equal(b->size, 5);
        assert_memory_equal(b->data, "newer", 5);
        assert_int_equal(read_text_file(path, 100, &text), 0);
        assert_string_equal(text, "newer");
        d = opendir(*state);
        while (readdir(d))
                n++;
        closedir(d);
        assert_int_equal(n, 3);
}

static void test_read_refuses(void **state)
{
        _cleanup_free_ char *path = file_in(state, "f"), *text = NULL;
        Blob *b;

        assert_int_equal(read_file(path, 10, &b), -ENOENT);
        assert_int_equal(read_file(*state, 10, &b), -EISDIR);
        assert_int_equal(write_file_atomic(path, "a\0b", 3, 0600, false), 0);
        assert_int_equal(read_file(path, 2, &b), -EFBIG);
        assert_int_equal(read_file("/dev/zero", 100000, &b), -EFBIG);
        assert_int_equal(read_text_file(path, 10, &text), -EBADMSG);
}

static void test_failed_write_leaves_nothing(void **state)
{
        _cleanup_free_ char *dir = file_in(state, "d"), *path = file_in(state, "missing/f");

        assert_int_equal(mkdir_parents(dir, 0700), 0);
        assert_int_equal(write_file_atomic(dir, "x", 1, 0600, false), -EISDIR);
        assert_int_equal(write_file_atomic(path, "x", 1, 0600, false), -ENOENT);
        assert_int_equal(rmdir(dir), 0);
        assert_int_equal(rmdir(*state), 0);
}

static void test_directories(void **state)
{
        _cleanup_free_ char *deep = file_in(state, "a/b//c/"), *top = file_in(state, "a"),
                            *kept = file_in(state, "kept"), *link = file_in(state, "a/b/link"),
                            *below = file_in(state, "kept/x");

        assert_int_equal(mkdir_parents(deep, 0700), 0);
        assert_int_equal(mkdir_parents(deep, 0700), 0);
        assert_int_equal(write_file_atomic(kept, "k", 1, 0600, false), 0);
        assert_int_equal(mkdir_parents(below, 0700), -ENOTDIR);
        assert_int_equal(symlink("../../kept", link), 0);
        assert_int_equal(rm_rf(top), 0);
        assert_int_equal(access(top, F_OK), -1);
        assert_int_equal(access(kept, F_OK), 0);
        assert_int_equal(rm_rf(top), 0);
}

static void test_rm_follows_no_link(void **state)
{
        _cleanup_free_ char *dir = file_in(state, "d"), *inside = file_in(state, "d/f"),
                            *link = file_in(state, "l");

        assert_int_equal(mkdir_parents(dir, 0700), 0);
        assert_int_equal(write_file_atomic(inside, "k", 1, 0600, false), 0);
        assert_int_equal(symlink("d", link), 0);
        assert_int_equal(rm_rf(link), 0);
        assert_int_equal(access(inside, F_OK), 0);
        assert_int_equal(access(link, F_OK), -1);
}

static void check_join(const char *a, const char *b, const char *want)
{
        _cleanup_free_ char *s = path_join(a, b);

        assert_string_equal(s, want);
}

static void test_paths(void **state)
{
        _cleanup_free_ char *x = NULL, *tilde = NULL, *other = NULL, *home = NULL, *own = NULL;

        check_join("a", "b", "a/b");
        check_join("a/", "b", "a/b");
        check_join("a", "/b", "/b");
        check_join("", "b", "b");
        assert_int_equal(setenv("HOME", "/home/u", 1), 0);
        unsetenv("FLWR_HOME");
        x = path_expand_home("~/x");
        assert_string_equal(x, "/home/u/x");
        tilde = path_expand_home("~");
        assert_string_equal(tilde, "/home/u");
        other = path_expand_home("~other/x");
        assert_string_equal(other, "~other/x");
        assert_int_equal(flwr_home(&home), 0);
        assert_string_equal(home, "/home/u/.flwr");
        assert_int_equal(setenv("FLWR_HOME", "/srv/f", 1), 0);
        assert_int_equal(flwr_home(&own), 0);
        assert_string_equal(own, "/srv/f");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_write_and_read, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(test_read_refuses, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(
                        test_failed_write_leaves_nothing, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(test_directories, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(test_rm_follows_no_link, make_directory, remove_directory),
                cmocka_unit_test(test_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
