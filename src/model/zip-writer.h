/* Writes a ZIP archive of stored members in memory, in the one layout that Flower's own builder gives.
 *
 * A FAB is named by the hash of its bytes, so the same inputs must give the same bytes everywhere.
 * libarchive's writer cannot promise that: it converts times to the local time zone and adds extra fields of
 * its own to each member. Here every member has the same date and mode and no extra field. ZIP64 is left
 * out: a FAB is limited to a few megabytes. */
#pragma once

#include "base/buf.h"

typedef struct ZipWriter {
        Buf archive;
        Buf directory;
        unsigned n_members;
        uint32_t crc_table[256];
} ZipWriter;

/* The archive may become max bytes long; beyond it every function gives -EFBIG. */
void zip_writer_init(ZipWriter *w, size_t max);
void zip_writer_done(ZipWriter *w);
#define _cleanup_zip_writer_ _cleanup_(zip_writer_done)

/* name: UTF-8, relative, not checked here. 0, -ENOMEM, -EFBIG. */
int zip_writer_add(ZipWriter *w, const char *name, const void *data, size_t size);
/* Appends the central directory; the writer is empty afterwards. */
int zip_writer_finish(ZipWriter *w, Blob **ret);
