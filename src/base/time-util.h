/* Wall clock as Flower counts it: seconds since 1970 in a double on the wire, microseconds in the code. */
#pragma once

#include "base/macro.h"

typedef uint64_t usec_t;
#define USEC_PER_SEC ((usec_t) 1000000)
#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_INFINITY ((usec_t) -1)

usec_t now_realtime(void);
usec_t now_monotonic(void);
static inline double usec_to_seconds(usec_t t)
{
        return (double) t / 1e6;
}
usec_t seconds_to_usec(double s); /* clamps: negative and NaN 0, too large USEC_INFINITY */

/* Python's isoformat() of an aware UTC time: "2026-03-30T05:13:14.123456+00:00", no fraction when it is
 * zero. */
#define ISO_TIME_MAX 40
char *iso_time_format(usec_t t, char buf[static ISO_TIME_MAX]); /* 0 gives "" */
/* Fraction of 0 to 6 digits, offset "+HH:MM", "-HH:MM" or "Z" required. 0 or -EINVAL. */
int iso_time_parse(const char *s, usec_t *ret);
