#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "superexec/kept-app.h"

#define STORED_MAX 8

/* A service manager's side. */
typedef struct Manager {
        char dir[32];
        struct sockaddr_un address;
        int fd;
} Manager;

static int setup(void **state)
{
        Manager *m = new0(Manager, 1);

        assert_non_null(m);
        strcpy(m->dir, "/tmp/kept-app-XXXXXX");
        assert_non_null(mkdtemp(m->dir));
        m->address.sun_family = AF_UNIX;
        snprintf(m->address.sun_path, sizeof(m->address.sun_path), "%s/notify", m->dir);
        m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(m->fd, (const struct sockaddr *) &m->address, sizeof(m->address)), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", m->address.sun_path, 1), 0);
        *state = m;
        return 0;
}

static int teardown(void **state)
{
        Manager *m = *state;

        unsetenv("NOTIFY_SOCKET");
        close(m->fd);
        unlink(m->address.sun_path);
        rmdir(m->dir);
        free(m);
        return 0;
}

/* The next message, and its descriptors as they would be passed: in the opposite order. */
static void take_message(Manager *m, char text[static 512], PassedFd *ret, size_t *ret_n)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * STORED_MAX)];
        } control = {};
        struct iovec iov = {text, 511};
        struct msghdr message = {.msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(m->fd, &message, MSG_CMSG_CLOEXEC);
        const char *name;
        size_t n_fds = 0;

        assert_true(n > 0);
        text[n] = 0;
        name = strstr(text, "FDNAME=");
        assert_non_null(name);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
                if (c->cmsg_type != SCM_RIGHTS)
                        continue;
                n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n_fds; i++)
                        ret[n_fds - 1 - i] =
                                (PassedFd){((const int *) (const void *) CMSG_DATA(c))[i], strdup(name + 7)};
        }
        *ret_n = n_fds;
}

static int open_connection(int *ret_peer)
{
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        *ret_peer = fds[1];
        return fds[0];
}

static char *store(uint64_t run_id, const char *token, bool tell, int fd)
{
        KeptApp k = {.name = kept_app_name(run_id),
                .run_id = run_id,
                .token = (char *) token,
                .tell = tell,
                .fd = fd};

        assert_non_null(k.name);
        assert_int_equal(kept_app_store(&k), 0);
        return k.name;
}

static void test_round(void **state)
{
        Manager *m = *state;
        PassedFd *passed = new0(PassedFd, 5);
        _cleanup_free_ char *name_a = NULL, *name_b = NULL;
        int peer_a, peer_b, a = open_connection(&peer_a), b = open_connection(&peer_b);
        char text[512], got[4];
        size_t n;
        KeptApp k;

        name_a = store(7, "to\"ken", true, a);
        name_b = store(7, "", false, b);
        assert_string_not_equal(name_a, name_b);
        take_message(m, text, passed, &n);
        assert_int_equal(n, 2);
        assert_non_null(strstr(text, "FDSTORE=1\n"));
        /* Else an end of the app, while there is no launcher, would be lost. */
        assert_non_null(strstr(text, "FDPOLL=0\n"));
        take_message(m, text, passed + 2, &n);
        assert_int_equal(n, 2);
        passed[4] = (PassedFd){open("/dev/null", O_RDONLY | O_CLOEXEC), strdup("stored")};
        close(a);
        close(b);

        assert_int_equal(kept_app_take(passed, 5, &k), 1);
        assert_string_equal(k.name, name_a);
        assert_int_equal(k.run_id, 7);
        assert_string_equal(k.token, "to\"ken");
        assert_true(k.tell);
        assert_int_equal(write(k.fd, "abc", 3), 3);
        assert_int_equal(read(peer_a, got, sizeof(got)), 3);
        kept_app_done(&k);
        assert_int_equal(kept_app_take(passed, 5, &k), 1);
        assert_string_equal(k.name, name_b);
        assert_string_equal(k.token, "");
        assert_false(k.tell);
        kept_app_done(&k);
        assert_int_equal(kept_app_take(passed, 5, &k), 0);
        /* Not ours, and so not touched. */
        assert_true(passed[4].fd >= 0);
        passed_fds_free(passed, 5);
        assert_int_equal(read(peer_a, got, sizeof(got)), 0);
        close(peer_a);
        close(peer_b);
}

/* A full store takes one of two. */
static void test_halves(void **state)
{
        Manager *m = *state;

        for (unsigned lost = 0; lost < 2; lost++) {
                PassedFd *passed = new0(PassedFd, 2);
                _cleanup_free_ char *name = NULL;
                int peer, fd = open_connection(&peer);
                char text[512];
                size_t n;
                KeptApp k;

                name = store(8, "t", true, fd);
                close(fd);
                take_message(m, text, passed, &n);
                assert_int_equal(n, 2);
                passed[lost].fd = safe_close(passed[lost].fd);
                assert_int_equal(kept_app_take(passed, 2, &k), 0);
                take_message(m, text, NULL, &n);
                assert_int_equal(n, 0);
                assert_non_null(strstr(text, "FDSTOREREMOVE=1\n"));
                assert_non_null(strstr(text, name));
                passed_fds_free(passed, 2);
                close(peer);
        }
}

static void test_spoilt_record(void **state)
{
        Manager *m = *state;
        PassedFd *passed = new0(PassedFd, 2);
        _cleanup_free_ char *name = NULL;
        int peer, fd = open_connection(&peer);
        char text[512];
        size_t n;
        KeptApp k;

        name = store(9, "t", true, fd);
        close(fd);
        take_message(m, text, passed, &n);
        /* The record was the second, and is the first now. */
        assert_int_equal(pwrite(passed[0].fd, "[", 1, 0), 1);
        assert_int_equal(kept_app_take(passed, 2, &k), 0);
        take_message(m, text, NULL, &n);
        assert_non_null(strstr(text, "FDSTOREREMOVE=1\n"));
        passed_fds_free(passed, 2);
        close(peer);
}

static void test_without_systemd(void **state)
{
        KeptApp k = {.name = (char *) "app-1-1", .token = (char *) "t", .fd = STDIN_FILENO};

        unsetenv("NOTIFY_SOCKET");
        assert_int_equal(kept_app_store(&k), -ENOTCONN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round, setup, teardown),
                cmocka_unit_test_setup_teardown(test_halves, setup, teardown),
                cmocka_unit_test_setup_teardown(test_spoilt_record, setup, teardown),
                cmocka_unit_test_setup_teardown(test_without_systemd, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
