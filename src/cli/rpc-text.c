#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/rpc-text.h"

/* For a socket that cannot be looked at. */
#define GROUP_DEFAULT "flwr"

static const char *group_of(const char *path)
{
        const struct group *g;
        struct stat st;

        if (stat(path, &st) < 0)
                return GROUP_DEFAULT;
        g = getgrgid(st.st_gid);
        return g ? g->gr_name : GROUP_DEFAULT;
}

static bool is_forbidden(const char *path)
{
        return access(path, R_OK | W_OK) < 0 && errno == EACCES;
}

static char *explain_forbidden(const char *path)
{
        const char *group = group_of(path);
        const struct passwd *user = getpwuid(getuid());

        return xasprintf(
                "%s: you are not in group %s: ask the administrator (usermod -aG %s %s), then log in "
                "again.",
                path, group, group, user ? user->pw_name : "USER");
}

static char *explain_unix_unavailable(const char *detail, const ConnConfig *c)
{
        const char *path = startswith(c->address, "unix:");

        if (streq(path, CONN_SYSTEM_SOCKET))
                return xasprintf(
                        "Cannot reach the SuperLink of this machine (\"%s\" of %s): %s\nWhat `systemctl "
                        "status flower-superlink-control.socket flower-superlink` says may help.",
                        c->name, c->source, detail);
        return xasprintf("Cannot reach the SuperLink (\"%s\" of %s): %s", c->name, c->source, detail);
}

static char *explain_unavailable(const char *detail, const ConnConfig *c)
{
        if (startswith(c->address, "unix:"))
                return explain_unix_unavailable(detail, c);
        if (!strstr(detail, "handshake failed"))
                return xasprintf("Cannot reach the SuperLink (\"%s\" of %s): %s\nThe Control API of "
                                 "flower-superlink is on port 9093 "
                                 "by default.",
                        c->name, c->source, detail);
        if (c->insecure)
                return xasprintf("The SuperLink at %s refused the connection (\"%s\" of %s): %s\nIt may "
                                 "expect TLS: set "
                                 "root-certificates instead of insecure = true.",
                        c->address, c->name, c->source, detail);
        return xasprintf(
                "No TLS connection to the SuperLink at %s (\"%s\" of %s): %s\nIts certificate must be for "
                "that host "
                "name and signed by a CA in %s; a SuperLink started with --insecure needs insecure = true.",
                c->address, c->name, c->source, detail,
                c->root_certificates ? c->root_certificates
                                     : "the system's trust store (set root-certificates for your own)");
}

static char *explain_unimplemented(const char *detail, const ConnConfig *c)
{
        if (strstr(detail, "without account authentication") ||
                strstr(detail, "without user authentication"))
                return xasprintf(
                        "Account authentication is not enabled on the SuperLink at %s.", c->address);
        if (strstr(detail, "without artifact provider"))
                return xasprintf("The SuperLink at %s keeps no artifacts.", c->address);
        return xasprintf("The server at %s does not know this call: %s\nIs this the address of the Control "
                         "API (port 9093 by "
                         "default), and not of the Fleet API?",
                c->address, detail);
}

static char *explain_not_found(const char *detail)
{
        if (strstr(detail, "Run ID"))
                return strdup("There is no such run. `flwr ls` shows the runs that the SuperLink knows.");
        if (strstr(detail, "Node ID"))
                return strdup("There is no such SuperNode. `flwr supernode list` shows those that the "
                              "SuperLink knows.");
        return strdup(detail);
}

static char *explain_refused(const char *detail, const ConnConfig *c)
{
        if (strstr(detail, "Public key already in use"))
                return xasprintf("The SuperLink at %s knows this public key already. `flwr supernode list "
                                 "--verbose` shows its SuperNodes; the key of an unregistered one cannot be "
                                 "used again: make another.",
                        c->address);
        if (strstr(detail, "public key is not valid"))
                return xasprintf(
                        "The SuperLink at %s does not take this public key: it must be an ECDSA key on a "
                        "NIST curve.",
                        c->address);
        return xasprintf("The SuperLink at %s refused: %s", c->address, detail);
}

int rpc_explain(RpcClass status, const char *detail, const ConnConfig *c, char **ret_text)
{
        const char *path = startswith(c->address, "unix:");

        detail = strempty(detail);
        if (status == RPC_UNAVAILABLE && path && is_forbidden(path)) {
                *ret_text = explain_forbidden(path);
                return EX_NOPERM;
        }
        switch (status) {
        case RPC_UNAVAILABLE:
                *ret_text = explain_unavailable(detail, c);
                return EX_UNAVAILABLE;
        case RPC_DEADLINE_EXCEEDED:
                *ret_text = xasprintf("The SuperLink at %s did not answer in time. Try again.", c->address);
                return EX_TEMPFAIL;
        case RPC_UNAUTHENTICATED:
                *ret_text = xasprintf(
                        "The SuperLink at %s wants to know who you are: %s\nLog in with `flwr login` of the "
                        "Python package, or ask its administrator for access.",
                        c->address, detail);
                return EX_NOPERM;
        case RPC_PERMISSION_DENIED:
                *ret_text = xasprintf("Permission denied. %s", detail);
                return EX_NOPERM;
        case RPC_UNIMPLEMENTED:
                *ret_text = explain_unimplemented(detail, c);
                return EX_PROTOCOL;
        case RPC_NOT_FOUND:
                *ret_text = explain_not_found(detail);
                return EX_DATAERR;
        case RPC_FAILED_PRECONDITION:
        case RPC_INVALID_ARGUMENT:
        case RPC_ALREADY_EXISTS:
        case RPC_OUT_OF_RANGE:
                *ret_text = explain_refused(detail, c);
                return EX_DATAERR;
        default:
                *ret_text = xasprintf("The SuperLink at %s failed with %s: %s", c->address,
                        rpc_class_to_string(status), detail);
                return EX_SOFTWARE;
        }
}
