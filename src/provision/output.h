/* The directory that a command fills: locked against others of us, existing files kept unless replacing was
 * asked for. */
#pragma once

#include "base/macro.h"
#include "provision/x509-make.h"

typedef struct Output {
        char *dir;
        int lock_fd;
        bool force;
} Output;

/* Makes the directory (0755), waits for its lock. Everything here logs its errors itself and returns -errno.
 */
int output_open(const char *dir, bool force, Output *ret);
void output_close(Output *o);
#define _cleanup_output_ _cleanup_(output_close)

/* NULL when out of memory. */
char *output_path(const Output *o, const char *name);
bool output_exists(const char *path);
/* Atomically; logs the path. The caller has decided that an existing file may go. */
int output_write(const char *path, const char *text, mode_t mode);

typedef struct OutputPair {
        char *key_path, *certificate_path;
} OutputPair;

/* Are the two files to be written? 1: yes (none is there, or force); 0: no, both are there; else an error:
 * half a pair. */
int output_pair_wanted(const Output *o, const char *key_name, const char *certificate_name, OutputPair *ret);
/* Leaves none behind when it cannot write both and is not replacing. */
int output_pair_write(const Output *o, const OutputPair *p, const X509Pair *text);
/* Reads both; checks that they belong together. */
int output_pair_read(const OutputPair *p, X509Pair *ret);
void output_pair_done(OutputPair *p);
#define _cleanup_output_pair_ _cleanup_(output_pair_done)
