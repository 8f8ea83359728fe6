/* The logs of a run on stdout, followed until the run ends.
 *
 * A stream has a deadline of one minute and goes on from the last time stamp: that is Flower's way to notice
 * dead connections. Lost connections are made again for LOG_STREAM_PATIENCE, since a run outlives a restart
 * of its SuperLink; the first connection must succeed at once. SIGINT ends the stream, not the run. */
#pragma once

#include "cli/remote.h"

#define LOG_STREAM_DEADLINE (60 * USEC_PER_SEC)
#define LOG_STREAM_PAUSE (500 * USEC_PER_MSEC)
#define LOG_STREAM_PATIENCE (60 * USEC_PER_SEC)
#define LOG_SHOW_DEADLINE (5 * USEC_PER_SEC)

/* 0: interrupted, or the run has completed; 1: it ended otherwise, which stderr says; else the status of a
 * reported error. */
int log_stream(Remote *r, uint64_t run_id);
/* What there is now, without waiting for more. */
int log_show(Remote *r, uint64_t run_id);
