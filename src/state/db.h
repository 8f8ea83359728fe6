/* The SQLite side of the store: one connection, its statements from one table, prepared once, and numbered
 * migrations.
 *
 * A connection belongs to one thread at a time: the writer has one, the core thread a second one for reading
 * (WAL lets both work at once). Text and bytes of a DbValue are borrowed during the call. Errors are
 * negative errno values made from SQLite's codes. */
#pragma once

#include <sqlite3.h>

#include "model/hash.h"

#define DB_APPLICATION_ID 0x464c5752 /* "FLWR": genuine Flower's databases have none */

typedef enum DbStatement {
        /* changes */
        DB_NODE_PUT,
        DB_NODE_DELETE,
        DB_RUN_PUT,
        DB_RUN_DELETE,
        DB_CONFIG_PUT,
        DB_CONFIG_DELETE,
        DB_CONTEXT_PUT,
        DB_CONTEXT_DELETE,
        DB_LOG_PUT,
        DB_LOG_DELETE,
        DB_OBJECT_PUT,
        DB_OBJECT_CONTENT,
        DB_OBJECT_DELETE,
        DB_HOLD_PUT,
        DB_HOLD_DELETE, /* of an object */
        DB_HOLD_DROP,   /* of an object by a run */
        DB_MESSAGE_PUT,
        DB_MESSAGE_STATE,
        DB_MESSAGE_DELETE,
        DB_TOUCH,
        /* reading */
        DB_CONTEXT_GET,
        DB_LOG_GET,
        DB_OBJECT_GET,
        DB_NODES,
        DB_RUNS,
        DB_CONFIGS,
        DB_CONTEXTS,
        DB_OBJECTS,
        DB_HOLDS,
        DB_MESSAGES,
        _DB_STATEMENT_MAX,
} DbStatement;

typedef enum DbType {
        DB_NULL,
        DB_INTEGER,
        DB_REAL,
        DB_TEXT,
        DB_BYTES, /* a Blob */
        DB_HASH,
} DbType;

typedef struct DbValue {
        DbType type;
        union {
                int64_t i;
                double d;
                const char *s;
                Blob *b;
                ObjectId id;
        };
} DbValue;

#define DB_I(x) ((DbValue){.type = DB_INTEGER, .i = (int64_t) (x)})
#define DB_D(x) ((DbValue){.type = DB_REAL, .d = (x)})
#define DB_T(x) ((DbValue){.type = DB_TEXT, .s = (x)})  /* NULL is NULL */
#define DB_B(x) ((DbValue){.type = DB_BYTES, .b = (x)}) /* NULL is NULL */
#define DB_H(x) ((DbValue){.type = DB_HASH, .id = (x)})

typedef struct Db Db;

/* Opens, and makes or migrates the database. *reterr_text says what is wrong and what to try. A foreign or
 * newer database is -EMEDIUMTYPE and not touched, one that is no database or damaged -EBADMSG. */
int db_open(const char *path, Db **ret, char **reterr_text);
/* A second connection to a database that db_open() has opened; for reading only. */
int db_open_reader(const char *path, Db **ret);
Db *db_free(Db *db);
DEFINE_CLEANUP(Db *, db_free);

/* sync: the transaction, and all before it, is on disk when db_commit() returns; else it may be lost with
 * the power, in order. */
int db_begin(Db *db, bool sync);
int db_commit(Db *db);
void db_rollback(Db *db);
/* A statement without rows. */
int db_run(Db *db, DbStatement statement, const DbValue *v, size_t n);
/* A statement with rows: 1 and *ret at its first or next row, 0 at the end. Release it with db_end() in all
 * cases. */
int db_query(Db *db, DbStatement statement, const DbValue *v, size_t n, sqlite3_stmt **ret);
int db_step(sqlite3_stmt *st);
void db_end(sqlite3_stmt *st);

/* Of the current row; copies. NULL is NULL with 0. */
int db_column_text(sqlite3_stmt *st, int column, char **ret);
int db_column_blob(sqlite3_stmt *st, int column, Blob **ret);
int db_column_hash(sqlite3_stmt *st, int column, ObjectId *ret); /* NULL is none; another size -EBADMSG */
