#include "model/ssh-key.h"

#include <sodium.h>

#include "base/text.h"

#define SSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define SSH_END "-----END OPENSSH PRIVATE KEY-----"
#define SSH_MAGIC "openssh-key-v1" /* with its NUL */
#define SSH_BLOCK_SIZE 8           /* padding of cipher "none" */
#define SSH_LINE_WIDTH 70
#define SSH_NUMBER_MAX (1 + SSH_FIELD_SIZE_MAX)
/* Everything around numbers and comment is less than 300 bytes: one reservation, so that no copy is left
 * behind by growing. */
#define SSH_CONTAINER_MAX (512 + 2 * SSH_POINT_SIZE_MAX + SSH_NUMBER_MAX + SSH_COMMENT_MAX)

static const SshCurve curves[] = {
        {"nistp256", "ecdsa-sha2-nistp256", 32, GNUTLS_ECC_CURVE_SECP256R1},
        {"nistp384", "ecdsa-sha2-nistp384", 48, GNUTLS_ECC_CURVE_SECP384R1},
        {"nistp521", "ecdsa-sha2-nistp521", 66, GNUTLS_ECC_CURVE_SECP521R1},
};

typedef struct Slice {
        const uint8_t *p;
        size_t n;
} Slice;

char *wipe_free(char *s)
{
        if (s)
                sodium_memzero(s, strlen(s));
        return mfree(s);
}

static void wipe_buf(Buf *b)
{
        if (b->data)
                sodium_memzero(b->data, b->allocated);
        buf_done(b);
}

const SshCurve *ssh_curve_by_id(gnutls_ecc_curve_t id)
{
        for (size_t i = 0; i < ELEMENTSOF(curves); i++)
                if (curves[i].id == id)
                        return curves + i;
        return NULL;
}

static bool slice_is(const Slice *s, const char *text)
{
        return s->n == strlen(text) && memcmp(s->p, text, s->n) == 0;
}

static const SshCurve *curve_by_type(const Slice *type)
{
        for (size_t i = 0; i < ELEMENTSOF(curves); i++)
                if (slice_is(type, curves[i].type))
                        return curves + i;
        return NULL;
}

static bool take_u32(Slice *from, uint32_t *ret)
{
        if (from->n < 4)
                return false;
        *ret = (uint32_t) from->p[0] << 24 | (uint32_t) from->p[1] << 16 | (uint32_t) from->p[2] << 8 |
               from->p[3];
        from->p += 4;
        from->n -= 4;
        return true;
}

static bool take_string(Slice *from, Slice *ret)
{
        uint32_t n;

        if (!take_u32(from, &n) || n > from->n)
                return false;
        *ret = (Slice){from->p, n};
        from->p += n;
        from->n -= n;
        return true;
}

/* "string type, string curve, string point": the public blob, and the start of the private section. */
static int take_public(Slice *from, SshPublic *ret, const char **reterr_reason)
{
        Slice type, name, point;
        const SshCurve *c;

        *reterr_reason = "is damaged";
        if (!take_string(from, &type))
                return -EINVAL;
        c = curve_by_type(&type);
        if (!c) {
                *reterr_reason = slice_is(&type, "ssh-ed25519") ? "is an Ed25519 key, not ECDSA"
                                 : slice_is(&type, "ssh-rsa")
                                         ? "is an RSA key, not ECDSA"
                                         : "is not an ECDSA key on P-256, P-384 or P-521";
                return -EINVAL;
        }
        if (!take_string(from, &name) || !slice_is(&name, c->name) || !take_string(from, &point))
                return -EINVAL;
        if (point.n != 1 + 2 * c->field_size || point.p[0] != 4)
                return -EINVAL;
        ret->curve = c;
        memcpy(ret->point, point.p, point.n);
        return 0;
}

int ssh_public_parse(const char *line, size_t size, SshPublic *ret, const char **reterr_reason)
{
        _cleanup_free_ uint8_t *blob = NULL;
        const char *end = line + size, *type, *text;
        size_t type_size, blob_size;
        SshPublic k = {};
        Slice rest, head, inner;
        int r;

        for (type = line; type < end && strchr(" \t\r\n", *type); type++)
                ;
        for (text = type; text < end && !strchr(" \t\r\n", *text); text++)
                ;
        type_size = (size_t) (text - type);
        for (; text < end && strchr(" \t", *text); text++)
                ;
        for (size = 0; text + size < end && !strchr(" \t\r\n", text[size]); size++)
                ;
        *reterr_reason = "is not an OpenSSH public key line";
        if (type_size == 0 || size == 0)
                return -EINVAL;
        r = base64_decode(text, size, &blob, &blob_size);
        if (r < 0)
                return r;
        head = rest = (Slice){blob, blob_size};
        if (!take_string(&head, &inner) || inner.n != type_size || memcmp(inner.p, type, type_size) != 0)
                return -EINVAL;
        r = take_public(&rest, &k, reterr_reason);
        if (r < 0)
                return r;
        if (rest.n != 0)
                return -EINVAL;
        *ret = k;
        return 0;
}

static int put_string(Buf *b, const void *data, size_t n)
{
        const uint8_t size[] = {(uint8_t) (n >> 24), (uint8_t) (n >> 16), (uint8_t) (n >> 8), (uint8_t) n};
        int r = buf_append(b, size, sizeof(size));

        return r < 0 ? r : buf_append(b, data, n);
}

static int put_text(Buf *b, const char *s)
{
        return put_string(b, s, strlen(s));
}

static int put_public(Buf *b, const SshPublic *k)
{
        int r = put_text(b, k->curve->type);

        if (r >= 0)
                r = put_text(b, k->curve->name);
        return r < 0 ? r : put_string(b, k->point, 1 + 2 * k->curve->field_size);
}

int ssh_public_format(const SshPublic *k, char **ret)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ Buf b = {};
        char *line;
        int r;

        r = put_public(&b, k);
        if (r < 0)
                return r;
        text = base64_encode(b.data, b.size, true);
        line = text ? xasprintf("%s %s", k->curve->type, text) : NULL;
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

/* Says in words what else the file is, and what makes it one that can be read. */
static char *explain_not_openssh(const char *text, const char *name)
{
        if (strstr(text, "-----BEGIN ") && strstr(text, "PRIVATE KEY-----"))
                return xasprintf(
                        "\"%s\" holds a private key, but not in OpenSSH format. Convert it in place: "
                        "ssh-keygen -p -N '' -f '%s'",
                        name, name);
        if (startswith(text, "ecdsa-") || startswith(text, "ssh-") || strstr(text, "PUBLIC KEY-----"))
                return xasprintf("\"%s\" is a public key; the private key is needed here, usually the file "
                                 "of the same name "
                                 "without \".pub\"",
                        name);
        return xasprintf("\"%s\" is not a private key in OpenSSH format. Make one: "
                         "ssh-keygen -t ecdsa -b 384 -N '' -f FILE",
                name);
}

/* The container between the two lines, decoded. -EBADMSG: no such lines, or no base64 between them. */
static int unwrap(const char *text, Buf *ret)
{
        _cleanup_wipe_ char *packed = NULL;
        const char *begin = text + strspn(text, " \t\r\n"), *end;
        size_t n = 0, size;
        uint8_t *data;
        int r;

        begin = startswith(begin, SSH_BEGIN);
        end = begin ? strstr(begin, SSH_END) : NULL;
        if (!end)
                return -EBADMSG;
        packed = new0(char, (size_t) (end - begin) + 1);
        if (!packed)
                return -ENOMEM;
        for (; begin < end; begin++)
                if (!strchr(" \t\r\n", *begin))
                        packed[n++] = *begin;
        r = base64_decode(packed, n, &data, &size);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        *ret = (Buf){.data = data, .size = size, .allocated = size};
        return 0;
}

static bool padding_is_valid(const Slice *s)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->p[i] != (uint8_t) (i + 1))
                        return false;
        return s->n < SSH_BLOCK_SIZE;
}

static bool take_number(Slice *from, size_t field_size, uint8_t *ret)
{
        Slice s;

        if (!take_string(from, &s) || s.n == 0 || s.p[0] & 0x80)
                return false;
        for (; s.n > 0 && s.p[0] == 0; s.n--)
                s.p++;
        if (s.n == 0 || s.n > field_size)
                return false;
        memset(ret, 0, field_size - s.n);
        memcpy(ret + field_size - s.n, s.p, s.n);
        return true;
}

static int take_private(Slice *from, const SshPublic *outer, SshPrivate *ret, const char **reterr_reason)
{
        uint32_t check[2];
        Slice comment;
        int r;

        *reterr_reason = "is damaged";
        if (!take_u32(from, check) || !take_u32(from, check + 1) || check[0] != check[1])
                return -EINVAL;
        r = take_public(from, &ret->public, reterr_reason);
        if (r < 0)
                return r;
        if (ret->public.curve != outer->curve ||
                memcmp(ret->public.point, outer->point, 1 + 2 * outer->curve->field_size) != 0 ||
                !take_number(from, outer->curve->field_size, ret->d) || !take_string(from, &comment) ||
                !padding_is_valid(from))
                return -EINVAL;
        return 0;
}

static int take_container(Slice *from, SshPrivate *ret, const char **reterr_reason)
{
        Slice cipher, kdf, options, public, private;
        SshPublic outer = {};
        uint32_t count;
        int r;

        *reterr_reason = "is damaged";
        if (from->n < sizeof(SSH_MAGIC) || memcmp(from->p, SSH_MAGIC, sizeof(SSH_MAGIC)) != 0)
                return -EINVAL;
        from->p += sizeof(SSH_MAGIC);
        from->n -= sizeof(SSH_MAGIC);
        if (!take_string(from, &cipher) || !take_string(from, &kdf) || !take_string(from, &options) ||
                !take_u32(from, &count) || count != 1 || !take_string(from, &public))
                return -EINVAL;
        r = take_public(&public, &outer, reterr_reason);
        if (r < 0)
                return r;
        if (!slice_is(&cipher, "none") || !slice_is(&kdf, "none")) {
                *reterr_reason = "is protected by a passphrase";
                return -ENOKEY;
        }
        if (public.n != 0 || !take_string(from, &private) || from->n != 0)
                return -EINVAL;
        return take_private(&private, &outer, ret, reterr_reason);
}

int ssh_private_parse(const char *text, const char *name, SshPrivate *ret, char **reterr_text)
{
        _cleanup_(wipe_buf) Buf b = {};
        const char *reason;
        char *t;
        int r;

        r = unwrap(text, &b);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                t = explain_not_openssh(text, name);
                goto rejected;
        }
        r = take_container(&(Slice){b.data, b.size}, ret, &reason);
        if (r >= 0)
                return 0;
        if (r == -ENOKEY)
                t = xasprintf("The private key \"%s\" %s. Remove it: ssh-keygen -p -N '' -f '%s'", name,
                        reason, name);
        else
                t = xasprintf("The private key \"%s\" %s. Make a new one: ssh-keygen -t ecdsa -b 384 -N '' "
                              "-f FILE",
                        name, reason);
rejected:
        if (!t)
                return -ENOMEM;
        *reterr_text = t;
        return -EKEYREJECTED;
}

/* A number is positive by a leading zero where its top bit is set, and has no other leading zeros. */
static int put_number(Buf *b, const uint8_t *d, size_t n)
{
        uint8_t number[SSH_NUMBER_MAX] = {};
        size_t skip = 0;
        int r;

        memcpy(number + 1, d, n);
        while (skip < n && number[skip] == 0 && !(number[skip + 1] & 0x80))
                skip++;
        r = put_string(b, number + skip, n + 1 - skip);
        sodium_memzero(number, sizeof(number));
        return r;
}

static int put_private(Buf *b, const SshPrivate *k, const char *comment)
{
        uint8_t check[8];
        size_t start = b->size;
        int r;

        random_bytes(check, 4);
        memcpy(check + 4, check, 4);
        r = buf_append(b, check, sizeof(check));
        if (r >= 0)
                r = put_public(b, &k->public);
        if (r >= 0)
                r = put_number(b, k->d, k->public.curve->field_size);
        if (r >= 0)
                r = put_string(b, comment, strnlen(comment, SSH_COMMENT_MAX));
        for (uint8_t i = 1; r >= 0 && (b->size - start) % SSH_BLOCK_SIZE != 0; i++)
                r = buf_append(b, &i, 1);
        return r;
}

static int wrap(const Buf *b, char **ret)
{
        _cleanup_wipe_ char *packed = base64_encode(b->data, b->size, true);
        _cleanup_(wipe_buf) Buf text = {};
        size_t n = packed ? strlen(packed) : 0;
        char *s;
        int r;

        if (!packed)
                return -ENOMEM;
        r = buf_reserve(&text, n + n / SSH_LINE_WIDTH + sizeof(SSH_BEGIN) + sizeof(SSH_END) + 8);
        if (r >= 0)
                r = buf_append_str(&text, SSH_BEGIN "\n");
        for (size_t i = 0; r >= 0 && i < n; i += SSH_LINE_WIDTH) {
                r = buf_append(&text, packed + i, MIN(n - i, (size_t) SSH_LINE_WIDTH));
                if (r >= 0)
                        r = buf_append(&text, "\n", 1);
        }
        if (r >= 0)
                r = buf_append_str(&text, SSH_END "\n");
        if (r < 0)
                return r;
        s = buf_steal_str(&text);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int ssh_private_format(const SshPrivate *k, const char *comment, char **ret)
{
        _cleanup_(wipe_buf) Buf b = {}, private = {};
        _cleanup_buf_ Buf public = {};
        int r;

        r = buf_reserve(&private, SSH_CONTAINER_MAX);
        if (r >= 0)
                r = buf_reserve(&b, 2 * SSH_CONTAINER_MAX);
        if (r >= 0)
                r = put_private(&private, k, comment);
        if (r >= 0)
                r = put_public(&public, &k->public);
        if (r >= 0)
                r = buf_append(&b, SSH_MAGIC, sizeof(SSH_MAGIC));
        if (r >= 0)
                r = put_text(&b, "none");
        if (r >= 0)
                r = put_text(&b, "none");
        if (r >= 0)
                r = put_text(&b, "");
        if (r >= 0)
                r = buf_append(&b, (const uint8_t[]){0, 0, 0, 1}, 4);
        if (r >= 0)
                r = put_string(&b, public.data, public.size);
        if (r >= 0)
                r = put_string(&b, private.data, private.size);
        return r < 0 ? r : wrap(&b, ret);
}
