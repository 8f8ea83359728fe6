#include "generator/listen.h"

#include <arpa/inet.h>
#include <stdio.h>

/* sun_path with its NUL. */
#define UNIX_PATH_MAX 108

static int parse_unix(const char *path, Listen *ret)
{
        Listen l = {.is_unix = true, .n = 1};

        /* "unix:///path" is the same path. */
        while (path[0] == '/' && path[1] == '/')
                path++;
        /* A blank or a '%' would not be what it seems to be in a unit file. */
        if (path[0] != '/' || strlen(path) >= UNIX_PATH_MAX || path[strcspn(path, " \t\r\n\"'\\%")])
                return -EINVAL;
        (void) snprintf(l.text[0], sizeof(l.text[0]), "%s", path);
        *ret = l;
        return 0;
}

static int parse_port(const char *s, unsigned *ret)
{
        unsigned long port;
        char *end;

        if (!*s || strspn(s, "0123456789") != strlen(s))
                return -EINVAL;
        port = strtoul(s, &end, 10);
        if (*end || port < 1 || port > UINT16_MAX)
                return -EINVAL;
        *ret = (unsigned) port;
        return 0;
}

static int parse_host(const char *host, unsigned port, Listen *ret)
{
        unsigned char binary[sizeof(struct in6_addr)];
        Listen l = {.n = 1};
        size_t n = strlen(host);

        if (inet_pton(AF_INET, host, binary) == 1) {
                (void) snprintf(l.text[0], sizeof(l.text[0]), "%s:%u", host, port);
        } else if (host[0] == '[' && host[n - 1] == ']') {
                char inner[INET6_ADDRSTRLEN];

                if (n - 2 >= sizeof(inner))
                        return -EINVAL;
                memcpy(inner, host + 1, n - 2);
                inner[n - 2] = 0;
                if (inet_pton(AF_INET6, inner, binary) != 1)
                        return -EINVAL;
                (void) snprintf(l.text[0], sizeof(l.text[0]), "[%s]:%u", inner, port);
        } else if (streq(host, "localhost")) {
                l.n = 2;
                (void) snprintf(l.text[0], sizeof(l.text[0]), "127.0.0.1:%u", port);
                (void) snprintf(l.text[1], sizeof(l.text[1]), "[::1]:%u", port);
        } else
                return strchr(host, ':') ? -EINVAL : -ENXIO;
        *ret = l;
        return 0;
}

int listen_parse(const char *address, Listen *ret)
{
        const char *path = startswith(address, "unix:"), *colon = strrchr(address, ':');
        char host[INET6_ADDRSTRLEN + 2];
        unsigned port;
        int r;

        if (path)
                return parse_unix(path, ret);
        if (!colon || colon == address)
                return -EINVAL;
        if ((size_t) (colon - address) >= sizeof(host))
                return -ENXIO;
        memcpy(host, address, (size_t) (colon - address));
        host[colon - address] = 0;
        r = parse_port(colon + 1, &port);
        return r < 0 ? r : parse_host(host, port, ret);
}
