/* The byte format of inflatable objects: "<Type> <children> <body length>" 0x00 body (superlink-wire 7.1).
 * Pure functions; records to objects and back is codec/inflate.h, since bodies are protobuf. */
#pragma once

#include "base/buf.h"
#include "model/hash.h"

typedef enum ObjectType {
        OBJECT_MESSAGE,
        OBJECT_RECORD_DICT,
        OBJECT_ARRAY_RECORD,
        OBJECT_METRIC_RECORD,
        OBJECT_CONFIG_RECORD,
        OBJECT_ARRAY,
        OBJECT_ARRAY_CHUNK,
        _OBJECT_TYPE_MAX,
        _OBJECT_TYPE_INVALID = -EINVAL,
} ObjectType;

const char *object_type_to_string(ObjectType t);

typedef struct ObjectHead {
        ObjectType type;
        ObjectId *children; /* owned */
        size_t n_children;
        size_t body_offset;
        size_t body_size;
} ObjectHead;

/* -EBADMSG with *reterr_text static: what is wrong with the structure. */
int object_head_parse(const void *data, size_t size, ObjectHead *ret, const char **reterr_text);
void object_head_done(ObjectHead *h);
#define _cleanup_object_head_ _cleanup_(object_head_done)
/* Head and divider for a body of that size. */
int object_head_write(
        ObjectType type, const ObjectId *children, size_t n_children, uint64_t body_size, Buf *ret);
