#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "model/ssh-key.h"
#include "provision/invite-make.h"
#include "provision/provision.h"
#include "services/invite.h"

static const Option options[] = {ROWS_INVITE, {OPTION_END}};

const Program program_invite = {
        .name = "flwr-provision invite",
        .summary = "Print a join string for a node, with a secret that registers it. On the SuperLink's "
                   "host, as root.",
        .options = options,
        .examples = "  flwr-provision invite --name site-a\n"
                    "  flwr-provision invite --uses 20 --ttl 2h --address flower.example.org:9092\n",
};

static int parse_life(const char *s, usec_t *ret)
{
        static const struct {
                char unit;
                unsigned seconds;
        } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
        _cleanup_free_ char *number = *s ? strndup(s, strlen(s) - 1) : NULL;
        uint64_t n = 0;

        for (size_t i = 0; number && i < ELEMENTSOF(units); i++)
                if (s[strlen(s) - 1] == units[i].unit && parse_u64(number, &n) >= 0 && n > 0 &&
                        n <= INVITE_LIFE_MAX / USEC_PER_SEC / units[i].seconds) {
                        *ret = n * units[i].seconds * USEC_PER_SEC;
                        return 0;
                }
        log_error("--ttl takes a number and m, h or d, as in 24h; at most a year");
        return -EINVAL;
}

int command_invite(const Arguments *a, char **positionals)
{
        InviteSpec spec = {.address = a->address, .name = a->name, .uses = a->uses};
        _cleanup_join_string_ JoinString j = {};
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        _cleanup_wipe_ char *text = NULL;
        int r;

        r = parse_life(a->ttl ? a->ttl : INVITE_TTL, &spec.life);
        if (r < 0)
                return r;
        if (a->uses == 0 || a->uses > INVITE_USES_MAX) {
                log_error("--uses must be 1 to %d", INVITE_USES_MAX);
                return -EINVAL;
        }
        if (a->name && !invite_name_is_valid(a->name)) {
                log_error("--name takes 1 to %d printable ASCII characters", INVITE_NAME_MAX);
                return -EINVAL;
        }
        r = place_open(a->root, &p);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0)
                r = invite_make(&p, &spec, &j);
        if (r < 0)
                return r;
        text = join_string_format(&j);
        if (!text)
                return log_oom();
        printf("%s\n", text);
        return 0;
}
