#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "provision/machine.h"
#include "provision/provision.h"
#include "provision/superlink-files.h"

#define COPIED_TEXT                                                                                         \
        "This machine is a copy: flwr-provision superlink --adopt when the original is gone, --rotate "     \
        "when "                                                                                             \
        "it is not.\n"

static const Option options[] = {ROWS_SUPERLINK, {OPTION_END}};

const Program program_superlink = {
        .name = "flwr-provision superlink",
        .summary = "Bring keys and certificates of this host's SuperLink, below /etc/flwr/tls, to what they "
                   "should be.",
        .options = options,
        .examples = "  flwr-provision superlink\n"
                    "  flwr-provision superlink --rotate-ca --until 2027-03-01\n",
};

static int parse_day(const char *s, usec_t *ret)
{
        struct tm tm = {};
        const char *end = strptime(s, "%Y-%m-%d", &tm);
        time_t t;

        if (strlen(s) != strlen("2027-03-01") || !end || *end) {
                log_error("--until takes a day like 2027-03-01, not \"%s\"", s);
                return -EINVAL;
        }
        t = timegm(&tm);
        if (t < 0)
                return -EINVAL;
        *ret = (usec_t) t * USEC_PER_SEC;
        return 0;
}

static int check(const Arguments *a, usec_t *ret_until)
{
        if (a->rotate + a->adopt + a->rotate_ca > 1) {
                log_error("Only one of --rotate, --adopt and --rotate-ca can be done at a time");
                return -EINVAL;
        }
        if (a->rotate_ca != !!a->until) {
                log_error("--rotate-ca and --until DATE belong together");
                return -EINVAL;
        }
        return a->until ? parse_day(a->until, ret_until) : 0;
}

static int look_at_machine(SuperlinkFiles *f, const Arguments *a)
{
        char current[MACHINE_SIZE];
        MachineState state;
        int r;

        r = machine_current(f->place, current);
        if (r < 0)
                return r;
        state = machine_state(f->mark, current, f->ca_key, f->joined);
        if (state == MACHINE_COPY && !a->adopt && !a->rotate) {
                log_with(LOG_WARNING, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_KEPT},
                        "This machine is a copy of a SuperLink that nodes have joined. Its keys were kept. "
                        "If the "
                        "original is gone: flwr-provision superlink --adopt; if not: flwr-provision "
                        "superlink --rotate");
                return place_write(f->place, PLACE_COPIED, COPIED_TEXT, 0644, (gid_t) -1);
        }
        r = place_remove(f->place, PLACE_COPIED);
        if (r < 0)
                return r;
        if (state == MACHINE_COPY && a->adopt)
                log_with(LOG_NOTICE, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_ADOPTED},
                        "This machine goes on as the SuperLink that it is a copy of");
        if (state == MACHINE_FRESH && !a->adopt)
                log_with(LOG_NOTICE, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_RENEWED},
                        "This machine is a copy of another one: its SuperLink gets keys of its own");
        if (a->rotate || (state == MACHINE_FRESH && !a->adopt)) {
                r = superlink_remove(f);
                if (r < 0)
                        return r;
                if (f->joined)
                        superlink_forget_joined(f->place);
                f->joined = false;
        }
        if (state == MACHINE_SAME)
                return 0;
        return place_write(f->place, PLACE_MACHINE, current, 0600, (gid_t) -1);
}

static int run(const Place *p, const Arguments *a, usec_t until)
{
        _cleanup_superlink_files_ SuperlinkFiles f = {};
        int r;

        r = superlink_files_load(p, &f);
        if (r >= 0)
                r = superlink_own_certificate(&f);
        if (r > 0 && (a->rotate || a->rotate_ca)) {
                log_error("The certificate %s is not of this program's making: nothing was changed",
                        PLACE_SERVER_CERTIFICATE);
                return -EEXIST;
        }
        if (r != 0)
                return MIN(r, 0);
        if (a->rotate_ca && !f.ca_key) {
                log_error("There is no CA yet: \"flwr-provision superlink\" makes one");
                return -ENOENT;
        }
        r = look_at_machine(&f, a);
        if (r >= 0)
                r = superlink_ca(&f, a->rotate_ca ? &until : NULL);
        if (r >= 0)
                r = superlink_names(&f);
        if (r >= 0)
                r = superlink_server(&f);
        return r < 0 ? r : superlink_mend_access(&f);
}

int command_superlink(const Arguments *a, char **positionals)
{
        _cleanup_place_ Place p = {.lock_fd = -EBADF};
        usec_t until = 0;
        gid_t group;
        int r;

        r = check(a, &until);
        if (r >= 0)
                r = place_open(a->root, &p);
        if (r >= 0)
                r = place_group(&p, PLACE_SUPERLINK_USER, &group);
        if (r >= 0)
                r = place_lock(&p);
        if (r >= 0)
                r = place_make_dir(&p, PLACE_TLS, 0755, (gid_t) -1);
        if (r >= 0)
                r = place_make_dir(&p, PLACE_TLS_PRIVATE, 0700, (gid_t) -1);
        return r < 0 ? r : run(&p, a, until);
}
