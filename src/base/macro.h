/* Small things that every file uses: ownership by attribute, array sizes, sane string helpers.
 *
 * Ownership: a local that owns something carries a cleanup attribute; handing it over is
 * TAKE_PTR()/TAKE_FD(). Destructors accept NULL, work on half-built objects and return NULL. Allocation
 * failure is -ENOMEM, never abort. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _sentinel_ __attribute__((sentinel))
#define _noreturn_ __attribute__((noreturn))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CLAMP(x, low, high) (MIN(MAX((x), (low)), (high)))
#define CONTAINER_OF(ptr, type, member) ((type *) ((char *) (ptr) -offsetof(type, member)))

#define TAKE_PTR(p)                                                                                         \
        ({                                                                                                  \
                __typeof__(p) *_pp = &(p), _taken = *_pp;                                                   \
                *_pp = NULL;                                                                                \
                _taken;                                                                                     \
        })
#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_fp = &(fd), _taken = *_fp;                                                            \
                *_fp = -EBADF;                                                                              \
                _taken;                                                                                     \
        })

/* Defines name##p(), the cleanup function for locals of type "type" (a pointer type). */
#define DEFINE_CLEANUP(type, name)                                                                          \
        static inline _unused_ void name##p(type *p)                                                        \
        {                                                                                                   \
                if (*p)                                                                                     \
                        name(*p);                                                                           \
        }

static inline void freep(void *p)
{
        free(*(void **) p);
}
#define _cleanup_free_ _cleanup_(freep)

/* Closes and keeps errno. Returns -EBADF, so that "fd = safe_close(fd)" reads well. */
int safe_close(int fd);
static inline void closep(int *fd)
{
        safe_close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

#define new0(t, n) ((t *) calloc((n) ? (n) : 1, sizeof(t)))
static inline void *mfree(void *p)
{
        free(p);
        return NULL;
}

static inline bool streq(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}
static inline bool streq_ptr(const char *a, const char *b)
{
        return a && b ? streq(a, b) : a == b;
}
static inline bool isempty(const char *s)
{
        return !s || !*s;
}
static inline const char *strempty(const char *s)
{
        return s ? s : "";
}
/* The rest of s behind prefix, or NULL. */
static inline const char *startswith(const char *s, const char *prefix)
{
        size_t n = strlen(prefix);
        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}
const char *endswith(const char *s, const char *suffix);

/* *p := strdup(s) (NULL stays NULL), the old value is freed. 0 or -ENOMEM; on failure *p is unchanged. */
int free_and_strdup(char **p, const char *s);
/* Formatted string, NULL when out of memory. */
char *xasprintf(const char *fmt, ...) _printf_(1, 2);
/* Makes room for one more item in a growing array of n items; 0 or -ENOMEM. Capacity doubles: no field for
 * it is needed because it is derived from n (powers of two). */
int grow_array(void **items, size_t n, size_t item_size);
#define GROW_ARRAY(items, n) grow_array((void **) &(items), (n), sizeof((items)[0]))
