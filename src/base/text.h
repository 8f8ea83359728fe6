/* Text forms: hex, base64, UTF-8 checks, numbers, addresses. */
#pragma once

#include "base/buf.h"

char *hex_encode(const void *data, size_t size);         /* lower case; NULL when out of memory */
int hex_decode(const char *hex, void *ret, size_t size); /* exactly size bytes; -EINVAL */
/* Standard alphabet. Decoding takes padded and unpadded text and nothing else. */
char *base64_encode(const void *data, size_t size, bool padding);
int base64_decode(const char *s, size_t len, uint8_t **ret, size_t *ret_size); /* -EINVAL, -ENOMEM */
bool utf8_is_valid(const void *data, size_t size); /* no NUL, no surrogates, no overlong forms */
/* Reads the character at the start of data; gives its length in bytes, 0 when it is not valid. */
size_t utf8_decode_one(const void *data, size_t size, uint32_t *ret);
/* Replaces what is not valid by U+FFFD; NULL when out of memory. */
char *utf8_sanitize(const char *s, size_t len);
int parse_u64(const char *s, uint64_t *ret);  /* decimal only; -EINVAL, -ERANGE */
int parse_double(const char *s, double *ret); /* C locale, decimal and finite; -EINVAL */
/* SHA-256 of bytes, as 64 hex digits and NUL: see model/hash.h. */

/* "host:port", "[v6]:port"; the port is behind the last colon, 0 is allowed (any free one). -EINVAL,
 * -ENOMEM. */
int parse_address(const char *s, char **ret_host, uint16_t *ret_port);

void random_bytes(void *p, size_t n);
uint64_t random_u64(void);
double random_unit(void); /* uniform in [0, 1) */
