#include "base/fs-util.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

/* Each level of rm_rf() holds a descriptor and a stack frame. */
#define RM_DEPTH_MAX 256
#define READ_STEP ((size_t) 65536)

static int read_fd(int fd, size_t max, Buf *b)
{
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (S_ISREG(st.st_mode) && (uint64_t) st.st_size > max)
                return -EFBIG;
        /* One byte more shows the end of the file with the second read. */
        r = buf_reserve(b, S_ISREG(st.st_mode) ? (size_t) st.st_size + 1 : READ_STEP);
        while (r >= 0) {
                ssize_t n;

                r = buf_reserve(b, 1);
                if (r < 0)
                        break;
                n = read(fd, b->data + b->size, b->allocated - b->size);
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
                b->size += n > 0 ? (size_t) n : 0;
                if (b->size > max)
                        return -EFBIG;
        }
        return r == -ENOBUFS ? -EFBIG : r;
}

static int read_path(const char *path, size_t max, Buf *b)
{
        _cleanup_close_ int fd = -EBADF;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return read_fd(fd, max, b);
}

int read_file(const char *path, size_t max, Blob **ret)
{
        _cleanup_buf_ Buf b = {};
        Blob *blob;
        int r;

        r = read_path(path, max, &b);
        if (r < 0)
                return r;
        blob = buf_steal_blob(&b);
        if (!blob)
                return -ENOMEM;
        *ret = blob;
        return 0;
}

int read_text_file(const char *path, size_t max, char **ret)
{
        _cleanup_buf_ Buf b = {};
        char *s;
        int r;

        r = read_path(path, max, &b);
        if (r < 0)
                return r;
        if (b.size > 0 && memchr(b.data, 0, b.size))
                return -EBADMSG;
        s = buf_steal_str(&b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int write_all(int fd, const void *data, size_t size)
{
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        p += n;
                        size -= (size_t) n;
                }
        }
        return 0;
}

static int open_parent(const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = NULL;
        int fd;

        parent = slash == path ? strdup("/") : slash ? strndup(path, (size_t) (slash - path)) : strdup(".");
        if (!parent)
                return -ENOMEM;
        fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_name = slash ? slash + 1 : path;
        return fd;
}

static int fill_file(int fd, const void *data, size_t size, mode_t mode, bool sync)
{
        int r = write_all(fd, data, size);

        if (r < 0)
                return r;
        if (fchmod(fd, mode) < 0)
                return -errno;
        if (sync && fsync(fd) < 0)
                return -errno;
        return 0;
}

int write_file_atomic(const char *path, const void *data, size_t size, mode_t mode, bool sync)
{
        _cleanup_close_ int dir = -EBADF, fd = -EBADF;
        _cleanup_free_ char *temporary = NULL;
        const char *name = NULL;
        int r;

        dir = open_parent(path, &name);
        if (dir < 0)
                return dir;
        if (isempty(name))
                return -EINVAL;
        temporary = xasprintf(".%s.%06x", name, (unsigned) (random_u64() & 0xffffff));
        if (!temporary)
                return -ENOMEM;
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        r = fill_file(fd, data, size, mode, sync);
        if (r >= 0 && renameat(dir, temporary, dir, name) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir, temporary, 0);
                return r;
        }
        if (sync && fsync(dir) < 0)
                return -errno;
        return 0;
}

static int mkdir_one(const char *path, mode_t mode)
{
        struct stat st;

        if (mkdir(path, mode) >= 0)
                return 0;
        /* Also on a read-only or foreign parent the directory may be there. */
        if (stat(path, &st) >= 0)
                return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
        return -errno;
}

int mkdir_parents(const char *path, mode_t mode)
{
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + strspn(copy, "/"); *p;) {
                char *end = p + strcspn(p, "/"), saved = *end;
                int r;

                *end = 0;
                r = mkdir_one(copy, mode);
                if (r < 0)
                        return r;
                *end = saved;
                p = end + strspn(end, "/");
        }
        return 0;
}

static int rm_at(int parent, const char *name, unsigned depth);

static int rm_content(int fd, unsigned depth)
{
        struct dirent *de;
        int r = 0;
        DIR *d;

        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                safe_close(fd);
                return r;
        }
        while (r >= 0 && (errno = 0, de = readdir(d)))
                if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
                        r = rm_at(dirfd(d), de->d_name, depth + 1);
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        return r;
}

static int rm_at(int parent, const char *name, unsigned depth)
{
        int fd, r;

        if (unlinkat(parent, name, 0) >= 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR && errno != EPERM)
                return -errno;
        if (depth >= RM_DEPTH_MAX)
                return -ELOOP;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = rm_content(fd, depth);
        if (r < 0)
                return r;
        return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int rm_rf(const char *path)
{
        return rm_at(AT_FDCWD, path, 0);
}

char *path_join(const char *a, const char *b)
{
        if (isempty(a) || *b == '/')
                return strdup(b);
        if (isempty(b))
                return strdup(a);
        return xasprintf("%s%s%s", a, endswith(a, "/") ? "" : "/", b);
}

static char *home_of_user(void)
{
        const char *home = getenv("HOME");
        char buffer[4096];
        struct passwd pw, *found = NULL;

        if (!isempty(home))
                return strdup(home);
        if (getpwuid_r(getuid(), &pw, buffer, sizeof(buffer), &found) != 0 || !found)
                return strdup("/");
        return strdup(pw.pw_dir);
}

char *path_expand_home(const char *path)
{
        _cleanup_free_ char *home = NULL;

        if (*path != '~' || (path[1] && path[1] != '/'))
                return strdup(path);
        home = home_of_user();
        if (!home)
                return NULL;
        return path_join(home, path + 1 + strspn(path + 1, "/"));
}

int flwr_home(char **ret)
{
        const char *e = getenv("FLWR_HOME");
        char *s = path_expand_home(isempty(e) ? "~/.flwr" : e);

        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}
