/* The files beside the database: contents of objects, FABs and contexts that are too large for a row.
 *
 * A Files is immutable after files_open() and shared by the core thread (reading) and the writer (the rest).
 * A file appears under its name only complete and synced; its directory is synced before files_write()
 * returns. */
#pragma once

#include "model/hash.h"

typedef enum FileKind {
        FILE_OBJECT,  /* objects/xx/<sha256> */
        FILE_FAB,     /* fabs/<sha256> */
        FILE_CONTEXT, /* contexts/<run id>-<generation>: never replaced, so that a crash leaves the old one
                       */
        _FILE_KIND_MAX,
} FileKind;

/* Fixed size and without holes: keys are hashed and compared as bytes. */
typedef struct FileKey {
        ObjectId id;
        uint64_t kind;
} FileKey;

#define FILE_KEY(k, i) ((FileKey){.id = (i), .kind = (k)})
FileKey file_key_context(uint64_t run_id, uint64_t generation);
void file_key_parse_context(const FileKey *key, uint64_t *ret_run_id, uint64_t *ret_generation);

typedef struct FileWrite FileWrite;
struct FileWrite {
        FileKey key;
        Blob *content; /* owned */
        FileWrite *next;
        int fd; /* private */
};

typedef struct Files Files;

/* Makes the directories. fab_directory NULL: <directory>/fabs. */
int files_open(const char *directory, const char *fab_directory, Files **ret, char **reterr_text);
Files *files_free(Files *f);
DEFINE_CLEANUP(Files *, files_free);

int files_map(const Files *f, const FileKey *key, Blob **ret); /* -ENOENT */
/* All of the list, with one fsync a file and one a directory. */
int files_write(const Files *f, FileWrite *list);
void files_unlink(const Files *f, const FileKey *key);
/* Calls keep for every file; what it answers false to, and what has another name, is deleted. A FAB
 * directory that was named stays as it is: it may be shared. */
int files_sweep(const Files *f, bool (*keep)(const FileKey *key, void *userdata), void *userdata);
uint64_t files_free_space(const Files *f); /* bytes; 0 when unknown */
