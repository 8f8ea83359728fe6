#include "superexec/kept-app.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define NAME_PREFIX "app-"
/* Two numbers and a token. */
#define RECORD_SIZE_MAX 4096

char *kept_app_name(uint64_t run_id)
{
        return xasprintf(NAME_PREFIX "%" PRIu64 "-%016" PRIx64, run_id, random_u64());
}

static int write_record(const KeptApp *k, int *ret_fd)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_buf_ Buf b = {.max = RECORD_SIZE_MAX};
        ssize_t n;
        int r;

        r = buf_printf(&b, "{\"run\": \"%" PRIu64 "\", \"tell\": %d, \"token\": ", k->run_id, k->tell);
        if (r >= 0)
                r = json_append_quoted(&b, k->token);
        if (r >= 0)
                r = buf_append_str(&b, "}");
        if (r < 0)
                return r;
        fd = memfd_create("flwr-app", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = write(fd, b.data, b.size);
        if (n < 0 || (size_t) n < b.size)
                return n < 0 ? -errno : -EIO;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int kept_app_store(const KeptApp *k)
{
        _cleanup_close_ int record = -EBADF;
        int r = write_record(k, &record);

        if (r < 0)
                return r;
        return daemon_store_fds(k->name, (const int[]){k->fd, record}, 2);
}

static int read_record(int fd, KeptApp *k)
{
        _cleanup_(json_unrefp) Json *j = NULL;
        char data[RECORD_SIZE_MAX];
        const char *run, *token;
        int64_t tell;
        ssize_t n = pread(fd, data, sizeof(data), 0);
        int r;

        if (n < 0)
                return -errno;
        r = json_parse(data, (size_t) n, &j);
        if (r < 0)
                return r;
        if (json_get_string(json_member(j, "run"), &run) < 0 || parse_u64(run, &k->run_id) < 0 ||
                json_get_string(json_member(j, "token"), &token) < 0 ||
                json_get_i64(json_member(j, "tell"), &tell) < 0)
                return -EBADMSG;
        k->tell = tell != 0;
        return free_and_strdup(&k->token, token);
}

/* Of the descriptors with this name, which are in no order, the connection and the record. */
static int take_named(PassedFd *fds, size_t n, const char *name, KeptApp *k)
{
        _cleanup_close_ int record = -EBADF;
        struct stat st;

        for (size_t i = 0; i < n; i++) {
                int *to;

                if (fds[i].fd < 0 || !streq_ptr(fds[i].name, name) || fstat(fds[i].fd, &st) < 0)
                        continue;
                to = S_ISSOCK(st.st_mode) ? &k->fd : &record;
                safe_close(*to);
                *to = TAKE_FD(fds[i].fd);
        }
        if (k->fd < 0 || record < 0)
                return -ENOENT;
        return read_record(record, k);
}

int kept_app_take(PassedFd *fds, size_t n, KeptApp *ret)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_kept_app_ KeptApp k = {.fd = -EBADF};
                int r;

                if (fds[i].fd < 0 || !fds[i].name || !startswith(fds[i].name, NAME_PREFIX))
                        continue;
                r = free_and_strdup(&k.name, fds[i].name);
                if (r >= 0)
                        r = take_named(fds, n, k.name, &k);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        log_debug_errno(r, "%s was not kept whole, ignoring", k.name);
                        daemon_unstore_fds(k.name);
                        continue;
                }
                *ret = k;
                k = (KeptApp){.fd = -EBADF};
                return 1;
        }
        return 0;
}

void kept_app_done(KeptApp *k)
{
        free(k->name);
        free(k->token);
        k->name = k->token = NULL;
        k->fd = safe_close(k->fd);
}
