/* Every kind of message: what decodes, encodes; and what we encode, decodes to the same again. The first
 * byte chooses the kind. */
#include "codec/rpc.h"
#include "fuzz.h"

static Blob *encode(RpcKind kind, const void *message)
{
        _cleanup_blobvec_ BlobVec v = {0};

        fuzz_check(rpc_encode(kind, message, &v) == 0);
        Blob *b = blobvec_join(&v);
        fuzz_check(b);
        return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = NULL, *text2 = NULL;
        void *message, *again;

        if (size == 0 || data[0] >= _RPC_KIND_MAX)
                return 0;
        RpcKind kind = data[0];
        _cleanup_blob_ Blob *wire = blob_new(data + 1, size - 1);
        fuzz_check(wire);
        if (rpc_decode(kind, wire, &message, &text) < 0)
                return 0;

        _cleanup_blob_ Blob *first = encode(kind, message);
        fuzz_check(rpc_decode(kind, first, &again, &text2) == 0);
        _cleanup_blob_ Blob *second = encode(kind, again);
        fuzz_check(blob_equal(first, second));
        rpc_free(kind, message);
        rpc_free(kind, again);
        return 0;
}
