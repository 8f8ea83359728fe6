/* Helpers of the codec's tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/rpc.h"

static inline Blob *blob_from_hex(const char *hex)
{
        size_t size = strlen(hex) / 2;
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);

        assert_non_null(b);
        assert_int_equal(hex_decode(hex, p, size), 0);
        return b;
}

static inline Blob *encode(RpcKind kind, const void *message)
{
        _cleanup_blobvec_ BlobVec v = {0};

        assert_int_equal(rpc_encode(kind, message, &v), 0);
        for (unsigned i = 0; i < v.n; i++)
                assert_true(v.v[i]->size > 0);
        Blob *b = blobvec_join(&v);
        assert_non_null(b);
        return b;
}

static inline void *decode(RpcKind kind, Blob *wire)
{
        _cleanup_free_ char *text = NULL;
        void *message = NULL;

        int r = rpc_decode(kind, wire, &message, &text);
        if (r < 0)
                fail_msg("kind %d: %s", kind, text);
        return message;
}

/* Takes wire; gives the text. */
static inline char *decode_refused(RpcKind kind, Blob *wire)
{
        char *text = NULL;
        void *message = NULL;

        assert_int_equal(rpc_decode(kind, wire, &message, &text), -EBADMSG);
        assert_null(message);
        assert_non_null(text);
        blob_unref(wire);
        return text;
}

static inline void assert_hex(const Blob *b, const char *hex)
{
        _cleanup_free_ char *got = hex_encode(b->data, b->size);
        assert_string_equal(got, hex);
}
