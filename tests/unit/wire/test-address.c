#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "wire/address.h"

static SocketAddress v4(const char *ip, uint16_t port)
{
        SocketAddress a = {};
        struct sockaddr_in *in = (struct sockaddr_in *) &a;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        assert_int_equal(inet_pton(AF_INET, ip, &in->sin_addr), 1);
        return a;
}

static SocketAddress v6(const char *ip, uint16_t port)
{
        SocketAddress a = {};
        struct sockaddr_in6 *in = (struct sockaddr_in6 *) &a;

        in->sin6_family = AF_INET6;
        in->sin6_port = htons(port);
        assert_int_equal(inet_pton(AF_INET6, ip, &in->sin6_addr), 1);
        return a;
}

static void assert_format(SocketAddress a, const char *text)
{
        char buf[ADDRESS_TEXT_MAX];

        assert_string_equal(address_format(&a, sizeof(a), buf), text);
}

static void test_format(void **state)
{
        SocketAddress a;
        socklen_t size;
        char buf[ADDRESS_TEXT_MAX];

        assert_format(v4("192.0.2.1", 4711), "192.0.2.1:4711");
        assert_format(v6("2001:db8::1", 80), "[2001:db8::1]:80");
        assert_format(v6("::ffff:192.0.2.1", 80), "192.0.2.1:80");
        assert_int_equal(address_from_unix_path("/run/x", &a, &size), 0);
        assert_string_equal(address_format(&a, size, buf), "unix:/run/x");
        assert_string_equal(address_format(&a, sizeof(sa_family_t), buf), "unix:");
}

static void test_unix_path(void **state)
{
        char large[200] = {};
        SocketAddress a;
        socklen_t size;

        memset(large, 'x', sizeof(large) - 1);
        assert_int_equal(address_from_unix_path(large, &a, &size), -ENAMETOOLONG);
        assert_int_equal(address_from_unix_path("", &a, &size), -EINVAL);
        assert_string_equal(address_unix_path("unix:/a"), "/a");
        assert_null(address_unix_path("unix.example.org:80"));
}

static bool is_local(SocketAddress peer, SocketAddress own)
{
        return address_is_local(&peer, &own);
}

static void test_local(void **state)
{
        assert_true(is_local(v4("127.0.0.1", 1), v4("127.0.0.1", 2)));
        assert_true(is_local(v4("127.8.9.1", 1), v4("127.0.0.1", 2)));
        assert_true(is_local(v6("::1", 1), v6("::1", 2)));
        assert_true(is_local(v6("::ffff:127.0.0.1", 1), v6("::ffff:127.0.0.1", 2)));
        /* Through an address of this machine. */
        assert_true(is_local(v4("192.0.2.1", 1), v4("192.0.2.1", 2)));
        assert_false(is_local(v4("192.0.2.2", 1), v4("192.0.2.1", 2)));
        assert_false(is_local(v6("2001:db8::2", 1), v6("2001:db8::1", 2)));
        assert_false(is_local(v6("::ffff:192.0.2.2", 1), v6("::ffff:192.0.2.1", 2)));
        assert_true(is_local((SocketAddress){.un.sun_family = AF_UNIX}, (SocketAddress){}));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_unix_path),
                cmocka_unit_test(test_local),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
