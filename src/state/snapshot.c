#include "state/snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "state/db.h"

#define DATABASE "state.db"
/* As long as the store itself waits for its other connection. */
#define BUSY_MSEC 10000
/* objects/xx is the deepest. */
#define DEPTH_MAX 4

DEFINE_CLEANUP(sqlite3 *, sqlite3_close);
DEFINE_CLEANUP(DIR *, closedir);

static int refuse(int r, char *text, char **reterr_text)
{
        if (!text)
                return -ENOMEM;
        *reterr_text = text;
        return r;
}

static int refuse_database(sqlite3 *db, int rc, const char *path, char **reterr_text)
{
        int code = rc & 0xff;
        int r = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? -EBUSY
                : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? -EBADMSG
                : code == SQLITE_FULL                             ? -ENOSPC
                : code == SQLITE_NOMEM                            ? -ENOMEM
                                                                  : -EIO;

        return refuse(
                r, xasprintf("%s: %s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc)), reterr_text);
}

static int open_database(const char *path, int flags, sqlite3 **ret, char **reterr_text)
{
        _cleanup_(sqlite3_closep) sqlite3 *db = NULL;
        int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);

        if (rc != SQLITE_OK)
                return refuse_database(db, rc, path, reterr_text);
        (void) sqlite3_busy_timeout(db, BUSY_MSEC);
        *ret = TAKE_PTR(db);
        return 0;
}

static int run(sqlite3 *db, const char *path, const char *sql, char **reterr_text)
{
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

        return rc == SQLITE_OK ? 0 : refuse_database(db, rc, path, reterr_text);
}

/* The first column of the first row, allocated. */
static int ask(sqlite3 *db, const char *path, const char *sql, char **ret, char **reterr_text)
{
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL), r;

        if (rc == SQLITE_OK)
                rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
                const char *text = (const char *) sqlite3_column_text(st, 0);

                *ret = text ? strdup(text) : NULL;
                r = *ret ? 0 : -ENOMEM;
        } else
                r = refuse_database(db, rc, path, reterr_text);
        (void) sqlite3_finalize(st);
        return r;
}

static int check_id(sqlite3 *db, const char *path, char **reterr_text)
{
        _cleanup_free_ char *id = NULL, *ours = xasprintf("%d", DB_APPLICATION_ID);
        int r;

        if (!ours)
                return -ENOMEM;
        r = ask(db, path, "PRAGMA application_id", &id, reterr_text);
        if (r >= 0 && !streq(id, ours))
                return refuse(
                        -EMEDIUMTYPE, xasprintf("%s is not the database of a store", path), reterr_text);
        return r;
}

/* ---- the files ---- */

/* The database comes from SQLite, and the lock belongs to a process. */
static bool is_skipped(const char *name, const char *target_name)
{
        return streq(name, target_name) || streq(name, "lock") || startswith(name, DATABASE);
}

static int link_tree(int from, int to, const char *target_name, unsigned depth);

static int link_directory(int from, int to, const char *name, const struct stat *st, unsigned depth)
{
        _cleanup_close_ int sub_from = -EBADF, sub_to = -EBADF;

        if (depth >= DEPTH_MAX)
                return -ELOOP;
        sub_from = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub_from < 0 || mkdirat(to, name, 0700) < 0)
                return -errno;
        sub_to = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub_to < 0 || fchmod(sub_to, st->st_mode & 07777) < 0)
                return -errno;
        return link_tree(sub_from, sub_to, NULL, depth + 1);
}

static int link_entry(int from, int to, const char *name, unsigned depth)
{
        struct stat st;

        if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                /* Of a change before this moment: the database knows it no more. */
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode))
                return link_directory(from, to, name, &st, depth);
        if (!S_ISREG(st.st_mode))
                return 0;
        return linkat(from, name, to, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int link_tree(int from, int to, const char *target_name, unsigned depth)
{
        _cleanup_(closedirp) DIR *d = NULL;
        int copy = fcntl(from, F_DUPFD_CLOEXEC, 3), r = 0;
        struct dirent *de;

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d) {
                r = -errno;
                safe_close(copy);
                return r;
        }
        for (;;) {
                errno = 0;
                de = readdir(d);
                if (!de)
                        return -errno;
                if (streq(de->d_name, ".") || streq(de->d_name, "..") ||
                        (depth == 0 && is_skipped(de->d_name, target_name)))
                        continue;
                r = link_entry(from, to, de->d_name, depth);
                if (r < 0)
                        return r;
        }
}

static int link_files(const char *directory, const char *target, char **reterr_text)
{
        const char *slash = strrchr(target, '/');
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        int r;

        from = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        to = from < 0 ? -EBADF : open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = to < 0 ? -errno : link_tree(from, to, slash ? slash + 1 : target, 0);
        return r < 0 ? refuse(r,
                               xasprintf("The files in %s cannot be linked into %s: %s", directory, target,
                                       strerror(-r)),
                               reterr_text)
                     : 0;
}

/* ---- the database ---- */

static int copy_database(sqlite3 *from, const char *path, char **reterr_text)
{
        _cleanup_(sqlite3_closep) sqlite3 *to = NULL;
        _cleanup_free_ char *answer = NULL;
        sqlite3_backup *b;
        int r, rc;

        r = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &to, reterr_text);
        if (r < 0)
                return r;
        b = sqlite3_backup_init(to, "main", from, "main");
        if (b) {
                (void) sqlite3_backup_step(b, -1);
                rc = sqlite3_backup_finish(b);
        } else
                rc = sqlite3_errcode(to);
        if (rc != SQLITE_OK)
                return refuse_database(to, rc, path, reterr_text);
        r = ask(to, path, "PRAGMA integrity_check(1)", &answer, reterr_text);
        if (r >= 0 && !streq(answer, "ok"))
                return refuse(-EBADMSG,
                        xasprintf("The database is damaged (%s): there is nothing to copy", answer),
                        reterr_text);
        return r;
}

int state_snapshot(const char *directory, const char *target, char **reterr_text)
{
        _cleanup_(sqlite3_closep) sqlite3 *writer = NULL, *reader = NULL;
        _cleanup_free_ char *path = path_join(directory, DATABASE), *copy = path_join(target, DATABASE);
        int r;

        if (!path || !copy)
                return -ENOMEM;
        if (access(path, F_OK) < 0)
                return refuse(-errno, xasprintf("%s: %s", path, strerror(errno)), reterr_text);
        if (mkdir(target, 0700) < 0)
                return refuse(
                        -errno, xasprintf("%s cannot be made: %s", target, strerror(errno)), reterr_text);
        r = open_database(path, SQLITE_OPEN_READWRITE, &writer, reterr_text);
        if (r >= 0)
                r = check_id(writer, path, reterr_text);
        if (r >= 0)
                r = open_database(path, SQLITE_OPEN_READONLY, &reader, reterr_text);
        /* Files come before the rows that name them and go after them: while nobody can commit, all are
         * there that the database names. The reader keeps that moment. */
        if (r >= 0)
                r = run(writer, path, "BEGIN IMMEDIATE", reterr_text);
        if (r >= 0)
                r = run(reader, path, "BEGIN; SELECT count(*) FROM sqlite_schema", reterr_text);
        if (r >= 0)
                r = link_files(directory, target, reterr_text);
        if (r >= 0)
                r = run(writer, path, "ROLLBACK", reterr_text);
        return r < 0 ? r : copy_database(reader, copy, reterr_text);
}
