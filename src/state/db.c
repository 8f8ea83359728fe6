#include "state/db.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "state/db-schema.h"

/* The file header of SQLite: magic at 0, application id (big-endian) at 68. */
#define HEADER_SIZE 100
#define HEADER_MAGIC "SQLite format 3"
#define HEADER_APPLICATION_ID 68

/* Only our two connections and a backup share the database, and none holds a lock for long. */
#define BUSY_MSEC 10000

struct Db {
        sqlite3 *sqlite;
        sqlite3_stmt *statements[_DB_STATEMENT_MAX];
        bool sync; /* how transactions are committed */
};

static int error_of(Db *db, int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_TOOBIG:
                return -EFBIG;
        case SQLITE_PERM:
        case SQLITE_READONLY:
                return -EACCES;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN: {
                int e = db ? sqlite3_system_errno(db->sqlite) : 0;

                return e > 0 ? -e : -EIO;
        }
        default:
                return -EINVAL;
        }
}

static int exec(Db *db, const char *sql)
{
        int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

        if (rc != SQLITE_OK)
                log_debug("SQLite: %s: %s", sql, sqlite3_errmsg(db->sqlite));
        return error_of(db, rc);
}

static int get_integer(Db *db, const char *sql, int64_t *ret)
{
        sqlite3_stmt *st = NULL;
        int rc;

        rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EBADMSG : error_of(db, rc);
}

/* ---- opening ---- */

static int refuse(char **reterr_text, char *text, int r)
{
        if (!text)
                return -ENOMEM;
        *reterr_text = text;
        return r;
}

/* By the file's header, before SQLite may touch it. *ret_new: there is nothing yet. */
static int check_header(const char *path, bool *ret_new, char **reterr_text)
{
        _cleanup_close_ int fd = -EBADF;
        char header[HEADER_SIZE] = {};
        uint32_t id;
        ssize_t n;

        /* Tokens are in there, and SQLite gives the files beside it the same mode. */
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0) {
                int r = -errno;

                return refuse(reterr_text, xasprintf("%s cannot be opened: %s", path, strerror(-r)), r);
        }
        n = read(fd, header, sizeof(header));
        if (n < 0)
                return -errno;
        *ret_new = n == 0;
        if (n == 0)
                return 0;
        if (n != HEADER_SIZE || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
                return refuse(reterr_text,
                        xasprintf("%s is not an SQLite database; move it away or name another file", path),
                        -EBADMSG);
        memcpy(&id, header + HEADER_APPLICATION_ID, sizeof(id));
        if (be32toh(id) != DB_APPLICATION_ID)
                return refuse(reterr_text,
                        xasprintf("%s was made by Python Flower or another program and is left as it is; "
                                  "name another file or directory",
                                path),
                        -EMEDIUMTYPE);
        return 0;
}

static int set_up(Db *db, bool is_new)
{
        int r;

        /* Before WAL: the id must be in the file itself, where check_header() looks. */
        if (is_new) {
                char sql[64];

                snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", DB_APPLICATION_ID);
                r = exec(db, sql);
                if (r < 0)
                        return r;
        }
        return exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
                        "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA "
                        "cache_size = -8000; PRAGMA temp_store = MEMORY");
}

static int migrate(Db *db, const char *path, char **reterr_text)
{
        int64_t version = 0;
        int r;

        r = get_integer(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (version < 0 || version > DB_VERSION)
                return refuse(reterr_text,
                        xasprintf("%s has schema version %lld, this program knows up to %d: it was used by "
                                  "a newer "
                                  "release; install that one, or name another directory",
                                path, (long long) version, DB_VERSION),
                        -EMEDIUMTYPE);
        for (; version < DB_VERSION; version++) {
                char sql[64];

                snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", (int) version + 1);
                r = exec(db, "BEGIN IMMEDIATE");
                if (r >= 0)
                        r = exec(db, db_migrations[version]);
                if (r >= 0)
                        r = exec(db, sql);
                if (r >= 0)
                        r = exec(db, "COMMIT");
                if (r < 0) {
                        db_rollback(db);
                        return r;
                }
        }
        return 0;
}

static int prepare(Db *db, DbStatement first)
{
        for (unsigned i = first; i < _DB_STATEMENT_MAX; i++) {
                int rc = sqlite3_prepare_v3(db->sqlite, db_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                        &db->statements[i], NULL);

                if (rc != SQLITE_OK) {
                        log_debug("SQLite: %s: %s", db_statements[i], sqlite3_errmsg(db->sqlite));
                        return rc == SQLITE_ERROR ? -EBADMSG : error_of(db, rc);
                }
        }
        return 0;
}

static int connect(const char *path, int flags, Db **ret)
{
        _cleanup_(db_freep) Db *db = NULL;
        int rc;

        db = new0(Db, 1);
        if (!db)
                return -ENOMEM;
        db->sync = true;
        rc = sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (rc != SQLITE_OK)
                return error_of(db->sqlite ? db : NULL, rc);
        (void) sqlite3_busy_timeout(db->sqlite, BUSY_MSEC);
        *ret = TAKE_PTR(db);
        return 0;
}

static int open_checked(Db *db, const char *path, bool is_new, char **reterr_text)
{
        int r;

        /* Closing a database that is refused must not write into it. */
        (void) sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        r = set_up(db, is_new);
        if (r < 0)
                return r;
        r = migrate(db, path, reterr_text);
        if (r < 0)
                return r;
        r = prepare(db, 0);
        if (r < 0)
                return r;
        (void) sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        return 0;
}

int db_open(const char *path, Db **ret, char **reterr_text)
{
        _cleanup_(db_freep) Db *db = NULL;
        _cleanup_free_ char *text = NULL;
        bool is_new = false;
        int r;

        r = check_header(path, &is_new, reterr_text);
        if (r < 0)
                return r;
        r = connect(path, SQLITE_OPEN_READWRITE, &db);
        if (r >= 0)
                r = open_checked(db, path, is_new, &text);
        if (r < 0) {
                if (!text)
                        text = xasprintf("%s cannot be used: %s", path,
                                r == -EBADMSG ? "the database is damaged; restore a copy or move it away"
                                              : strerror(-r));
                return refuse(reterr_text, TAKE_PTR(text), r);
        }
        *ret = TAKE_PTR(db);
        return 0;
}

int db_open_reader(const char *path, Db **ret)
{
        _cleanup_(db_freep) Db *db = NULL;
        int r;

        r = connect(path, SQLITE_OPEN_READONLY, &db);
        if (r < 0)
                return r;
        r = prepare(db, DB_CONTEXT_GET);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

Db *db_free(Db *db)
{
        if (!db)
                return NULL;
        for (unsigned i = 0; i < _DB_STATEMENT_MAX; i++)
                sqlite3_finalize(db->statements[i]);
        sqlite3_close(db->sqlite);
        return mfree(db);
}

/* ---- using ---- */

int db_begin(Db *db, bool sync)
{
        int r = 0;

        if (sync != db->sync)
                r = exec(db, sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        if (r < 0)
                return r;
        db->sync = sync;
        return exec(db, "BEGIN IMMEDIATE");
}

int db_commit(Db *db)
{
        return exec(db, "COMMIT");
}

void db_rollback(Db *db)
{
        if (!sqlite3_get_autocommit(db->sqlite))
                (void) exec(db, "ROLLBACK");
}

static int bind(sqlite3_stmt *st, int i, const DbValue *v)
{
        switch (v->type) {
        case DB_INTEGER:
                return sqlite3_bind_int64(st, i, v->i);
        case DB_REAL:
                return sqlite3_bind_double(st, i, v->d);
        case DB_TEXT:
                return v->s ? sqlite3_bind_text(st, i, v->s, -1, SQLITE_STATIC) : sqlite3_bind_null(st, i);
        case DB_BYTES:
                if (!v->b)
                        return sqlite3_bind_null(st, i);
                return sqlite3_bind_blob64(
                        st, i, v->b->size > 0 ? (const void *) v->b->data : "", v->b->size, SQLITE_STATIC);
        case DB_HASH:
                return sqlite3_bind_blob(st, i, v->id.bytes, sizeof(v->id.bytes), SQLITE_STATIC);
        case DB_NULL:
                break;
        }
        return sqlite3_bind_null(st, i);
}

int db_step(sqlite3_stmt *st)
{
        int rc = sqlite3_step(st);

        if (rc == SQLITE_ROW)
                return 1;
        if (rc == SQLITE_DONE)
                return 0;
        log_debug("SQLite: %s: %s", sqlite3_sql(st), sqlite3_errmsg(sqlite3_db_handle(st)));
        return error_of(&(Db){.sqlite = sqlite3_db_handle(st)}, rc);
}

void db_end(sqlite3_stmt *st)
{
        (void) sqlite3_reset(st);
        (void) sqlite3_clear_bindings(st);
}

int db_query(Db *db, DbStatement statement, const DbValue *v, size_t n, sqlite3_stmt **ret)
{
        sqlite3_stmt *st = db->statements[statement];

        *ret = st;
        for (size_t i = 0; i < n; i++) {
                int rc = bind(st, (int) i + 1, &v[i]);

                if (rc != SQLITE_OK)
                        return error_of(db, rc);
        }
        return db_step(st);
}

int db_run(Db *db, DbStatement statement, const DbValue *v, size_t n)
{
        sqlite3_stmt *st;
        int r;

        r = db_query(db, statement, v, n, &st);
        db_end(st);
        return r < 0 ? r : 0;
}

int db_column_text(sqlite3_stmt *st, int column, char **ret)
{
        const char *text = (const char *) sqlite3_column_text(st, column);
        char *copy = NULL;

        if (text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

int db_column_blob(sqlite3_stmt *st, int column, Blob **ret)
{
        Blob *b = NULL;

        if (sqlite3_column_type(st, column) != SQLITE_NULL) {
                const void *data = sqlite3_column_blob(st, column);

                b = blob_new(data, (size_t) sqlite3_column_bytes(st, column));
                if (!b)
                        return -ENOMEM;
        }
        *ret = b;
        return 0;
}

int db_column_hash(sqlite3_stmt *st, int column, ObjectId *ret)
{
        const void *data = sqlite3_column_blob(st, column);

        if (!data) {
                *ret = OBJECT_ID_NONE;
                return 0;
        }
        if (sqlite3_column_bytes(st, column) != sizeof(ret->bytes))
                return -EBADMSG;
        memcpy(ret->bytes, data, sizeof(ret->bytes));
        return 0;
}
