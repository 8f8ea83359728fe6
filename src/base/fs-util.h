/* Files: whole reads with a limit, replacement that survives a power cut, directories. */
#pragma once

#include "base/blob.h"

/* -EFBIG beyond max bytes. */
int read_file(const char *path, size_t max, Blob **ret);
/* The same with a final NUL appended; embedded NUL is -EBADMSG. */
int read_text_file(const char *path, size_t max, char **ret);
/* Temporary name beside it, fsync, rename, fsync of the directory (sync = false skips the fsyncs). */
int write_file_atomic(const char *path, const void *data, size_t size, mode_t mode, bool sync);
int write_all(int fd, const void *data, size_t size);
int mkdir_parents(const char *path, mode_t mode); /* also the last component; existing is fine */
int rm_rf(const char *path);                      /* never follows links; missing is fine */
/* "a/b" joined and allocated; an absolute b wins. */
char *path_join(const char *a, const char *b);
/* "~/x" -> "$HOME/x"; anything else a copy. */
char *path_expand_home(const char *path);
/* Flower's home: $FLWR_HOME, else ~/.flwr. */
int flwr_home(char **ret);
