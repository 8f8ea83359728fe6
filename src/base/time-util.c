#include "base/time-util.h"

#include <stdio.h>
#include <time.h>

static usec_t clock_usec(clockid_t id)
{
        struct timespec ts;

        (void) clock_gettime(id, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

usec_t now_realtime(void)
{
        return clock_usec(CLOCK_REALTIME);
}

usec_t now_monotonic(void)
{
        return clock_usec(CLOCK_MONOTONIC);
}

usec_t seconds_to_usec(double s)
{
        if (!(s > 0))
                return 0;
        if (s >= 0x1p64 / 1e6)
                return USEC_INFINITY;
        s = s * 1e6 + 0.5;
        return s >= 0x1p64 ? USEC_INFINITY : (usec_t) s;
}

char *iso_time_format(usec_t t, char buf[static ISO_TIME_MAX])
{
        time_t seconds = (time_t) (t / USEC_PER_SEC);
        unsigned fraction = (unsigned) (t % USEC_PER_SEC);
        struct tm tm = {};
        size_t n;

        buf[0] = 0;
        if (t == 0 || !gmtime_r(&seconds, &tm))
                return buf;
        n = strftime(buf, ISO_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        if (fraction > 0)
                (void) snprintf(buf + n, ISO_TIME_MAX - n, ".%06u+00:00", fraction);
        else
                (void) snprintf(buf + n, ISO_TIME_MAX - n, "+00:00");
        return buf;
}

/* Reads exactly n digits and the byte behind them (0: none wanted). */
static bool take_digits(const char **s, unsigned n, char then, int *ret)
{
        int v = 0;

        for (; n > 0; n--, (*s)++) {
                if (**s < '0' || **s > '9')
                        return false;
                v = v * 10 + (**s - '0');
        }
        if (then) {
                if (**s != then)
                        return false;
                (*s)++;
        }
        *ret = v;
        return true;
}

static bool take_fraction(const char **s, usec_t *ret)
{
        usec_t unit = USEC_PER_SEC / 10, v = 0;

        if (**s != '.') {
                *ret = 0;
                return true;
        }
        (*s)++;
        if (**s < '0' || **s > '9')
                return false;
        for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10) {
                if (unit == 0)
                        return false;
                v += unit * (usec_t) (**s - '0');
        }
        *ret = v;
        return true;
}

static bool take_offset(const char *s, int *ret_minutes)
{
        int sign, hours, minutes;

        if (streq(s, "Z")) {
                *ret_minutes = 0;
                return true;
        }
        if (*s != '+' && *s != '-')
                return false;
        sign = *s++ == '-' ? -1 : 1;
        if (!take_digits(&s, 2, ':', &hours) || !take_digits(&s, 2, 0, &minutes) || *s)
                return false;
        if (hours > 23 || minutes > 59)
                return false;
        *ret_minutes = sign * (hours * 60 + minutes);
        return true;
}

int iso_time_parse(const char *s, usec_t *ret)
{
        int year, month, day, hour, minute, second, offset;
        struct tm tm, normal;
        usec_t fraction;
        time_t t;

        if (!take_digits(&s, 4, '-', &year) || !take_digits(&s, 2, '-', &month) ||
                !take_digits(&s, 2, 'T', &day) || !take_digits(&s, 2, ':', &hour) ||
                !take_digits(&s, 2, ':', &minute) || !take_digits(&s, 2, 0, &second) ||
                !take_fraction(&s, &fraction) || !take_offset(s, &offset))
                return -EINVAL;
        if (month < 1 || day < 1 || hour > 23 || minute > 59 || second > 59)
                return -EINVAL;
        tm = (struct tm){
                .tm_year = year - 1900,
                .tm_mon = month - 1,
                .tm_mday = day,
                .tm_hour = hour,
                .tm_min = minute,
                .tm_sec = second,
        };
        normal = tm;
        t = timegm(&normal);
        /* timegm() turns 30 February into 2 March. */
        if (normal.tm_mon != tm.tm_mon || normal.tm_mday != tm.tm_mday)
                return -EINVAL;
        t -= (time_t) offset * 60;
        if (t < 0)
                return -EINVAL;
        *ret = (usec_t) t * USEC_PER_SEC + fraction;
        return 0;
}
