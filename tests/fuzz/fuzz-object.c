/* Objects and the messages made of them. The input is a row of objects, each behind a big-endian length of
 * three bytes; they are given in this order, whatever ids are asked for, so that one changed byte does not
 * hide what is behind it. A message that comes of it can be sent. */
#include "codec/inflate.h"
#include "fuzz.h"
#include "model/object.h"

#define LENGTH_SIZE 3

typedef struct Source {
        const uint8_t *data;
        size_t size;
} Source;

static void check_head(const Blob *b)
{
        _cleanup_object_head_ ObjectHead first = {0}, again = {0};
        _cleanup_buf_ Buf out = {0};
        const char *error = NULL;

        if (object_head_parse(b->data, b->size, &first, &error) < 0) {
                fuzz_check(error);
                return;
        }
        fuzz_check(first.body_offset + first.body_size == b->size);
        fuzz_check(
                object_head_write(first.type, first.children, first.n_children, first.body_size, &out) == 0);
        fuzz_check(buf_append(&out, b->data + first.body_offset, first.body_size) == 0);
        fuzz_check(object_head_parse(out.data, out.size, &again, &error) == 0);
        fuzz_check(again.type == first.type && again.n_children == first.n_children);
        fuzz_check(again.body_size == first.body_size);
}

static int next_object(const ObjectId *id, Blob **ret, void *userdata)
{
        Source *s = userdata;
        size_t n;

        (void) id;
        if (s->size < LENGTH_SIZE)
                return -ENOENT;
        n = (size_t) s->data[0] << 16 | (size_t) s->data[1] << 8 | s->data[2];
        if (n > s->size - LENGTH_SIZE)
                n = s->size - LENGTH_SIZE;
        *ret = blob_new(s->data + LENGTH_SIZE, n);
        fuzz_check(*ret);
        check_head(*ret);
        s->data += LENGTH_SIZE + n;
        s->size -= LENGTH_SIZE + n;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(object_tree_done) ObjectTree tree = {0};
        _cleanup_object_set_ ObjectSet set = {0};
        _cleanup_message_ Message m = {0};
        _cleanup_free_ char *error = NULL;
        Source source = {data, size};

        if (inflate_message(&(ObjectId){0}, next_object, &source, false, &m, &error) < 0)
                return 0;
        fuzz_check(deflate_message(&m, 0, &set, &tree) == 0);
        return 0;
}
