/* uthash as we use it: running out of memory leaves the item out of the table, with hh.tbl NULL, instead of
 * ending the process. */
#pragma once

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(item)                                                                           \
        do {                                                                                                \
        } while (0)
#include <uthash.h>
#include <utlist.h>
