/* Everything that a ServerApp writes to stdout and stderr, also from C libraries and children: to the
 * original stderr and, in batches, to the SuperLink's log of the run.
 *
 *      fd 1, 2 --pipe--> relay thread --+--> original stderr
 *                                       +--> buffer --letter--> I/O thread: PushLogs
 *
 * The relay does nothing but this: the I/O thread, which may want to print itself, must not be the one that
 * empties the pipe. An app that prints faster than the SuperLink takes it is slowed down; while the
 * SuperLink is away, the oldest lines go beyond a limit, and the log says how many bytes. */
#pragma once

#include "libflwr/app-io.h"

typedef struct LogCapture LogCapture;

/* From the app's thread, as log_capture_free(), which gives stdout and stderr back and returns when all is
 * sent. */
int log_capture_new(AppIo *io, uint64_t run_id, LogCapture **ret);
LogCapture *log_capture_free(LogCapture *l);
DEFINE_CLEANUP(LogCapture *, log_capture_free);
