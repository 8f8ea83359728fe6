/* Looks through the bytes of a message before protobuf-c does: whatever protobuf-c leaves unchecked is
 * checked here.
 *
 * Guaranteed afterwards: nesting at most RPC_DEPTH_MAX and object trees at most OBJECT_TREE_DEPTH_MAX deep;
 * every repeated field and every object tree within its limits, the nodes of a tree no smaller than an id;
 * no singular field twice; strings are UTF-8 without NUL; no groups. Unknown fields are skipped, as protobuf
 * wants it. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/macro.h"

/* 0, -EBADMSG with *reterr_text (owned by the caller, NULL when out of memory): field, what is allowed. */
int proto_scan(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, char **reterr_text);

/* One field of a message, not interpreted. */
typedef struct ProtoField {
        uint32_t number;
        unsigned wire_type; /* 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes */
        uint64_t varint;
        const uint8_t *data; /* contents of a length-delimited one */
        size_t size;
        const uint8_t *start, *end; /* the field with its tag */
} ProtoField;

/* Takes the field at *p from the bytes before end and moves *p behind it. -EBADMSG: truncated, a group, or
 * not protobuf. */
int proto_field_next(const uint8_t **p, const uint8_t *end, ProtoField *ret);

/* Tag and value of a varint, for hand-written envelopes; 10 bytes each at most. */
#define PROTO_VARINT_MAX 10
size_t proto_varint_write(uint64_t v, uint8_t ret[static PROTO_VARINT_MAX]);
