/* The thread that writes: one SQLite transaction a batch, files before it, unlinks behind it. */
#pragma once

#include "state/batch.h"

typedef struct Writer Writer;

/* Takes db, also on failure; files must outlive it. Batches come back through a mailbox of event. */
int writer_new(sd_event *event, Db *db, const Files *files, Writer **ret);
/* Ends the thread once it has done what it was given; batches that are on their way back are told to
 * returned(). */
Writer *writer_free(Writer *w);
DEFINE_CLEANUP(Writer *, writer_free);
/* returned is called in the core thread, with outcome set and the readers' answers filled in. One batch at a
 * time keeps the order of changes. */
void writer_submit(Writer *w, Batch *b, void (*returned)(Letter *l));
/* Ends the thread as writer_free() does; afterwards the caller may writer_execute() itself. */
void writer_stop(Writer *w);
void writer_execute(Writer *w, Batch *b);
