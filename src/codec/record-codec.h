/* Records as protobuf: the bodies of record objects, and whole dictionaries inline (Context.state).
 *
 * Written by hand, both ways: protobuf-c copies every array and would need as much memory again for its own
 * structs. Encoding is deterministic: fields in ascending order, the bytes that genuine peers hash. Decoding
 * checks everything before it allocates; repeated keys are refused. */
#pragma once

#include "base/buf.h"
#include "model/record.h"

int record_dict_encode(const RecordDict *d, Buf *ret);
size_t record_dict_size(const RecordDict *d); /* of what record_dict_encode() appends */
/* -EBADMSG, -ENOMEM. */
int record_dict_decode(const void *data, size_t size, RecordDict **ret);
/* The same, but large bytes are slices of parent, in which data lies. *reterr_text (with -EBADMSG) is owned
 * by the caller. */
int record_dict_decode_slices(
        Blob *parent, const uint8_t *data, size_t size, RecordDict **ret, char **reterr_text);

/* The items of one record. Decoding appends to a record without items; parent as above, or NULL for copies.
 */
int record_items_encode(const Record *r, Buf *ret);
int record_items_decode(Blob *parent, const uint8_t *data, size_t size, Record *r, char **reterr_text);
