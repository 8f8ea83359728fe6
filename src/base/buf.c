#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* Saves the first few reallocations of a text. */
#define BUF_FIRST ((size_t) 64)

int buf_reserve(Buf *b, size_t more)
{
        size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
        size_t want;
        void *p;

        if (b->size > max || more > max - b->size)
                return -ENOBUFS;
        if (more <= b->allocated - b->size)
                return 0;
        want = MAX(b->size + more, MIN(MAX(2 * b->allocated, BUF_FIRST), max));
        p = realloc(b->data, want);
        if (!p)
                return -ENOMEM;
        b->data = p;
        b->allocated = want;
        return 0;
}

int buf_append(Buf *b, const void *data, size_t size)
{
        int r = buf_reserve(b, size);

        if (r < 0)
                return r;
        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        return 0;
}

int buf_append_str(Buf *b, const char *s)
{
        return buf_append(b, s, strlen(s));
}

int buf_printf(Buf *b, const char *fmt, ...)
{
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&s, fmt, ap);
        va_end(ap);
        if (r < 0) {
                s = NULL;
                return -ENOMEM;
        }
        return buf_append(b, s, (size_t) r);
}

void buf_consume(Buf *b, size_t n)
{
        assert(n <= b->size);
        if (n == 0)
                return;
        b->size -= n;
        memmove(b->data, b->data + n, b->size);
}

/* Gives the bytes in memory of exactly size + extra bytes; the buffer is empty afterwards. */
static uint8_t *buf_steal(Buf *b, size_t extra, size_t *ret_size)
{
        size_t size = b->size;
        uint8_t *p = realloc(b->data, MAX(size + extra, (size_t) 1));

        if (p)
                b->data = NULL;
        buf_done(b);
        *ret_size = size;
        return p;
}

char *buf_steal_str(Buf *b)
{
        size_t size;
        uint8_t *p = buf_steal(b, 1, &size);

        if (p)
                p[size] = 0;
        return (char *) p;
}

Blob *buf_steal_blob(Buf *b)
{
        size_t size;
        uint8_t *p = buf_steal(b, 0, &size);

        return p ? blob_take(p, size) : NULL;
}

void buf_done(Buf *b)
{
        free(b->data);
        *b = (Buf){.max = b->max};
}
