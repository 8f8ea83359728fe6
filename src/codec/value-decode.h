/* Parts of the decoding of records (record-codec.h): texts, bytes, values, lists.
 *
 * What proto_scan() has seen already is relied on: strings are texts, messages are messages, nothing
 * singular occurs twice. */
#pragma once

#include "codec/proto-scan.h"
#include "model/record.h"

typedef struct ValueDecoder {
        Blob *parent; /* large bytes are slices of it; NULL: copies */
        char **reterr_text;
} ValueDecoder;

/* Gives -EBADMSG (or -ENOMEM), for "return value_refuse(...)". */
int value_refuse(ValueDecoder *d, const char *text);
int value_take_string(const ProtoField *f, char **ret);
int value_take_blob(ValueDecoder *d, const ProtoField *f, Blob **ret);
/* The message in a MetricRecordItem's or ConfigRecordItem's value field. */
int value_decode(ValueDecoder *d, RecordType type, const ProtoField *message, Value *ret);

/* Walks a repeated field of numbers, packed or not. */
typedef struct NumberReader {
        const uint8_t *p, *end;             /* fields that are left */
        const uint8_t *packed, *packed_end; /* items that are left of the current field */
        uint32_t number;                    /* of the field */
        unsigned wire_type;                 /* of an item */
} NumberReader;

void number_reader_init(NumberReader *n, const ProtoField *message, uint32_t number, unsigned wire_type);
/* 1: an item in the variable of its wire type, 0: the end, -EBADMSG. */
int number_reader_next(NumberReader *n, uint64_t *ret_varint, double *ret_double);
