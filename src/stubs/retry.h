/* When to try a failed call again: Flower's own schedule, as arithmetic. */
#pragma once

#include "base/time-util.h"

typedef struct RetryPolicy {
        int64_t max_retries; /* -1: no limit; 0: one attempt */
        usec_t max_wait;     /* from the first attempt on; USEC_INFINITY: no limit */
} RetryPolicy;

/* Base delay before the n-th repetition, from 1: 1, 2, 4, 8, 16, 20, 20, ... s. */
usec_t retry_base_delay(unsigned n);
/* Before the n-th repetition, elapsed after the first attempt began: how long to wait. jitter in [0, 1)
 * multiplies the base delay; the last delay ends with max_wait. false: give up. */
bool retry_next(const RetryPolicy *p, unsigned n, usec_t elapsed, double jitter, usec_t *ret_delay);
