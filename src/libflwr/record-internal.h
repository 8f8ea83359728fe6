/* The public record types are the model's under another name. Casts are here and nowhere else. */
#pragma once

#include <flwr/record.h>

#include "model/npy.h"
#include "model/record.h"

static inline RecordDict *dict_of(const flwr_record_dict *d)
{
        return (RecordDict *) d;
}
static inline flwr_record_dict *dict_public(const RecordDict *d)
{
        return (flwr_record_dict *) d;
}
static inline Record *record_of(const flwr_record *r)
{
        return (Record *) r;
}
static inline flwr_record *record_public(const Record *r)
{
        return (flwr_record *) r;
}

/* An array with its complete .npy file, data uninitialised: filled through *ret_data (little endian) before
 * anybody else sees it. -EINVAL: no such type, too many dimensions, or larger than the wire can say. */
int array_alloc(NpyType type, const uint64_t *shape, size_t n_dims, Array *ret, void **ret_data);
