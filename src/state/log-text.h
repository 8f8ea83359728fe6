/* Log entries of one reading, joined up to STORE_LOG_READ_MAX. */
#pragma once

#include "base/buf.h"
#include "state/batch.h"

typedef struct LogText {
        Buf buf;
        usec_t latest;
        bool more;
} LogText;

/* 1: added; 0: does not fit any more. */
int log_text_add(LogText *t, usec_t at, const char *text, size_t size);
/* Hands text, latest and more to the reader. */
int log_text_finish(LogText *t, Waiting *w);
void log_text_done(LogText *t);
