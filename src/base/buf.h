/* A growing byte buffer with a hard maximum. */
#pragma once

#include "base/blob.h"

typedef struct Buf {
        uint8_t *data;
        size_t size;
        size_t allocated;
        size_t max; /* 0: BUF_MAX_DEFAULT */
} Buf;

/* No single text or message that we build ourselves comes near it; it turns a runaway into -ENOBUFS. */
#define BUF_MAX_DEFAULT ((size_t) 2147483647)

int buf_reserve(Buf *b, size_t more); /* 0, -ENOMEM, -ENOBUFS beyond max */
int buf_append(Buf *b, const void *data, size_t size);
int buf_append_str(Buf *b, const char *s);
int buf_printf(Buf *b, const char *fmt, ...) _printf_(2, 3);
void buf_consume(Buf *b, size_t n); /* drops n bytes from the front */
/* Adds a NUL that does not count and gives the text; the buffer is empty afterwards. NULL when out of
 * memory. */
char *buf_steal_str(Buf *b);
Blob *buf_steal_blob(Buf *b);
void buf_done(Buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)
