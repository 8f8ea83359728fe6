/* Addresses of the programs' settings as a socket unit takes them. */
#pragma once

#include "base/macro.h"

/* "localhost" stands for two, every other address for one. */
#define LISTEN_MAX 2
/* "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535", or the path of a Unix socket (108 with its NUL).
 */
#define LISTEN_TEXT_MAX 112

typedef struct Listen {
        bool is_unix; /* a path, without "unix:" */
        size_t n;
        char text[LISTEN_MAX][LISTEN_TEXT_MAX]; /* values of ListenStream= */
} Listen;

/* "192.0.2.1:9092", "[2001:db8::1]:9092", "localhost:9092", "unix:/path". Other names are -ENXIO: nothing
 * can be resolved while the units are made. -EINVAL: no address, or a port that is not from 1 to 65535. */
int listen_parse(const char *address, Listen *ret);
