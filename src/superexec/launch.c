#include "superexec/launch.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"

/* What flwr-app-run takes. */
#define REQUEST_SIZE_MAX ((size_t) 64 * 1024)
/* One line: a number, or a sentence. */
#define ANSWER_SIZE_MAX ((size_t) 16 * 1024)

struct Launch {
        int fd;
        sd_event_source *source;
        Buf answer;
        launch_ended_t ended;
        void *userdata;
};

int launch_connect(const char *path, int *ret_fd)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* ---- the request ---- */

static int append_argv(Buf *b, const char *const *argv)
{
        int r = 0;

        for (size_t i = 0; argv[i] && r >= 0; i++) {
                r = buf_append_str(b, i > 0 ? ", " : "");
                if (r >= 0)
                        r = json_append_quoted(b, argv[i]);
        }
        return r;
}

static int append_env(Buf *b, const char *const *env)
{
        int r = 0;

        for (size_t i = 0; env[i] && r >= 0; i++) {
                const char *value = strchr(env[i], '=') + 1;
                _cleanup_free_ char *name = strndup(env[i], (size_t) (value - 1 - env[i]));

                if (!name)
                        return -ENOMEM;
                r = buf_append_str(b, i > 0 ? ", " : "");
                if (r >= 0)
                        r = json_append_quoted(b, name);
                if (r >= 0)
                        r = buf_append_str(b, ": ");
                if (r >= 0)
                        r = json_append_quoted(b, value);
        }
        return r;
}

int launch_send(int fd, const LaunchRequest *request)
{
        _cleanup_buf_ Buf b = {.max = REQUEST_SIZE_MAX};
        ssize_t n;
        int r;

        r = buf_append_str(&b, "{\"argv\": [");
        if (r >= 0)
                r = append_argv(&b, request->argv);
        if (r >= 0)
                r = buf_append_str(&b, "], \"env\": {");
        if (r >= 0)
                r = append_env(&b, request->env);
        if (r >= 0)
                r = buf_printf(&b, "}, \"run\": \"%" PRIu64 "\", \"kind\": \"%s\"}\n", request->run_id,
                        request->kind);
        if (r < 0)
                return r;
        /* The empty buffer of a new socket takes all of it. */
        n = send(fd, b.data, b.size, MSG_NOSIGNAL);
        return n < 0 ? -errno : (size_t) n < b.size ? -EIO : 0;
}

/* ---- the answer ---- */

static void end(Launch *l, LaunchEnd how, int value, const char *text)
{
        l->source = sd_event_source_disable_unref(l->source);
        l->ended(how, value, text, l->userdata);
}

static void parse_answer(Launch *l, size_t size)
{
        _cleanup_(json_unrefp) Json *j = NULL;
        const char *text;
        int64_t value;

        if (json_parse(l->answer.data, size, &j) < 0)
                end(l, LAUNCH_LOST, 0, NULL);
        else if (json_get_i64(json_member(j, "status"), &value) >= 0 && value >= 0 && value <= UINT8_MAX)
                end(l, LAUNCH_EXITED, (int) value, NULL);
        else if (json_get_i64(json_member(j, "signal"), &value) >= 0 && value > 0 && value <= INT8_MAX)
                end(l, LAUNCH_SIGNALLED, (int) value, NULL);
        else if (json_get_string(json_member(j, "error"), &text) >= 0)
                end(l, LAUNCH_REFUSED, 0, text);
        else
                end(l, LAUNCH_LOST, 0, NULL);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Launch *l = userdata;
        char chunk[1024];
        ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        const uint8_t *newline;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || buf_append(&l->answer, chunk, (size_t) n) < 0) {
                end(l, LAUNCH_LOST, 0, NULL);
                return 0;
        }
        newline = memchr(l->answer.data, '\n', l->answer.size);
        if (newline)
                parse_answer(l, (size_t) (newline - l->answer.data));
        return 0;
}

int launch_watch(sd_event *event, int fd, launch_ended_t ended, void *userdata, Launch **ret)
{
        _cleanup_(launch_freep) Launch *l = new0(Launch, 1);
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Launch){.fd = -EBADF, .answer.max = ANSWER_SIZE_MAX, .ended = ended, .userdata = userdata};
        r = sd_event_add_io(event, &l->source, fd, EPOLLIN, on_readable, l);
        if (r < 0)
                return r;
        l->fd = fd;
        *ret = TAKE_PTR(l);
        return 0;
}

void launch_stop(Launch *l)
{
        (void) shutdown(l->fd, SHUT_WR);
}

Launch *launch_free(Launch *l)
{
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->source);
        safe_close(l->fd);
        buf_done(&l->answer);
        return mfree(l);
}
