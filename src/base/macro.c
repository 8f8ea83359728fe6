#include "base/macro.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

int safe_close(int fd)
{
        if (fd >= 0) {
                int saved = errno;

                (void) close(fd);
                errno = saved;
        }
        return -EBADF;
}

const char *endswith(const char *s, const char *suffix)
{
        size_t n = strlen(s), m = strlen(suffix);

        if (m > n || !streq(s + n - m, suffix))
                return NULL;
        return s + n - m;
}

int free_and_strdup(char **p, const char *s)
{
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }
        free(*p);
        *p = copy;
        return 0;
}

char *xasprintf(const char *fmt, ...)
{
        va_list ap;
        char *s;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&s, fmt, ap);
        va_end(ap);
        return r < 0 ? NULL : s;
}

int grow_array(void **items, size_t n, size_t item_size)
{
        const size_t first = 8;
        size_t capacity;
        void *p;

        if (n != 0 && (n < first || (n & (n - 1)) != 0))
                return 0;
        if (__builtin_mul_overflow(MAX(n, first / 2), 2 * item_size, &capacity))
                return -ENOMEM;
        p = realloc(*items, capacity);
        if (!p)
                return -ENOMEM;
        *items = p;
        return 0;
}
