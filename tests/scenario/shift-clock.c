/* Preloaded: the wall clock of a program stands FLWR_TEST_SHIFT seconds away from the machine's. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
        const char *s = getenv("FLWR_TEST_SHIFT");

        return s ? atol(s) : 0;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *t)
{
        int r = (int) syscall(SYS_clock_gettime, clock, t);

        if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                t->tv_sec += shift();
        return r;
}

__attribute__((visibility("default"))) time_t time(time_t *ret)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        if (ret)
                *ret = t.tv_sec;
        return t.tv_sec;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *tv, void *zone)
{
        struct timespec t;

        (void) zone;
        (void) clock_gettime(CLOCK_REALTIME, &t);
        tv->tv_sec = t.tv_sec;
        tv->tv_usec = t.tv_nsec / 1000;
        return 0;
}
