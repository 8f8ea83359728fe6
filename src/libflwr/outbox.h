/* Messages on their way out: deflated, with the trees and bytes that PushMessages and PushObject need.
 *
 * A content that several messages share is deflated and hashed once; each of them costs its own small
 * Message object only. */
#pragma once

#include "codec/inflate.h"
#include "codec/rpc.h"
#include "libflwr/message-internal.h"

typedef struct OutboxContent OutboxContent;
typedef struct Outbox {
        Message *messages; /* as the request wants them: with ids, without contents; run and node ids set by
                              the caller before outbox_add() */
        ObjectTree *trees;
        size_t n;
        size_t n_ids; /* in the trees: how large the request will be */
        /* private */
        OutboxContent **contents;
        size_t n_contents;
        IdMap map; /* of objects */
        BlobVec *objects;
} Outbox;

/* Sets m's message_id as well. -EINVAL with *reterr_text (owned by the caller): what is wrong with the
 * message. */
int outbox_add(Outbox *o, flwr_message *m, bool is_reply, char **reterr_text);
/* The messages were sent: room for others. Contents stay. */
void outbox_clear_messages(Outbox *o);
void outbox_done(Outbox *o);
#define _cleanup_outbox_ _cleanup_(outbox_done)
/* For TransferConfig.get, with an Outbox as userdata. */
int outbox_get(const ObjectId *id, BlobVec *ret, void *outbox);
