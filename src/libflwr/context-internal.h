/* The public context is the model's under another name. */
#pragma once

#include <flwr/message.h>

#include "libflwr/record-internal.h"
#include "model/context.h"

static inline Context *context_of(const flwr_context *c)
{
        return (Context *) c;
}
static inline flwr_context *context_public(Context *c)
{
        return (flwr_context *) c;
}
