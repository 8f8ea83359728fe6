/* Entries in the order of their sequence numbers; going through it survives removals, since the position is
 * a sequence number. */
#pragma once

#include "base/macro.h"

typedef struct SeqItem {
        uint64_t seq;
        void *entry;
} SeqItem;

typedef struct SeqList {
        SeqItem *items;
        size_t n;
} SeqList;

int seq_list_append(SeqList *l, uint64_t seq, void *entry); /* seq is larger than all before; 0 or -ENOMEM */
void seq_list_remove(SeqList *l, uint64_t seq);
void *seq_list_next(const SeqList *l, size_t *pos); /* start with *pos = 0; NULL at the end */
void seq_list_done(SeqList *l);
