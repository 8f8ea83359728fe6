#include "wire/grpc-status.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "base/text.h"

static const RpcClass classes_by_number[] = {
        [0] = RPC_OK,
        [1] = RPC_CANCELLED,
        [2] = RPC_UNKNOWN,
        [3] = RPC_INVALID_ARGUMENT,
        [4] = RPC_DEADLINE_EXCEEDED,
        [5] = RPC_NOT_FOUND,
        [6] = RPC_ALREADY_EXISTS,
        [7] = RPC_PERMISSION_DENIED,
        [8] = RPC_RESOURCE_EXHAUSTED,
        [9] = RPC_FAILED_PRECONDITION,
        [10] = RPC_ABORTED,
        [11] = RPC_OUT_OF_RANGE,
        [12] = RPC_UNIMPLEMENTED,
        [13] = RPC_INTERNAL,
        [14] = RPC_UNAVAILABLE,
        [15] = RPC_DATA_LOSS,
        [16] = RPC_UNAUTHENTICATED,
};

int grpc_status_from_class(RpcClass c)
{
        for (size_t i = 0; i < ELEMENTSOF(classes_by_number); i++)
                if (classes_by_number[i] == c)
                        return (int) i;
        return 2;
}

RpcClass grpc_status_to_class(int status)
{
        if (status < 0 || (size_t) status >= ELEMENTSOF(classes_by_number))
                return RPC_UNKNOWN;
        return classes_by_number[status];
}

int grpc_status_parse(const char *s, RpcClass *ret)
{
        uint64_t n;
        int r;

        r = parse_u64(s, &n);
        if (r < 0)
                return -EINVAL;
        *ret = grpc_status_to_class(n > 1000 ? -1 : (int) n);
        return 0;
}

RpcClass grpc_class_from_http_status(unsigned status)
{
        switch (status) {
        case 400:
                return RPC_INTERNAL;
        case 401:
                return RPC_UNAUTHENTICATED;
        case 403:
                return RPC_PERMISSION_DENIED;
        case 404:
                return RPC_UNIMPLEMENTED;
        case 429:
        case 502:
        case 503:
        case 504:
                return RPC_UNAVAILABLE;
        default:
                return RPC_UNKNOWN;
        }
}

RpcClass grpc_class_from_h2_error(uint32_t error_code)
{
        switch (error_code) {
        case NGHTTP2_REFUSED_STREAM:
                return RPC_UNAVAILABLE;
        case NGHTTP2_CANCEL:
                return RPC_CANCELLED;
        case NGHTTP2_ENHANCE_YOUR_CALM:
                return RPC_RESOURCE_EXHAUSTED;
        case NGHTTP2_INADEQUATE_SECURITY:
                return RPC_PERMISSION_DENIED;
        default:
                return RPC_INTERNAL;
        }
}

/* The length of the character at p, at least 1, at most n. */
static size_t utf8_step(const char *p, size_t n)
{
        size_t i = 1;

        while (i < n && i < 4 && ((unsigned char) p[i] & 0xc0) == 0x80)
                i++;
        return i;
}

char *grpc_message_encode(const char *text)
{
        size_t n = strlen(text), k = 0;
        char *e;

        e = malloc(MIN(3 * n, (size_t) GRPC_MESSAGE_MAX) + 1);
        if (!e)
                return NULL;
        for (size_t i = 0; i < n;) {
                size_t step = utf8_step(text + i, n - i);

                if (k + 3 * step > GRPC_MESSAGE_MAX)
                        break;
                for (size_t j = i; j < i + step; j++) {
                        unsigned char c = (unsigned char) text[j];

                        if (c >= 0x20 && c <= 0x7e && c != '%')
                                e[k++] = (char) c;
                        else {
                                e[k++] = '%';
                                e[k++] = "0123456789ABCDEF"[c >> 4];
                                e[k++] = "0123456789ABCDEF"[c & 15];
                        }
                }
                i += step;
        }
        e[k] = '\0';
        return e;
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

char *grpc_message_decode(const char *text, size_t size)
{
        _cleanup_free_ char *d = NULL;
        size_t k = 0;

        d = malloc(size + 1);
        if (!d)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                int high = -1, low = -1;

                if (text[i] == '%' && size - i > 2) {
                        high = hex_value(text[i + 1]);
                        low = hex_value(text[i + 2]);
                }
                if (high >= 0 && low >= 0) {
                        d[k++] = (char) (high << 4 | low);
                        i += 2;
                } else
                        d[k++] = text[i];
        }
        return utf8_sanitize(d, k);
}

int grpc_timeout_parse(const char *s, usec_t *ret)
{
        uint64_t n = 0;
        size_t i;

        for (i = 0; i < 8 && s[i] >= '0' && s[i] <= '9'; i++)
                n = n * 10 + (uint64_t) (s[i] - '0');
        if (i == 0 || s[i] == '\0' || s[i + 1] != '\0')
                return -EINVAL;
        switch (s[i]) {
        case 'H':
                *ret = n * 3600 * USEC_PER_SEC;
                return 0;
        case 'M':
                *ret = n * 60 * USEC_PER_SEC;
                return 0;
        case 'S':
                *ret = n * USEC_PER_SEC;
                return 0;
        case 'm':
                *ret = n * USEC_PER_MSEC;
                return 0;
        case 'u':
                *ret = n;
                return 0;
        case 'n':
                *ret = n / 1000;
                return 0;
        default:
                return -EINVAL;
        }
}

char *grpc_timeout_format(usec_t timeout, char buf[static GRPC_TIMEOUT_TEXT_MAX])
{
        static const struct {
                usec_t size;
                char unit;
        } units[] = {
                {1, 'u'},
                {USEC_PER_MSEC, 'm'},
                {USEC_PER_SEC, 'S'},
                {60 * USEC_PER_SEC, 'M'},
                {3600 * USEC_PER_SEC, 'H'},
        };
        const usec_t max = 99999999;

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                usec_t n = timeout / units[i].size + (timeout % units[i].size != 0);

                if (n <= max || i + 1 == ELEMENTSOF(units)) {
                        snprintf(buf, GRPC_TIMEOUT_TEXT_MAX, "%u%c", (unsigned) MIN(n, max), units[i].unit);
                        break;
                }
        }
        return buf;
}
