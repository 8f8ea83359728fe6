#include "stubs/retry.h"

#define DELAY_MAX (20 * USEC_PER_SEC)

usec_t retry_base_delay(unsigned n)
{
        return n > 5 ? DELAY_MAX : USEC_PER_SEC << (MAX(n, 1u) - 1);
}

bool retry_next(const RetryPolicy *p, unsigned n, usec_t elapsed, double jitter, usec_t *ret_delay)
{
        if (p->max_retries >= 0 && (int64_t) n > p->max_retries)
                return false;
        if (p->max_wait != USEC_INFINITY && elapsed >= p->max_wait)
                return false;

        usec_t delay = (usec_t) ((double) retry_base_delay(n) * jitter);
        if (p->max_wait != USEC_INFINITY)
                delay = MIN(delay, p->max_wait - elapsed);
        *ret_delay = delay;
        return true;
}
