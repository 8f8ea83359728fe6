#include "model/npy.h"

#include <inttypes.h>
#include <stdio.h>

#define NPY_MAGIC "\x93NUMPY"
#define NPY_MAGIC_SIZE 6
#define NPY_ALIGNMENT 64
/* NumPy's own limit for what it reads without being told to trust the file. */
#define NPY_HEADER_SIZE_MAX 10000
/* NumPy leaves room for the first dimension to grow to this many digits. */
#define NPY_GROWTH_DIGITS 21

typedef struct NpyTypeRow {
        const char *name;
        const char *code; /* kind and size, as in the header */
        size_t size;
} NpyTypeRow;

static const NpyTypeRow types[_NPY_TYPE_MAX] = {
        [NPY_BOOL] = {"bool", "b1", 1},
        [NPY_I8] = {"int8", "i1", 1},
        [NPY_I16] = {"int16", "i2", 2},
        [NPY_I32] = {"int32", "i4", 4},
        [NPY_I64] = {"int64", "i8", 8},
        [NPY_U8] = {"uint8", "u1", 1},
        [NPY_U16] = {"uint16", "u2", 2},
        [NPY_U32] = {"uint32", "u4", 4},
        [NPY_U64] = {"uint64", "u8", 8},
        [NPY_F16] = {"float16", "f2", 2},
        [NPY_F32] = {"float32", "f4", 4},
        [NPY_F64] = {"float64", "f8", 8},
        [NPY_C64] = {"complex64", "c8", 8},
        [NPY_C128] = {"complex128", "c16", 16},
};

size_t npy_item_size(NpyType t)
{
        return t >= 0 && t < _NPY_TYPE_MAX ? types[t].size : 0;
}

const char *npy_type_name(NpyType t)
{
        return t >= 0 && t < _NPY_TYPE_MAX ? types[t].name : NULL;
}

NpyType npy_type_from_name(const char *name)
{
        for (NpyType t = 0; name && t < _NPY_TYPE_MAX; t++)
                if (streq(types[t].name, name))
                        return t;
        return _NPY_TYPE_INVALID;
}

/* ---- reading: the header is one dictionary of Python literals ---- */

typedef struct Cursor {
        const char *p, *end;
} Cursor;

static void skip_space(Cursor *c)
{
        while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
                c->p++;
}

static bool take(Cursor *c, char expected)
{
        skip_space(c);
        if (c->p == c->end || *c->p != expected)
                return false;
        c->p++;
        return true;
}

static bool take_word(Cursor *c, const char *word)
{
        size_t n = strlen(word);

        skip_space(c);
        if ((size_t) (c->end - c->p) < n || memcmp(c->p, word, n) != 0)
                return false;
        c->p += n;
        return true;
}

/* A quoted text without escapes, which is all that NumPy writes here. */
static int take_string(Cursor *c, char *buf, size_t size)
{
        const char *end;
        char quote;

        skip_space(c);
        if (c->p == c->end || (*c->p != '\'' && *c->p != '"'))
                return -EBADMSG;
        quote = *c->p++;
        end = memchr(c->p, quote, c->end - c->p);
        if (!end || (size_t) (end - c->p) >= size || memchr(c->p, '\\', end - c->p))
                return -EBADMSG;
        memcpy(buf, c->p, end - c->p);
        buf[end - c->p] = '\0';
        c->p = end + 1;
        return 0;
}

static int take_number(Cursor *c, uint64_t *ret)
{
        uint64_t n = 0;
        const char *start;

        skip_space(c);
        for (start = c->p; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
                if (__builtin_mul_overflow(n, 10, &n) ||
                        __builtin_add_overflow(n, (uint64_t) (*c->p - '0'), &n))
                        return -EBADMSG;
        if (c->p == start)
                return -EBADMSG;
        if (c->p < c->end && *c->p == 'L') /* Python 2 wrote long integers so */
                c->p++;
        *ret = n;
        return 0;
}

static int take_descr(Cursor *c, NpyHeader *h)
{
        char descr[8];

        if (take_string(c, descr, sizeof(descr)) < 0 || !strchr("<>|", descr[0]))
                return -EBADMSG;
        for (NpyType t = 0; t < _NPY_TYPE_MAX; t++) {
                if (!streq(types[t].code, descr + 1))
                        continue;
                if (descr[0] == '|' && types[t].size != 1)
                        return -EBADMSG;
                h->type = t;
                h->big_endian = descr[0] == '>' && types[t].size > 1;
                return 0;
        }
        return -EBADMSG;
}

static int take_order(Cursor *c, NpyHeader *h)
{
        h->fortran_order = take_word(c, "True");
        return h->fortran_order || take_word(c, "False") ? 0 : -EBADMSG;
}

/* "()", "(3,)", "(3, 4)": one number without a comma would be no tuple. */
static int take_shape(Cursor *c, NpyHeader *h)
{
        bool comma = true;

        if (!take(c, '('))
                return -EBADMSG;
        while (!take(c, ')')) {
                if (!comma || h->n_dims == NPY_DIMS_MAX || take_number(c, &h->shape[h->n_dims]) < 0)
                        return -EBADMSG;
                h->n_dims++;
                comma = take(c, ',');
        }
        return h->n_dims == 1 && !comma ? -EBADMSG : 0;
}

static int parse_dict(Cursor c, NpyHeader *h)
{
        static const struct {
                const char *key;
                int (*take)(Cursor *c, NpyHeader *h);
        } members[] = {
                {"descr", take_descr},
                {"fortran_order", take_order},
                {"shape", take_shape},
        };
        bool comma = true;
        unsigned seen = 0;

        if (!take(&c, '{'))
                return -EBADMSG;
        while (!take(&c, '}')) {
                char key[16];
                size_t i;

                if (!comma || take_string(&c, key, sizeof(key)) < 0 || !take(&c, ':'))
                        return -EBADMSG;
                for (i = 0; i < ELEMENTSOF(members) && !streq(members[i].key, key);)
                        i++;
                if (i == ELEMENTSOF(members) || (seen & (1u << i)) || members[i].take(&c, h) < 0)
                        return -EBADMSG;
                seen |= 1u << i;
                comma = take(&c, ',');
        }
        skip_space(&c);
        return seen == (1u << ELEMENTSOF(members)) - 1 && c.p == c.end ? 0 : -EBADMSG;
}

static int count_items(NpyHeader *h, size_t data_size)
{
        uint64_t n = 1, bytes;
        bool empty = false;

        /* A zero anywhere must not hide an overflow elsewhere: readers multiply in any order. */
        for (size_t i = 0; i < h->n_dims; i++) {
                empty |= h->shape[i] == 0;
                if (h->shape[i] != 0 && __builtin_mul_overflow(n, h->shape[i], &n))
                        return -EBADMSG;
        }
        if (__builtin_mul_overflow(n, types[h->type].size, &bytes))
                return -EBADMSG;
        h->n_items = empty ? 0 : n;
        return !empty && bytes > data_size ? -EBADMSG : 0;
}

int npy_parse(const void *data, size_t size, NpyHeader *ret)
{
        const uint8_t *p = data;
        NpyHeader h = {};
        size_t length_size, length = 0;

        if (size < NPY_MAGIC_SIZE + 2 || memcmp(p, NPY_MAGIC, NPY_MAGIC_SIZE) != 0)
                return -EBADMSG;
        if (p[NPY_MAGIC_SIZE] < 1 || p[NPY_MAGIC_SIZE] > 3 || p[NPY_MAGIC_SIZE + 1] != 0)
                return -EBADMSG;
        length_size = p[NPY_MAGIC_SIZE] == 1 ? 2 : 4;
        h.data_offset = NPY_MAGIC_SIZE + 2 + length_size;
        if (size < h.data_offset)
                return -EBADMSG;
        for (size_t i = 0; i < length_size; i++)
                length |= (size_t) p[NPY_MAGIC_SIZE + 2 + i] << (8 * i);
        if (length > NPY_HEADER_SIZE_MAX || length > size - h.data_offset)
                return -EBADMSG;

        if (parse_dict((Cursor){(char *) p + h.data_offset, (char *) p + h.data_offset + length}, &h) < 0)
                return -EBADMSG;
        h.data_offset += length;
        if (count_items(&h, size - h.data_offset) < 0)
                return -EBADMSG;
        *ret = h;
        return 0;
}

/* ---- writing ---- */

static int append_dict(Buf *b, NpyType t, const uint64_t *shape, size_t n_dims)
{
        int r;

        r = buf_printf(b, "{'descr': '%s%s', 'fortran_order': False, 'shape': (",
                types[t].size == 1 ? "|" : "<", types[t].code);
        for (size_t i = 0; r >= 0 && i < n_dims; i++)
                r = buf_printf(b, "%s%" PRIu64, i > 0 ? ", " : "", shape[i]);
        if (r < 0)
                return r;
        r = buf_append_str(b, n_dims == 1 ? ",), }" : "), }");
        if (r < 0 || n_dims == 0)
                return r;
        return buf_printf(b, "%*s", NPY_GROWTH_DIGITS - snprintf(NULL, 0, "%" PRIu64, shape[0]), "");
}

int npy_write_header(NpyType t, const uint64_t *shape, size_t n_dims, Buf *ret)
{
        const size_t fixed = NPY_MAGIC_SIZE + 4;
        _cleanup_buf_ Buf dict = {};
        size_t length;
        int r;

        if (t < 0 || t >= _NPY_TYPE_MAX || n_dims > NPY_DIMS_MAX)
                return -EINVAL;
        r = append_dict(&dict, t, shape, n_dims);
        if (r < 0)
                return r;
        /* As NumPy does: what is aligned already still gets a whole block of blanks. */
        length = (fixed + dict.size + 1) / NPY_ALIGNMENT * NPY_ALIGNMENT + NPY_ALIGNMENT - fixed;

        r = buf_append(ret, NPY_MAGIC "\x01", NPY_MAGIC_SIZE + 2);
        if (r >= 0)
                r = buf_append(ret, (uint8_t[]){length & 0xff, length >> 8}, 2);
        if (r >= 0)
                r = buf_append(ret, dict.data, dict.size);
        if (r >= 0)
                r = buf_printf(ret, "%*s\n", (int) (length - dict.size - 1), "");
        return r;
}
