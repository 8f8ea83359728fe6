#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/macro.h"
#include "superexec/launch.h"

typedef struct Outcome {
        unsigned n;
        LaunchEnd end;
        int value;
        char *text;
        Launch *launch;
} Outcome;

static void on_ended(LaunchEnd end, int value, const char *text, void *userdata)
{
        Outcome *o = userdata;

        o->n++;
        o->end = end;
        o->value = value;
        assert_true(free_and_strdup(&o->text, text) >= 0);
        o->launch = launch_free(o->launch);
}

/* What comes of an answer, followed by the connection's end. */
static Outcome outcome_of(const char *answer, size_t size)
{
        Outcome o = {};
        sd_event *event = NULL;
        int fds[2];

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(launch_watch(event, fds[0], on_ended, &o, &o.launch), 0);
        assert_int_equal(send(fds[1], answer, size, MSG_NOSIGNAL), size);
        close(fds[1]);
        for (unsigned i = 0; i < 100 && o.n == 0; i++)
                assert_true(sd_event_run(event, 1000000) >= 0);
        assert_int_equal(o.n, 1);
        assert_null(o.launch);
        sd_event_unref(event);
        return o;
}

static void test_answers(void **state)
{
        static const struct {
                const char *answer;
                LaunchEnd end;
                int value;
                const char *text;
        } rows[] = {
                {"{\"status\": 0}\n", LAUNCH_EXITED, 0, NULL},
                {"{\"status\": 255}\n", LAUNCH_EXITED, 255, NULL},
                {"{\"signal\": 11}\nmore\n", LAUNCH_SIGNALLED, 11, NULL},
                {"{\"error\": \"no \\u00e9\"}\n", LAUNCH_REFUSED, 0, "no é"},
                {"", LAUNCH_LOST, 0, NULL},
                {"{\"status\": 0}", LAUNCH_LOST, 0, NULL},
                {"{\"status\": 256}\n", LAUNCH_LOST, 0, NULL},
                {"{\"status\": -1}\n", LAUNCH_LOST, 0, NULL},
                {"{\"signal\": 0}\n", LAUNCH_LOST, 0, NULL},
                {"{\"status\": \"0\"}\n", LAUNCH_LOST, 0, NULL},
                {"{}\n", LAUNCH_LOST, 0, NULL},
                {"\xff\n", LAUNCH_LOST, 0, NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Outcome o = outcome_of(rows[i].answer, strlen(rows[i].answer));

                assert_int_equal(o.end, rows[i].end);
                assert_int_equal(o.value, rows[i].value);
                assert_true(streq_ptr(o.text, rows[i].text));
                free(o.text);
        }
}

static void test_endless_answer(void **state)
{
        static char answer[64 * 1024];
        Outcome o;

        memset(answer, 'x', sizeof(answer));
        o = outcome_of(answer, sizeof(answer));
        assert_int_equal(o.end, LAUNCH_LOST);
}

static void test_request(void **state)
{
        static const char *const argv[] = {"/bin/app", "a \"b\"\n", NULL}, *const env[] = {
                                                                                   "A=", "B=x=y", NULL};
        const LaunchRequest request = {.argv = argv, .env = env, .run_id = UINT64_MAX, .kind = "clientapp"};
        _cleanup_(json_unrefp) Json *j = NULL;
        char line[1024];
        const char *s;
        ssize_t n;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(launch_send(fds[0], &request), 0);
        n = recv(fds[1], line, sizeof(line), 0);
        assert_true(n > 0 && memchr(line, '\n', (size_t) n) == line + n - 1);
        assert_int_equal(json_parse(line, (size_t) n - 1, &j), 0);
        assert_int_equal(json_length(json_member(j, "argv")), 2);
        assert_int_equal(json_get_string(json_item(json_member(j, "argv"), 1), &s), 0);
        assert_string_equal(s, argv[1]);
        assert_int_equal(json_get_string(json_member(json_member(j, "env"), "A"), &s), 0);
        assert_string_equal(s, "");
        assert_int_equal(json_get_string(json_member(json_member(j, "env"), "B"), &s), 0);
        assert_string_equal(s, "x=y");
        assert_int_equal(json_get_string(json_member(j, "run"), &s), 0);
        assert_string_equal(s, "18446744073709551615");
        close(fds[0]);
        assert_int_equal(launch_send(fds[1], &request), -EPIPE);
        close(fds[1]);
}

static void test_request_too_large(void **state)
{
        static char text[64 * 1024];
        const char *const argv[] = {"/bin/app", text, NULL}, *const env[] = {NULL};
        const LaunchRequest request = {.argv = argv, .env = env, .kind = "clientapp"};
        int fds[2];

        memset(text, 'x', sizeof(text) - 1);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(launch_send(fds[0], &request), -ENOBUFS);
        close(fds[0]);
        /* Nothing of it was sent. */
        assert_int_equal(recv(fds[1], text, sizeof(text), 0), 0);
        close(fds[1]);
}

static void test_connect(void **state)
{
        char path[200];
        int fd = -EBADF;

        assert_int_equal(launch_connect("/nonexistent/launch.sock", &fd), -ENOENT);
        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = 0;
        assert_int_equal(launch_connect(path, &fd), -ENAMETOOLONG);
        assert_int_equal(fd, -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_endless_answer),
                cmocka_unit_test(test_request),
                cmocka_unit_test(test_request_too_large),
                cmocka_unit_test(test_connect),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
