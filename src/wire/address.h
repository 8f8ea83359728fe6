/* Socket addresses as text, and the options that all our sockets carry. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "base/macro.h"

/* "[ffff:...%scope]:65535" and "unix:" both fit. */
#define ADDRESS_TEXT_MAX 80

/* A held call is silent for minutes; NAT boxes forget a silent connection after five, some after one. */
#define KEEPALIVE_IDLE_SEC 50
#define KEEPALIVE_INTERVAL_SEC 15
#define KEEPALIVE_COUNT 4

typedef union SocketAddress {
        struct sockaddr sa;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
} SocketAddress;

/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:/path" ("unix:" without a name). IPv4 inside IPv6 is shown
 * as IPv4. */
char *address_format(const SocketAddress *a, socklen_t size, char buf[static ADDRESS_TEXT_MAX]);
/* The peer is on this machine: a Unix socket, a loopback address, or one address at both ends. */
bool address_is_local(const SocketAddress *peer, const SocketAddress *own);
/* The path of "unix:/path", else NULL. */
const char *address_unix_path(const char *address);
/* -ENAMETOOLONG */
int address_from_unix_path(const char *path, SocketAddress *ret, socklen_t *ret_size);
/* TCP_NODELAY and keepalive; nothing for other sockets. */
void socket_tune(int fd);
