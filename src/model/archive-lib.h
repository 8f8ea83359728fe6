/* libarchive, loaded when the first FAB is read.
 *
 * It brings ICU, libxml2, the C++ runtime and a few compressors along: two megabytes resident in every idle
 * daemon, for something that happens once a run. The package names it as a dependency, since the linker no
 * longer does. */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/macro.h"

typedef struct ArchiveLib {
        __typeof__(archive_read_new) *read_new;
        __typeof__(archive_read_free) *read_free;
        __typeof__(archive_read_support_format_zip_seekable) *read_support_format_zip_seekable;
        __typeof__(archive_read_open_memory) *read_open_memory;
        __typeof__(archive_read_next_header) *read_next_header;
        __typeof__(archive_read_data) *read_data;
        __typeof__(archive_errno) *get_errno;
        __typeof__(archive_error_string) *error_string;
        __typeof__(archive_format_name) *format_name;
        __typeof__(archive_entry_pathname) *entry_pathname;
        __typeof__(archive_entry_filetype) *entry_filetype;
        __typeof__(archive_entry_hardlink) *entry_hardlink;
        __typeof__(archive_entry_is_encrypted) *entry_is_encrypted;
} ArchiveLib;

/* The same table for all threads, for the life of the process. -ENOPKG with *reterr_text when the library is
 * not installed or is not the one that this program was built for. */
int archive_lib(const ArchiveLib **ret, char **reterr_text);
