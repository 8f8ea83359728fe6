/* Walks the members of a FAB in archive order and checks each before it is shown: the only place that parses
 * archives.
 *
 * Guarantees: every path shown is relative, of plain components (no "..", ".", empty or control characters),
 * at most FAB_PATH_MAX bytes and FAB_DEPTH_MAX components; every member is a regular file, stored or
 * deflated, not encrypted; at most FAB_MEMBERS_MAX members are shown and FAB_UNPACKED_SIZE_MAX bytes given.
 * Duplicates are the caller's to find. Each failure is -EBADMSG with *reterr_text, or -ENOMEM. */
#pragma once

#include "base/blob.h"
#include "model/fab.h"

#define FAB_PATH_MAX 1024 /* leaves room for the directory it is installed in, below PATH_MAX */
#define FAB_DEPTH_MAX 32

typedef struct FabReader FabReader;

int fab_reader_open(const Blob *fab, FabReader **ret, char **reterr_text); /* borrows fab */
FabReader *fab_reader_free(FabReader *r);
DEFINE_CLEANUP(FabReader *, fab_reader_free);

/* 1: *ret_path (borrowed until the next call) is the next member; 0: there is none. */
int fab_reader_next(FabReader *r, const char **ret_path, char **reterr_text);
/* The next bytes of the current member; *ret_n is 0 at its end. */
int fab_reader_read(FabReader *r, void *buf, size_t size, size_t *ret_n, char **reterr_text);
/* All of the current member. */
int fab_reader_read_all(FabReader *r, size_t max, Blob **ret, char **reterr_text);

bool fab_path_is_safe(const char *path);

/* Sets the text and gives error, or -ENOMEM. */
#define fab_error(error, reterr_text, ...)                                                                  \
        ({                                                                                                  \
                *(reterr_text) = xasprintf(__VA_ARGS__);                                                    \
                *(reterr_text) ? (error) : -ENOMEM;                                                         \
        })
