#include "provision/invite-make.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/options.h"
#include "base/text.h"
#include "provision/names.h"
#include "provision/x509-chain.h"
#include "provision/x509-make.h"
#include "services/invite.h"

#define INVITES_DIRECTORY "invites"
#define FLEET_PORT "9092"
#define INVITES_MAX 1000 /* each is a file of the hub: more at a time is a loop that ran away */
/* Expired ones are kept for a while, so that who comes late is told so. */
#define INVITE_KEEP_USEC (7 * 86400 * USEC_PER_SEC)

static int open_invites(const Place *p, const Account *owner)
{
        _cleanup_close_ int state = -EBADF, fd = -EBADF;

        state = place_open_state(p, "superlink", owner);
        if (state < 0)
                return state;
        if (mkdirat(state, INVITES_DIRECTORY, 0750) < 0 && errno != EEXIST)
                return log_error_errno(errno, "The directory of invitations cannot be made");
        fd = openat(state, INVITES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || (owner->uid != geteuid() && fchown(fd, owner->uid, owner->gid) < 0))
                return log_error_errno(errno, "The directory of invitations cannot be opened");
        return TAKE_FD(fd);
}

static bool is_over(int dir_fd, const char *id, usec_t now)
{
        char text[INVITE_FILE_SIZE_MAX / 16];
        _cleanup_close_ int fd = -EBADF;
        _cleanup_invite_ Invite i = {};
        ssize_t n;

        fd = openat(dir_fd, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = 0;
        /* A long one is cut: whole lines of its head are enough. */
        if (n == sizeof(text) - 1 && strrchr(text, '\n'))
                *strrchr(text, '\n') = 0;
        return invite_parse(text, &i) >= 0 && now > i.until + INVITE_KEEP_USEC;
}

static int tidy(int dir_fd, usec_t now)
{
        int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *de;
        size_t n = 0;

        if (!d) {
                safe_close(fd);
                return log_error_errno(errno, "The directory of invitations cannot be read");
        }
        while ((de = readdir(d))) {
                if (!invite_id_is_valid(de->d_name))
                        continue;
                if (!is_over(dir_fd, de->d_name, now) || unlinkat(dir_fd, de->d_name, 0) < 0)
                        n++;
        }
        closedir(d);
        if (n < INVITES_MAX)
                return 0;
        log_error(
                "There are %zu invitations; more than %d are not kept. Remove some in %s/" INVITES_DIRECTORY,
                n, INVITES_MAX, PLACE_SUPERLINK_STATE);
        return -EDQUOT;
}

static int default_address(const Place *p, char **ret)
{
        _cleanup_free_ char *text = NULL, *error = NULL;
        char **names = NULL, *address;
        const char *best;
        int r;

        r = place_read(p, PLACE_NAMES, NAMES_FILE_SIZE_MAX, &text);
        if (r < 0)
                return r;
        r = text ? names_parse(text, &names, &error) : -ENOENT;
        best = r < 0 ? NULL : names_public(names);
        address = !best               ? NULL
                  : strchr(best, ':') ? xasprintf("[%s]:" FLEET_PORT, best)
                                      : xasprintf("%s:" FLEET_PORT, best);
        options_free_strings(names);
        if (!best) {
                log_error("Where nodes reach this SuperLink does not follow from %s%s: give --address "
                          "HOST:PORT",
                        p->root, PLACE_NAMES);
                return -EINVAL;
        }
        if (!address)
                return log_oom();
        *ret = address;
        return 0;
}

/* Of the CA in the chain that the SuperLink presents, since that is where the node will look for it. */
static int find_pin(const Place *p, char **ret)
{
        _cleanup_free_ char *chain = NULL, *ca = NULL, *error = NULL;
        int r;

        r = place_read(p, PLACE_SERVER_CERTIFICATE, X509_FILE_SIZE_MAX, &chain);
        if (r < 0)
                return r;
        if (!chain) {
                log_error("There is no %s%s: is this the host of a SuperLink? \"flwr-provision superlink\" "
                          "makes one",
                        p->root, PLACE_SERVER_CERTIFICATE);
                return -ENOENT;
        }
        r = x509_chain_ca(chain, &ca, &error);
        if (r >= 0)
                r = x509_pin(ca, ret, &error);
        if (r < 0)
                log_error("%s%s: %s. Append the certificate of the CA to it: nodes recognise the SuperLink "
                          "by it",
                        p->root, PLACE_SERVER_CERTIFICATE, error ? error : strerror(-r));
        return r;
}

static int make_token(JoinString *j)
{
        uint8_t id[(INVITE_ID_SIZE - 1) / 2], secret[(INVITE_SECRET_SIZE - 1) / 2];

        random_bytes(id, sizeof(id));
        random_bytes(secret, sizeof(secret));
        j->id = hex_encode(id, sizeof(id));
        j->secret = hex_encode(secret, sizeof(secret));
        explicit_bzero(secret, sizeof(secret));
        return j->id && j->secret ? 0 : log_oom();
}

static int write_invite(const Place *p, const InviteSpec *spec, const JoinString *j)
{
        usec_t now = now_realtime();
        Invite i = {.until = now + spec->life, .uses = spec->uses, .name = (char *) spec->name};
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        Account owner;
        int r;

        r = place_account(p, PLACE_SUPERLINK_USER, &owner);
        if (r >= 0)
                r = fd = open_invites(p, &owner);
        if (r >= 0)
                r = tidy(fd, now);
        if (r < 0)
                return r;
        invite_hash_secret(j->secret, &i.secret_hash);
        r = invite_format(&i, &text);
        return r < 0 ? log_oom() : state_write(fd, j->id, text, 0640, &owner);
}

int invite_make(const Place *p, const InviteSpec *spec, JoinString *ret)
{
        _cleanup_free_ char *address = NULL, *pin = NULL, *error = NULL;
        _cleanup_join_string_ JoinString j = {};
        int r;

        r = spec->address ? 0 : default_address(p, &address);
        if (r >= 0 && (r = join_address_parse(spec->address ? spec->address : address, &j, &error)) < 0)
                log_error("%s", error ? error : strerror(-r));
        if (r >= 0)
                r = find_pin(p, &pin);
        if (r >= 0)
                r = make_token(&j);
        if (r >= 0)
                r = write_invite(p, spec, &j);
        if (r < 0)
                return r;
        j.pin = TAKE_PTR(pin);
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_INVITE_MADE},
                "Made invitation %s%s%s, for %llu node%s", j.id, spec->name ? " for " : "",
                strempty(spec->name), (unsigned long long) spec->uses, spec->uses == 1 ? "" : "s");
        *ret = j;
        j = (JoinString){};
        return 0;
}

void invite_unmake(const Place *p, const char *id)
{
        _cleanup_close_ int state = place_open_state(p, "superlink", NULL), fd = -EBADF;

        if (state >= 0)
                fd = openat(state, INVITES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
                (void) unlinkat(fd, id, 0);
}
