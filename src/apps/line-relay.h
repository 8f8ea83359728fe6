/* Passes on what an app prints, line by line: to the journal with the run's id and a priority guessed from
 * how Flower and Python begin a line ("WARNING :", "ERROR:"), or, without a journal, to stderr.
 *
 * Bytes that are no text become U+FFFD and colours go: readers of the journal would be shown a blob. */
#pragma once

#include "base/buf.h"

/* Longer lines are cut in pieces; journald itself cuts the lines that it reads from a service here. */
#define LINE_SIZE_MAX ((size_t) 48 * 1024)

typedef struct LineRelay {
        int fd;          /* non-blocking; the owner closes it */
        const char *run; /* borrowed */
        Buf rest;        /* of a line whose end has not come */
} LineRelay;

/* 1: there may be more; 0: nothing now; -EPIPE: nobody can write any more; another error. */
int line_relay_some(LineRelay *l);
/* What the pipe still holds, and the line that nobody has ended. */
void line_relay_finish(LineRelay *l);
void line_relay_done(LineRelay *l);
