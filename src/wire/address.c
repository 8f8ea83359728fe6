#include "wire/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

/* IPv4 inside IPv6 becomes plain IPv4; *ret_port in host order. AF_UNSPEC for other families. */
static int unpack(const SocketAddress *a, uint8_t ret_ip[static 16], uint16_t *ret_port)
{
        if (a->sa.sa_family == AF_INET) {
                const struct sockaddr_in *in = (const struct sockaddr_in *) a;

                memcpy(ret_ip, &in->sin_addr, 4);
                *ret_port = ntohs(in->sin_port);
                return AF_INET;
        }
        if (a->sa.sa_family == AF_INET6) {
                const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) a;

                *ret_port = ntohs(in6->sin6_port);
                if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
                        memcpy(ret_ip, in6->sin6_addr.s6_addr + 12, 4);
                        return AF_INET;
                }
                memcpy(ret_ip, &in6->sin6_addr, 16);
                return AF_INET6;
        }
        return AF_UNSPEC;
}

char *address_format(const SocketAddress *a, socklen_t size, char buf[static ADDRESS_TEXT_MAX])
{
        char ip_text[INET6_ADDRSTRLEN];
        uint8_t ip[16];
        uint16_t port;
        int family;

        family = unpack(a, ip, &port);
        if (family == AF_INET)
                snprintf(buf, ADDRESS_TEXT_MAX, "%s:%u", inet_ntop(family, ip, ip_text, sizeof(ip_text)),
                        port);
        else if (family == AF_INET6)
                snprintf(buf, ADDRESS_TEXT_MAX, "[%s]:%u", inet_ntop(family, ip, ip_text, sizeof(ip_text)),
                        port);
        else if (a->sa.sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path))
                snprintf(buf, ADDRESS_TEXT_MAX, "unix:%.*s", ADDRESS_TEXT_MAX - 6, a->un.sun_path);
        else
                strcpy(buf, "unix:");
        return buf;
}

bool address_is_local(const SocketAddress *peer, const SocketAddress *own)
{
        uint8_t ip[16], own_ip[16];
        uint16_t port;
        int family;

        if (peer->sa.sa_family == AF_UNIX)
                return true;
        family = unpack(peer, ip, &port);
        if (family == AF_INET && ip[0] == 127)
                return true;
        if (family == AF_INET6 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *) ip))
                return true;
        return family != AF_UNSPEC && family == unpack(own, own_ip, &port) &&
               memcmp(ip, own_ip, family == AF_INET ? 4 : 16) == 0;
}

const char *address_unix_path(const char *address)
{
        return startswith(address, "unix:");
}

int address_from_unix_path(const char *path, SocketAddress *ret, socklen_t *ret_size)
{
        size_t n = strlen(path);

        if (n == 0)
                return -EINVAL;
        if (n >= sizeof(ret->un.sun_path))
                return -ENAMETOOLONG;
        *ret = (SocketAddress){.un.sun_family = AF_UNIX};
        memcpy(ret->un.sun_path, path, n + 1);
        *ret_size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + 1);
        return 0;
}

static void set_option(int fd, int level, int option, int value)
{
        /* Unix sockets have none of them; a connection without is slower, not wrong. */
        (void) setsockopt(fd, level, option, &value, sizeof(value));
}

void socket_tune(int fd)
{
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC);
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
}
