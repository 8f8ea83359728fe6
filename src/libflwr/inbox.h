/* Replies on their way in: what is outstanding, what was announced, and the one reply whose objects are
 * fetched ahead.
 *
 *      outstanding --(PullMessages announces)--> queue --> ahead: fetching --> ready --(a task takes it)-->
 * gone
 *
 * An announcement is some hundred bytes and a tree of ids; the objects of one reply only are here, however
 * many nodes answer at once. Our hub holds PullMessages until there is something to say; a genuine one
 * answers at once, and is asked again in growing steps.
 *
 * Lives in the I/O thread: use app_io_run() for all but InboxTask. */
#pragma once

#include "libflwr/app-io.h"
#include "libflwr/message-internal.h"
#include "libflwr/transfer.h"

typedef struct Inbox Inbox;

int inbox_new(AppIo *io, uint64_t run_id, Inbox **ret);
Inbox *inbox_free(Inbox *b);
DEFINE_CLEANUP(Inbox *, inbox_free);
/* -EEXIST: is outstanding already. */
int inbox_expect(Inbox *b, const ObjectId *message_id, uint64_t node_id);
void inbox_forget(Inbox *b);

/* Waits for the next reply. For app_io_perform(); results: 0, -ETIMEDOUT, -ENODATA (nothing outstanding),
 * -EREMOTEIO and the like with text. */
typedef struct InboxTask {
        Task task; /* set by inbox_task_init() */
        Inbox *inbox;
        usec_t timeout; /* USEC_INFINITY: none */
        sd_event_source *timer;
        /* The reply as announced, with the node that was asked, and its objects. objects is NULL when they
         * could not be fetched: text says why. All owned by the caller. */
        Message announced;
        Transfer *objects;
        char *text;
} InboxTask;
void inbox_task_init(InboxTask *t, Inbox *b, usec_t timeout);
void inbox_task_done(InboxTask *t);
