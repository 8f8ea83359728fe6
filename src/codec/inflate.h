/* Messages to objects and back (superlink-wire 7.1): what a content becomes when it travels.
 *
 *   Message --- RecordDict --+-- MetricRecord
 *                            +-- ConfigRecord
 *                            +-- ArrayRecord --- Array --- ArrayChunk, ...
 *
 * Deterministic: equal contents give the bytes and ids that genuine peers give them. Array data is not
 * copied, except that an array that arrives in several chunks is joined once. */
#pragma once

#include "codec/id-map.h"
#include "codec/record-codec.h"
#include "model/message.h"

/* Genuine senders since 1.23; receivers take any size. */
#define CHUNK_SIZE_DEFAULT ((size_t) 5242880)

/* Limits of one inflated message. Objects that are used several times count each time, or else a few of them
 * could stand for more than any memory holds. */
#define INFLATE_OBJECTS_MAX                                                                                 \
        ((size_t) 4 * OBJECT_TREE_NODES_MAX)  /* the hub's largest tree, and room for repeats */
#define INFLATE_BYTES_MAX (UINT64_C(1) << 38) /* 256 GiB: beyond the memory of what trains with it */
/* The JSON body of one object: a hundred thousand arrays with names of 80 bytes. json-c needs up to 30 times
 * as much. */
#define INFLATE_JSON_MAX ((size_t) 16 * 1024 * 1024)
#define INFLATE_DIMS_MAX 64 /* as NumPy 2 */

/* One object ready to be pushed: head and body in a row. Chunks are slices of the array's Blob. */
typedef struct ObjectItem {
        ObjectId id;
        BlobVec bytes;
} ObjectItem;

/* Each object once, children before parents. */
typedef struct ObjectSet {
        ObjectItem *items;
        size_t n;
        IdMap map; /* private: number of an id = its index in items */
} ObjectSet;

/* metadata.message_id is ignored: ret_tree->id is the message's id. A message with an error has no content
 * object, one with has_content needs its content (-EINVAL). chunk_size 0: CHUNK_SIZE_DEFAULT. -ENOMEM;
 * -EINVAL also for names and texts that are no UTF-8. */
int deflate_message(const Message *m, size_t chunk_size, ObjectSet *ret, ObjectTree *ret_tree);
void object_set_done(ObjectSet *s);
#define _cleanup_object_set_ _cleanup_(object_set_done)
const ObjectItem *object_set_find(const ObjectSet *s, const ObjectId *id);

/* Gives the bytes of an object (a new reference), or a negative errno, which inflate_message() hands on. */
typedef int (*inflate_get_t)(const ObjectId *id, Blob **ret, void *userdata);

/* metadata.message_id becomes root, content is filled, unless it is an error. verify: ids are checked
 * against the bytes; leave it out only where that was done before. -EBADMSG: wrong structure, contents or
 * id; -EFBIG: beyond the limits; -ENOMEM. *reterr_text names the object (owned by the caller; NULL when out
 * of memory). */
int inflate_message(const ObjectId *root, inflate_get_t get, void *userdata, bool verify, Message *ret,
        char **reterr_text);
