/* Ownership by attribute, as everywhere in this example: a local that owns something carries _cleanup_free_
 * or _cleanup_(f); handing it over is TAKE_PTR(). Functions return 0 or more on success, a negative errno
 * otherwise. */
#ifndef AUTHEXAMPLE_UTIL_H
#define AUTHEXAMPLE_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define TAKE_PTR(p)                                                                                         \
        ({                                                                                                  \
                __typeof__(p) *_pp = &(p), _taken = *_pp;                                                   \
                *_pp = NULL;                                                                                \
                _taken;                                                                                     \
        })

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

static inline void fclosep(FILE **f)
{
        if (*f)
                fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(fclosep)

#endif
