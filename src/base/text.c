#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <sodium.h>

char *hex_encode(const void *data, size_t size)
{
        char *s;

        if (size >= SIZE_MAX / 2)
                return NULL;
        s = malloc(2 * size + 1);
        if (!s)
                return NULL;
        return sodium_bin2hex(s, 2 * size + 1, data, size);
}

int hex_decode(const char *hex, void *ret, size_t size)
{
        size_t len = strlen(hex), n = 0;

        if (len % 2 != 0 || len / 2 != size)
                return -EINVAL;
        if (sodium_hex2bin(ret, size, hex, len, NULL, &n, NULL) < 0 || n != size)
                return -EINVAL;
        return 0;
}

char *base64_encode(const void *data, size_t size, bool padding)
{
        int variant = padding ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
        size_t n;
        char *s;

        if (size >= SIZE_MAX / 2)
                return NULL;
        n = sodium_base64_encoded_len(size, variant);
        s = malloc(n);
        if (!s)
                return NULL;
        return sodium_bin2base64(s, n, data, size, variant);
}

int base64_decode(const char *s, size_t len, uint8_t **ret, size_t *ret_size)
{
        int variant = len > 0 && s[len - 1] == '=' ? sodium_base64_VARIANT_ORIGINAL
                                                   : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
        _cleanup_free_ uint8_t *p = NULL;
        size_t n = 0;

        p = malloc(len / 4 * 3 + 3);
        if (!p)
                return -ENOMEM;
        if (sodium_base642bin(p, len / 4 * 3 + 3, s, len, NULL, &n, NULL, variant) < 0)
                return -EINVAL;
        *ret = TAKE_PTR(p);
        *ret_size = n;
        return 0;
}

size_t utf8_decode_one(const void *data, size_t size, uint32_t *ret)
{
        /* The smallest character that needs a sequence of this length. */
        static const uint32_t lowest[] = {0, 1, 0x80, 0x800, 0x10000};
        const uint8_t *p = data;
        uint32_t c;
        size_t n;

        if (size == 0)
                return 0;
        if (p[0] < 0x80)
                n = 1, c = p[0];
        else if (p[0] >= 0xc2 && p[0] <= 0xdf)
                n = 2, c = p[0] & 0x1f;
        else if ((p[0] & 0xf0) == 0xe0)
                n = 3, c = p[0] & 0x0f;
        else if (p[0] >= 0xf0 && p[0] <= 0xf4)
                n = 4, c = p[0] & 0x07;
        else
                return 0;
        if (n > size)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < lowest[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
                return 0;
        *ret = c;
        return n;
}

bool utf8_is_valid(const void *data, size_t size)
{
        const uint8_t *p = data;
        uint32_t c;
        size_t n;

        for (size_t i = 0; i < size; i += n) {
                n = utf8_decode_one(p + i, size - i, &c);
                if (n == 0)
                        return false;
        }
        return true;
}

char *utf8_sanitize(const char *s, size_t len)
{
        _cleanup_buf_ Buf b = {};
        uint32_t c;

        for (size_t i = 0, n; i < len; i += MAX(n, (size_t) 1)) {
                int r;

                n = utf8_decode_one(s + i, len - i, &c);
                r = n > 0 ? buf_append(&b, s + i, n) : buf_append_str(&b, "\xef\xbf\xbd");
                if (r < 0)
                        return NULL;
        }
        return buf_steal_str(&b);
}

int parse_u64(const char *s, uint64_t *ret)
{
        uint64_t v = 0;

        if (!*s)
                return -EINVAL;
        for (const char *p = s; *p; p++)
                if (*p < '0' || *p > '9')
                        return -EINVAL;
        for (; *s; s++)
                if (__builtin_mul_overflow(v, (uint64_t) 10, &v) ||
                        __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v))
                        return -ERANGE;
        *ret = v;
        return 0;
}

int parse_double(const char *s, double *ret)
{
        locale_t c_locale;
        char *end;
        double v;

        /* strtod() would also take blanks, hexadecimal numbers and names. */
        if (!*s || s[strspn(s, "0123456789.eE+-")])
                return -EINVAL;
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
        if (!c_locale)
                return -EINVAL;
        v = strtod_l(s, &end, c_locale);
        freelocale(c_locale);
        if (*end || !isfinite(v))
                return -EINVAL;
        *ret = v;
        return 0;
}

int parse_address(const char *s, char **ret_host, uint16_t *ret_port)
{
        const char *colon = strrchr(s, ':');
        char *host;
        uint64_t port;
        size_t n;

        if (!colon || colon == s || parse_u64(colon + 1, &port) < 0 || port > UINT16_MAX)
                return -EINVAL;
        n = (size_t) (colon - s);
        if (*s == '[') {
                if (n < 3 || s[n - 1] != ']')
                        return -EINVAL;
                s++;
                n -= 2;
        }
        if (memchr(s, '[', n) || memchr(s, ']', n) || memchr(s, '/', n))
                return -EINVAL;
        host = strndup(s, n);
        if (!host)
                return -ENOMEM;
        *ret_host = host;
        *ret_port = (uint16_t) port;
        return 0;
}

void random_bytes(void *p, size_t n)
{
        /* Cheap and safe from any thread when it has been done before. */
        if (sodium_init() < 0)
                abort();
        randombytes_buf(p, n);
}

uint64_t random_u64(void)
{
        uint64_t v;

        random_bytes(&v, sizeof(v));
        return v;
}

double random_unit(void)
{
        return (double) (random_u64() >> 11) * 0x1p-53;
}
