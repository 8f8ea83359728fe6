/* What a public message is: the model's message, with a content that several may share. */
#pragma once

#include <flwr/message.h>

#include "libflwr/record-internal.h"
#include "model/message.h"

typedef struct SharedContent {
        unsigned n_ref;
        RecordDict *dict;
} SharedContent;

struct flwr_message {
        Message m; /* its content is never set: see shared */
        SharedContent *shared;
};

/* Takes m and its content, also on failure. */
int message_wrap(Message *m, flwr_message **ret);
/* Makes the message an error: its content is gone. Takes reason, cuts it to what a message may hold; NULL:
 * none. */
void message_set_error(flwr_message *m, int64_t code, char *reason);

static inline void message_freep(flwr_message **m)
{
        flwr_message_free(*m);
}
#define _cleanup_flwr_message_ _cleanup_(message_freep)
