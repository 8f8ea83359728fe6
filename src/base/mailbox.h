/* Threads talk through mailboxes: any thread posts, the owner's sd-event loop runs what was posted, in
 * order.
 *
 * A letter is part of the object it speaks of (intrusive), so posting never allocates and never blocks; the
 * bound on letters is the bound on those objects. A letter may be posted again once its function has been
 * called. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Letter Letter;
struct Letter {
        void (*run)(Letter *l); /* called in the owner's thread; may free the letter's object */
        Letter *next;           /* private */
};

typedef struct Mailbox Mailbox;

/* priority: of the event source, as sd_event_source_set_priority(). */
int mailbox_new(sd_event *event, int64_t priority, Mailbox **ret);
Mailbox *mailbox_free(Mailbox *m); /* runs nothing; letters still inside are dropped */
DEFINE_CLEANUP(Mailbox *, mailbox_free);
void mailbox_post(Mailbox *m, Letter *l);
/* Runs what is inside now, without the loop: for the end of a program. */
void mailbox_drain(Mailbox *m);
