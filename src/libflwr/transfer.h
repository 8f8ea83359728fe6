/* Many objects of one message, pulled or pushed with a few calls at a time. Lives in the I/O thread, except
 * where marked.
 *
 * Objects are fetched in the order of their ids, each once: parents before children or not makes no
 * difference to the one who has to have all of them. What a peer has announced but not got yet is asked for
 * again, in growing steps. */
#pragma once

#include "codec/inflate.h"
#include "libflwr/app-io.h"

/* Enough to hide the way there and back at any bandwidth with chunks of 5 MiB, and no more than 20 (or 80)
 * MiB under way. */
#define TRANSFER_PARALLEL 4

typedef struct Transfer Transfer;
/* result 0 or as of app_io_check(); -ENOENT: the peer does not have, or does not want, an object. text: NULL
 * or what happened, borrowed. The owner frees the transfer, also in here. */
typedef void (*transfer_done_t)(Transfer *t, int result, const char *text, void *userdata);

typedef struct TransferConfig {
        AppIo *io;
        RpcMethodId method; /* one of the PullObject or PushObject methods */
        uint64_t node_id;
        uint64_t run_id;
        /* Push: the bytes of an object, in at most OBJECT_PARTS_MAX pieces. -ENOENT: not ours. */
        int (*get)(const ObjectId *id, BlobVec *ret, void *userdata);
        void *get_userdata;
        transfer_done_t done; /* not for transfer_perform() */
        void *done_userdata;
} TransferConfig;

/* Any thread. Takes nothing; ids may repeat. */
int transfer_new(const TransferConfig *config, const ObjectId *ids, size_t n, Transfer **ret);
int transfer_new_tree(const TransferConfig *config, const ObjectTree *tree, Transfer **ret);
/* Starts; done() never runs before this returns. */
int transfer_start(Transfer *t);
/* Before the end: in the I/O thread; after it in any. */
Transfer *transfer_free(Transfer *t);
DEFINE_CLEANUP(Transfer *, transfer_free);
/* After a pull: inflate_get_t with a Transfer as userdata. Any thread. */
int transfer_get(const ObjectId *id, Blob **ret, void *transfer);

/* App thread: starts and waits. *reterr_text (owned by the caller) only where there is something to say. */
int transfer_perform(Transfer *t, char **reterr_text);
