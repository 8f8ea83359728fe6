#include "provision/place.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"
#include "base/time-util.h"

#define LOCK_FILE "/etc/flwr/.lock"
#define LOCK_STEP_USEC (5 * USEC_PER_MSEC)
#define NO_GROUP ((gid_t) -1)

int place_open(const char *root, Place *ret)
{
        char *copy = strdup(strempty(root));

        if (!copy)
                return log_oom();
        /* Directories on the way must let daemons through, whatever the unit or shell that runs us has set;
         * files get their modes explicitly. */
        (void) umask(0022);
        for (size_t n = strlen(copy); n > 0 && copy[n - 1] == '/'; n--)
                copy[n - 1] = 0;
        *ret = (Place){.root = copy, .lock_fd = -EBADF};
        return 0;
}

void place_done(Place *p)
{
        if (p->root && p->lock_fd >= 0) {
                _cleanup_free_ char *path = place_path(p, LOCK_FILE);

                /* Still locked: whoever waits on it sees that the file is gone, and starts again. */
                if (path)
                        (void) unlink(path);
                p->lock_fd = safe_close(p->lock_fd);
        }
        p->root = mfree(p->root);
}

char *place_path(const Place *p, const char *path)
{
        return xasprintf("%s%s", p->root, path);
}

bool place_has(const Place *p, const char *path)
{
        _cleanup_free_ char *full = place_path(p, path);

        return full && faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* ---- accounts ---- */

static int no_account(const Place *p, const char *what, const char *name)
{
        log_error("There is no %s \"%s\"%s%s. The package makes it with systemd-sysusers; without the "
                  "package: "
                  "systemd-sysusers /usr/lib/sysusers.d/flower-*.conf",
                what, name, *p->root ? " in " : "", p->root);
        return -ESRCH;
}

static int open_accounts(const Place *p, const char *path, FILE **ret)
{
        _cleanup_free_ char *full = place_path(p, path);
        FILE *f;

        if (!full)
                return log_oom();
        f = fopen(full, "re");
        if (!f)
                return log_error_errno(errno, "\"%s\" cannot be read", full);
        *ret = f;
        return 0;
}

int place_group(const Place *p, const char *name, gid_t *ret)
{
        const struct group *g;
        FILE *f = NULL;
        int r;

        if (*p->root) {
                r = open_accounts(p, "/etc/group", &f);
                if (r < 0)
                        return r;
                while ((g = fgetgrent(f)) && !streq(g->gr_name, name))
                        ;
                fclose(f);
        } else
                g = getgrnam(name);
        if (!g)
                return no_account(p, "group", name);
        *ret = g->gr_gid;
        return 0;
}

int place_account(const Place *p, const char *name, Account *ret)
{
        const struct passwd *u;
        FILE *f = NULL;
        int r;

        if (*p->root) {
                r = open_accounts(p, "/etc/passwd", &f);
                if (r < 0)
                        return r;
                while ((u = fgetpwent(f)) && !streq(u->pw_name, name))
                        ;
                fclose(f);
        } else
                u = getpwnam(name);
        if (!u)
                return no_account(p, "user", name);
        *ret = (Account){u->pw_uid, u->pw_gid};
        return 0;
}

/* ---- the lock ---- */

/* 1: locked; 0: the file was removed meanwhile, try again; -EAGAIN: somebody has it. */
static int try_lock(const char *path, int *ret_fd, pid_t *ret_holder)
{
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        if (fcntl(fd, F_SETLK, &l) < 0) {
                if (errno != EACCES && errno != EAGAIN)
                        return -errno;
                if (fcntl(fd, F_GETLK, &l) >= 0 && l.l_type != F_UNLCK)
                        *ret_holder = l.l_pid;
                return -EAGAIN;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_nlink == 0)
                return 0;
        *ret_fd = TAKE_FD(fd);
        return 1;
}

int place_lock(Place *p)
{
        usec_t give_up = now_monotonic() + PLACE_LOCK_WAIT_SECONDS * USEC_PER_SEC;
        _cleanup_free_ char *path = place_path(p, LOCK_FILE);
        pid_t holder = 0;
        int r;

        if (!path)
                return log_oom();
        r = place_make_dir(p, "/etc/flwr", 0755, NO_GROUP);
        if (r < 0)
                return r;
        for (;;) {
                r = try_lock(path, &p->lock_fd, &holder);
                if (r > 0)
                        return 0;
                if (r < 0 && r != -EAGAIN)
                        return log_error_errno(r, "\"%s\" cannot be locked", path);
                if (now_monotonic() >= give_up)
                        break;
                if (r < 0)
                        (void) usleep(LOCK_STEP_USEC);
        }
        log_error("Another flwr-provision (process %ld) has held the lock \"%s\" for %d seconds; nothing "
                  "was changed. "
                  "Look at it with ps, end it if it hangs, and try again",
                (long) holder, path, PLACE_LOCK_WAIT_SECONDS);
        return -EBUSY;
}

/* ---- directories and files ---- */

/* The owner is whoever we are; only the group is handed over. */
static int set_access(int fd, mode_t mode, gid_t group)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (group != NO_GROUP && st.st_gid != group && fchown(fd, (uid_t) -1, group) < 0)
                return -errno;
        return (st.st_mode & 07777) != mode && fchmod(fd, mode) < 0 ? -errno : 0;
}

static int make_parents(const char *path)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = slash ? strndup(path, (size_t) (slash - path)) : NULL;

        if (!parent)
                return -ENOMEM;
        return *parent ? mkdir_parents(parent, 0755) : 0;
}

int place_make_dir(const Place *p, const char *path, mode_t mode, gid_t group)
{
        _cleanup_free_ char *full = place_path(p, path);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!full)
                return log_oom();
        fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                r = make_parents(full);
                if (r < 0 || (mkdir(full, 0700) < 0 && errno != EEXIST && (r = -errno) < 0))
                        return log_error_errno(r, "The directory \"%s\" cannot be made", full);
                fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (fd < 0)
                return log_error_errno(errno, "The directory \"%s\" cannot be opened", full);
        r = set_access(fd, mode, group);
        return r < 0 ? log_error_errno(r, "Group and mode of \"%s\" cannot be set", full) : 0;
}

static char *temporary_name(const char *name)
{
        return xasprintf(".%s.new", name);
}

static int open_parent(const char *full, const char **ret_name)
{
        const char *slash = strrchr(full, '/');
        _cleanup_free_ char *parent = slash ? strndup(full, (size_t) (slash - full)) : NULL;
        int fd;

        if (!parent)
                return -ENOMEM;
        fd = open(*parent ? parent : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_name = slash + 1;
        return fd;
}

static int write_at(int dir_fd, const char *name, const char *text, mode_t mode, gid_t group, uid_t user)
{
        _cleanup_free_ char *temporary = temporary_name(name);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!temporary)
                return -ENOMEM;
        (void) unlinkat(dir_fd, temporary, 0);
        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text, strlen(text));
        if (r >= 0 && user != (uid_t) -1 && user != geteuid() && fchown(fd, user, (gid_t) -1) < 0)
                r = -errno;
        if (r >= 0)
                r = set_access(fd, mode, group);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return fsync(dir_fd) < 0 ? -errno : 0;
}

int place_write(const Place *p, const char *path, const char *text, mode_t mode, gid_t group)
{
        _cleanup_free_ char *full = place_path(p, path);
        _cleanup_close_ int dir_fd = -EBADF;
        const char *name = NULL;
        int r;

        if (!full)
                return log_oom();
        r = make_parents(full);
        if (r >= 0)
                r = dir_fd = open_parent(full, &name);
        if (r >= 0)
                r = write_at(dir_fd, name, text, mode, group, (uid_t) -1);
        return r < 0 ? log_error_errno(r, "\"%s\" cannot be written", full) : 0;
}

int place_mend_access(const Place *p, const char *path, mode_t mode, gid_t group)
{
        _cleanup_free_ char *full = place_path(p, path);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r = 0;

        if (!full)
                return log_oom();
        fd = open(full, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_error_errno(errno, "\"%s\" cannot be opened", full);
        if (st.st_uid == geteuid() && (group == NO_GROUP || st.st_gid == group) &&
                (st.st_mode & 07777) == mode)
                return 0;
        if (st.st_uid != geteuid() && fchown(fd, geteuid(), (gid_t) -1) < 0)
                r = -errno;
        if (r >= 0)
                r = set_access(fd, mode, group);
        if (r < 0)
                return log_error_errno(r, "Owner, group and mode of \"%s\" cannot be set", full);
        log_with(LOG_WARNING, &(LogFields){.message_id = FLWR_MESSAGE_KEY_ACCESS_MENDED},
                "Owner, group or mode of %s was wrong (user %u, group %u, mode %04o) and is right again "
                "(mode "
                "%04o)",
                full, (unsigned) st.st_uid, (unsigned) st.st_gid, (unsigned) st.st_mode & 07777,
                (unsigned) mode);
        return 0;
}

int place_read(const Place *p, const char *path, size_t max, char **ret)
{
        _cleanup_free_ char *full = place_path(p, path);
        char *text = NULL;
        int r;

        if (!full)
                return log_oom();
        r = read_text_file(full, max, &text);
        if (r == -EFBIG || r == -EBADMSG) {
                log_error("\"%s\" is not a text of at most %zu bytes", full, max);
                return -EBADMSG;
        }
        if (r < 0 && r != -ENOENT)
                return log_error_errno(r, "\"%s\" cannot be read", full);
        *ret = text;
        return 0;
}

void place_remove_leftover(const Place *p, const char *path)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *full =
                xasprintf("%s%.*s/.%s.new", p->root, (int) (slash - path), path, slash + 1);

        if (full)
                (void) unlink(full);
}

int place_remove(const Place *p, const char *path)
{
        _cleanup_free_ char *full = place_path(p, path);

        if (!full)
                return log_oom();
        place_remove_leftover(p, path);
        if (unlink(full) < 0 && errno != ENOENT)
                return log_error_errno(errno, "\"%s\" cannot be removed", full);
        return 0;
}

/* ---- state directories of daemons ---- */

static int make_state(int parent, const char *name, const Account *owner)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (owner->uid != geteuid() && fchown(fd, owner->uid, owner->gid) < 0)
                return -errno;
        r = TAKE_FD(fd);
        return r;
}

int place_open_state(const Place *p, const char *name, const Account *owner)
{
        _cleanup_free_ char *parent = place_path(p, PLACE_STATE);
        _cleanup_close_ int parent_fd = -EBADF;
        int r;

        if (!parent)
                return log_oom();
        r = owner ? mkdir_parents(parent, 0755) : 0;
        if (r < 0)
                return log_error_errno(r, "The directory \"%s\" cannot be made", parent);
        parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = parent_fd < 0 ? -errno
            : owner       ? make_state(parent_fd, name, owner)
                          : openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (r == -1)
                r = -errno;
        if (r == -ENOENT && !owner)
                return r;
        return r < 0 ? log_error_errno(r, "The directory \"%s/%s\" cannot be opened", parent, name) : r;
}

int state_write(int dir_fd, const char *name, const char *text, mode_t mode, const Account *owner)
{
        int r = write_at(
                dir_fd, name, text, mode, owner->gid == getegid() ? NO_GROUP : owner->gid, owner->uid);

        return r < 0 ? log_error_errno(r, "\"%s\" cannot be written in the daemon's state", name) : 0;
}

bool place_is_joined(const Place *p, const char *name)
{
        _cleanup_close_ int fd = place_open_state(p, name, NULL);

        return fd >= 0 && faccessat(fd, PLACE_JOINED, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}
