/* Large bytes inside a message, without copying them: protobuf-c would.
 *
 * Splitting takes chosen length-delimited fields of the top level out of a message as slices; what remains
 * is a message of the same type that protobuf-c may read. A chosen field may occur once. */
#pragma once

#include "base/blob.h"

#define ENVELOPE_FIELDS_MAX 2

typedef struct Envelope {
        uint8_t numbers[ENVELOPE_FIELDS_MAX]; /* which fields are cut; 0: none */
        Blob *cuts[ENVELOPE_FIELDS_MAX];      /* in the same order; NULL: the field is absent */
        Blob *rest;
} Envelope;

/* numbers are set by the caller, the rest is filled in. -EBADMSG with *reterr_text static; -ENOMEM. On
 * failure the envelope is to be emptied, too. */
int envelope_split(Envelope *e, Blob *wire, const char **reterr_text);
void envelope_done(Envelope *e);
#define _cleanup_envelope_ _cleanup_(envelope_done)
