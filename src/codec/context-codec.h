/* Contexts as bytes: what an executor pulls and pushes. The hub and the node pass these bytes through. */
#pragma once

#include "base/buf.h"
#include "model/context.h"

/* 0, -ENOMEM, -ENOBUFS (beyond what a message may have). Appends. */
int context_encode(const Context *c, Buf *ret);
/* Arrays of the state are slices of bytes. -EBADMSG, -ENOMEM. */
int context_decode(Blob *bytes, Context *ret);
