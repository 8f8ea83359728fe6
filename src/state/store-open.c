#include "state/store-open.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "state/writer.h"

static int refuse(char **reterr_text, char *text, int r)
{
        if (!text)
                return -ENOMEM;
        *reterr_text = text;
        return r;
}

/* The lock belongs to the open file, so that it ends with the process however that ends; the number inside
 * is for people. */
static int lock(const char *path, const char *what, int *ret, char **reterr_text)
{
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_close_ int fd = -EBADF;
        char pid[32] = "";
        int r;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0) {
                r = -errno;
                return refuse(reterr_text, xasprintf("%s cannot be opened: %s", path, strerror(-r)), r);
        }
        if (fcntl(fd, F_OFD_SETLK, &range) < 0) {
                r = -errno;
                if (pread(fd, pid, sizeof(pid) - 1, 0) < 0)
                        *pid = 0;
                pid[strspn(pid, "0123456789")] = 0;
                if (r == -EAGAIN || r == -EACCES)
                        return refuse(reterr_text,
                                xasprintf("%s is in use by process %s; stop it or name another one", what,
                                        *pid ? pid : "(unknown)"),
                                -EBUSY);
                return refuse(reterr_text, xasprintf("%s cannot be locked: %s", path, strerror(-r)), r);
        }
        snprintf(pid, sizeof(pid), "%ld\n", (long) getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0) {
                r = -errno;
                return refuse(reterr_text, xasprintf("%s cannot be written: %s", path, strerror(-r)), r);
        }
        *ret = TAKE_FD(fd);
        return 0;
}

static int open_database(Store *s, const StoreConfig *config, char **reterr_text)
{
        _cleanup_free_ char *path =
                path_join(config->directory, config->database ? config->database : "state.db");
        _cleanup_free_ char *lock_path = NULL;
        _cleanup_(db_freep) Db *db = NULL;
        int r;

        if (!path)
                return -ENOMEM;
        if (config->database) {
                /* It may lie outside the locked directory. */
                lock_path = xasprintf("%s.lock", path);
                if (!lock_path)
                        return -ENOMEM;
                r = lock(lock_path, path, &s->database_lock_fd, reterr_text);
                if (r < 0)
                        return r;
        }
        r = db_open(path, &db, reterr_text);
        if (r < 0)
                return r;
        r = files_open(config->directory, config->fab_directory, &s->files, reterr_text);
        if (r < 0)
                return r;
        r = store_load(s, db);
        if (r == -EBADMSG)
                return refuse(reterr_text,
                        xasprintf("%s is damaged: its rows do not fit together; restore a copy or move it "
                                  "away",
                                path),
                        r);
        if (r >= 0)
                r = db_open_reader(path, &s->reader);
        if (r >= 0)
                r = writer_new(s->event, TAKE_PTR(db), s->files, &s->writer);
        if (r < 0)
                return refuse(reterr_text, xasprintf("%s cannot be read: %s", path, strerror(-r)), r);
        return 0;
}

int store_open_directory(Store *s, const StoreConfig *config, char **reterr_text)
{
        _cleanup_free_ char *path = path_join(config->directory, "lock");
        int r;

        if (!path)
                return -ENOMEM;
        r = mkdir_parents(config->directory, 0700);
        if (r < 0)
                return refuse(
                        reterr_text, xasprintf("%s cannot be made: %s", config->directory, strerror(-r)), r);
        r = lock(path, config->directory, &s->lock_fd, reterr_text);
        if (r < 0)
                return r;
        return open_database(s, config, reterr_text);
}
