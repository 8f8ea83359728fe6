/* What goes to disk together: changed rows, files, and those who wait for them.
 *
 * The core thread fills one batch while the writer works on the one before; a Batch belongs to one of them
 * at a time. */
#pragma once

#include "base/mailbox.h"
#include "state/db.h"
#include "state/files.h"
#include "state/hash-table.h"
#include "state/store.h"

typedef struct BatchWrite BatchWrite;
struct BatchWrite {
        BatchWrite *next;
        DbStatement statement;
        size_t n;
        DbValue v[]; /* texts lie behind the values, a reference of each Blob is owned */
};

typedef struct BatchUnlink {
        FileKey key;
        UT_hash_handle hh;
} BatchUnlink;

typedef enum WaitingKind {
        WAITING_DONE,
        WAITING_CONTEXT,
        WAITING_LOG,
} WaitingKind;

/* Somebody who is told the outcome in the core thread; readers are given what they asked for. */
typedef struct Waiting Waiting;
struct Waiting {
        Waiting *next;
        WaitingKind kind;
        union {
                StoreDone done;
                void (*got_context)(int outcome, Blob *context, void *userdata);
                void (*got_log)(int outcome, const char *text, double latest, bool more, void *userdata);
        };
        void *userdata;
        int outcome;
        /* readers */
        uint64_t run_id;
        usec_t after;
        Blob *context;
        char *text;
        usec_t latest;
        bool more;
};

Waiting *waiting_free(Waiting *w);
DEFINE_CLEANUP(Waiting *, waiting_free);
void waiting_tell(Waiting *w); /* frees it */

typedef struct Batch {
        Letter letter; /* on its way to the writer and back */
        Store *store;
        struct Writer *writer;
        uint64_t number;
        BatchWrite *writes, *last_write;
        FileWrite *files, *last_file;
        BatchUnlink *unlinks; /* done once the rows are committed */
        Waiting *waiting, *last_waiting;
        size_t n_writes;
        size_t bytes; /* of contents that are kept in memory for it */
        bool sync;    /* somebody has been promised durability */
        int outcome;
} Batch;

Batch *batch_new(uint64_t number);
Batch *batch_free(Batch *b); /* without telling anybody */
DEFINE_CLEANUP(Batch *, batch_free);
bool batch_is_empty(const Batch *b);
int batch_write(Batch *b, DbStatement statement, const DbValue *v, size_t n);
int batch_file(Batch *b, const FileKey *key, Blob *content);
int batch_unlink(Batch *b, const FileKey *key);
void batch_wait(Batch *b, Waiting *w); /* takes w */
