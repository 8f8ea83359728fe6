#include "provision/join-string.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/text.h"
#include "model/ssh-key.h"
#include "provision/x509-make.h"
#include "provision/x509-util.h"
#include "services/invite.h"

#define PIN_DIGITS 64

void join_string_done(JoinString *j)
{
        j->address = mfree(j->address);
        j->host = mfree(j->host);
        j->pin = mfree(j->pin);
        j->id = mfree(j->id);
        j->secret = wipe_free(j->secret);
}

static bool is_hex(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!isdigit((unsigned char) s[i]) && !(s[i] >= 'a' && s[i] <= 'f'))
                        return false;
        return true;
}

int join_address_parse(const char *s, JoinString *ret, char **reterr_text)
{
        _cleanup_join_string_ JoinString j = {};
        struct in6_addr v6;
        uint16_t port;
        int r;

        r = parse_address(s, &j.host, &port);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || port == 0 || !x509_name_is_valid(j.host) || startswith(j.host, "*") ||
                (inet_pton(AF_INET6, j.host, &v6) == 1) != (*s == '['))
                return x509_fail(-EINVAL, reterr_text,
                        "The address of the SuperLink must be HOST:PORT or [IPv6]:PORT, with a port from 1 "
                        "to 65535");
        j.address = strdup(s);
        if (!j.address)
                return -ENOMEM;
        *ret = j;
        j = (JoinString){};
        return 0;
}

static int parse_pin(const char *value, JoinString *j, char **reterr_text)
{
        const char *hex = startswith(value, JOIN_PIN_PREFIX);

        if (j->pin || !hex || strlen(hex) != PIN_DIGITS || !is_hex(hex, PIN_DIGITS))
                return x509_fail(-EINVAL, reterr_text,
                        "\"ca=\" must be there once, as \"" JOIN_PIN_PREFIX "\" and %d hexadecimal digits",
                        PIN_DIGITS);
        j->pin = strdup(value);
        return j->pin ? 0 : -ENOMEM;
}

static int parse_token(const char *value, JoinString *j, char **reterr_text)
{
        const char *dot = strchr(value, '.');

        if (j->secret || !dot)
                return x509_fail(-EINVAL, reterr_text, "\"t=\" is not the token of an invitation");
        j->id = strndup(value, (size_t) (dot - value));
        j->secret = strdup(dot + 1);
        if (!j->id || !j->secret)
                return -ENOMEM;
        if (!invite_id_is_valid(j->id) || !invite_secret_is_valid(j->secret))
                return x509_fail(-EINVAL, reterr_text, "\"t=\" is not the token of an invitation");
        return 0;
}

static int parse_parameters(char *text, JoinString *j, char **reterr_text)
{
        char *save = NULL;
        int r;

        for (char *p = strtok_r(text, "&", &save); p; p = strtok_r(NULL, "&", &save)) {
                if (startswith(p, "ca="))
                        r = parse_pin(p + strlen("ca="), j, reterr_text);
                else if (startswith(p, "t="))
                        r = parse_token(p + strlen("t="), j, reterr_text);
                else
                        r = x509_fail(-EINVAL, reterr_text, "After \"?\" only \"ca=\" and \"t=\" are known");
                if (r < 0)
                        return r;
        }
        return j->pin ? 0 : x509_fail(-EINVAL, reterr_text, "The pin of the CA (\"?ca=...\") is missing");
}

/* Without blanks around it; NULL: too long, or characters that are in no join string. */
static int clean(const char *s, char **ret, char **reterr_text)
{
        size_t n;

        s += strspn(s, " \t\r\n");
        for (n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]); n--)
                ;
        if (n == 0 || n > JOIN_STRING_MAX)
                return x509_fail(
                        -EINVAL, reterr_text, "A join string has 1 to %d characters", JOIN_STRING_MAX);
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] > '~')
                        return x509_fail(
                                -EINVAL, reterr_text, "A join string is one word of printable characters");
        *ret = strndup(s, n);
        return *ret ? 0 : -ENOMEM;
}

int join_string_parse(const char *s, JoinString *ret, char **reterr_text)
{
        _cleanup_join_string_ JoinString j = {};
        _cleanup_wipe_ char *copy = NULL;
        char *address, *parameters;
        int r;

        r = clean(s, &copy, reterr_text);
        if (r < 0)
                return r;
        if (!startswith(copy, JOIN_SCHEME))
                return join_address_parse(copy, ret, reterr_text);
        address = copy + strlen(JOIN_SCHEME);
        parameters = strchr(address, '?');
        if (!parameters)
                return x509_fail(-EINVAL, reterr_text, "The pin of the CA (\"?ca=...\") is missing");
        *parameters++ = 0;
        r = join_address_parse(address, &j, reterr_text);
        if (r >= 0)
                r = parse_parameters(parameters, &j, reterr_text);
        if (r < 0)
                return r;
        *ret = j;
        j = (JoinString){};
        return 0;
}

char *join_string_format(const JoinString *j)
{
        return xasprintf(JOIN_SCHEME "%s?ca=%s%s%s%s%s", j->address, j->pin, j->id ? "&t=" : "",
                strempty(j->id), j->id ? "." : "", strempty(j->secret));
}
