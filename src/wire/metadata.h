/* One block of HTTP/2 header fields as received: bounded, "-bin" values decoded. */
#pragma once

#include "base/macro.h"

/* Fields of one block. Flower sends about ten; its largest release about fifteen. */
#define METADATA_FIELDS_MAX 64
/* Names and values of one block together: what we announce as SETTINGS_MAX_HEADER_LIST_SIZE, the same as
 * C-core does. */
#define METADATA_BYTES_MAX (16u * 1024)

typedef struct HeaderField {
        char *name;  /* malloc'ed: name, NUL, value, NUL */
        char *value; /* inside name's memory */
        size_t size;
} HeaderField;

typedef struct HeaderFields {
        HeaderField *fields;
        size_t n_fields;
        size_t n_bytes;
} HeaderFields;

/* -E2BIG beyond the limits, -ENOMEM. A "-bin" value that is not base64 is left out: 0. */
int header_fields_add(
        HeaderFields *m, const char *name, size_t name_size, const char *value, size_t value_size);
/* The last field of that name, with a final NUL that does not count; NULL when absent. ret_size may be NULL.
 */
const char *header_fields_get(const HeaderFields *m, const char *name, size_t *ret_size);
void header_fields_done(HeaderFields *m);
