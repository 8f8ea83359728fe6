/* What an administrator should know of this hub at a glance: STATUS= of the service, and a message when
 * something of it becomes bad, or good again. */
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/daemon.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/text.h"
#include "superlink/superlink.h"

#define STATUS_EVERY (5 * USEC_PER_SEC)
#define DAY (24 * 60 * 60)
/* Whoever renews certificates does so earlier than this, or before the last third of a short life. */
#define CERTIFICATE_SOON (14 * DAY)
#define CERTIFICATE_SAID_EVERY (DAY * USEC_PER_SEC)
/* Beside the certificate: flwr-provision says that this machine is a copy, until a person has decided. */
#define COPIED "copied"

typedef enum Life {
        LIFE_GOOD,
        LIFE_SOON,
        LIFE_OVER,
} Life;

static Life certificate_life(const Superlink *s, char day[static ISO_TIME_MAX])
{
        time_t now = time(NULL), from, until;

        tls_server_life(s->tls, &from, &until);
        iso_time_format((usec_t) MAX(until, (time_t) 0) * USEC_PER_SEC, day);
        day[MIN(strlen(day), strlen("2026-12-25"))] = 0;
        return now > until                                               ? LIFE_OVER
               : until - now < MIN(CERTIFICATE_SOON, (until - from) / 3) ? LIFE_SOON
                                                                         : LIFE_GOOD;
}

void superlink_say_certificate(Superlink *s)
{
        char day[ISO_TIME_MAX];

        s->certificate_said = now_monotonic();
        switch (s->tls ? certificate_life(s, day) : LIFE_GOOD) {
        case LIFE_GOOD:
                break;
        case LIFE_SOON:
                log_with(LOG_WARNING, (&(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_ENDS_SOON}),
                        "The certificate %s ends on %s, and has not been renewed: nodes and users refuse it "
                        "from then on. Put a new one there, and its key: a reload takes it",
                        s->certificate, day);
                break;
        case LIFE_OVER:
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_ENDS_SOON}),
                        "The certificate %s has ended on %s: nodes and users refuse it. Put a new one "
                        "there, and its key: a reload takes it",
                        s->certificate, day);
                break;
        }
}

static void add_certificate(const Superlink *s, Buf *b)
{
        static const char *const texts[] = {
                [LIFE_GOOD] = "certificate until %s",
                [LIFE_SOON] = "certificate ENDS on %s, renew it",
                [LIFE_OVER] = "certificate HAS ENDED on %s, renew it",
        };
        char day[ISO_TIME_MAX];
        Life life;

        if (!s->tls)
                return;
        life = certificate_life(s, day);
        (void) buf_append_str(b, ", ");
        (void) buf_printf(b, texts[life], day);
}

static bool is_copied(const Superlink *s)
{
        const char *slash = s->certificate ? strrchr(s->certificate, '/') : NULL;
        _cleanup_free_ char *path = NULL;

        if (!slash)
                return false;
        path = xasprintf("%.*s/" COPIED, (int) (slash - s->certificate), s->certificate);
        return path && access(path, F_OK) >= 0;
}

static void look_at_space(Superlink *s)
{
        bool low = store_check_space(s->store) < 0;

        if (low && !s->space_is_low)
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_SPACE_LOW}),
                        "The file system of %s is nearly full: no runs, messages and objects are taken "
                        "until there are %" PRIu64 " MiB again; nodes and apps wait, nothing is lost. See "
                        "what fills it: df -h %s",
                        s->home, SUPERLINK_FREE_SPACE_FLOOR / 1024 / 1024, s->home);
        else if (!low && s->space_is_low)
                log_with(LOG_NOTICE, (&(LogFields){.message_id = FLWR_MESSAGE_SPACE_ENOUGH}),
                        "There is space for %s again: work is taken", s->home);
        s->space_is_low = low;
}

static void tell_status(Superlink *s)
{
        _cleanup_buf_ Buf b = {};
        LinkStatus status;

        link_status(s->link, &status);
        (void) buf_printf(&b, "%s%s%s%u of %u nodes online, %u run%s",
                s->space_is_low ? "DISK FULL, no new work; " : "",
                s->lacks_fleet ? "NO FLEET SOCKET, nodes cannot connect; " : "",
                is_copied(s) ? "COPIED MACHINE (flwr-provision superlink --adopt, or --rotate); " : "",
                status.nodes_online, status.nodes_known, status.runs_active,
                status.runs_active == 1 ? "" : "s");
        add_certificate(s, &b);
        daemon_notify_status("%.*s", (int) b.size, (const char *) b.data);
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata)
{
        Superlink *s = userdata;

        if (!store_is_healthy(s->store)) {
                log_with(LOG_ERR, (&(LogFields){.message_id = FLWR_MESSAGE_STATE_UNWRITABLE}),
                        "The state in %s cannot be written any more (is the disk full or broken?); ending, "
                        "so that nothing is promised that is not kept.",
                        s->home);
                s->exit_status = EX_IOERR;
                superlink_stop(s);
                return 0;
        }
        look_at_space(s);
        if (now_monotonic() - s->certificate_said >= CERTIFICATE_SAID_EVERY)
                superlink_say_certificate(s);
        tell_status(s);
        (void) sd_event_source_set_time(source, now_monotonic() + STATUS_EVERY);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void superlink_look_again(Superlink *s)
{
        (void) sd_event_source_set_time(s->status, 0);
        (void) sd_event_source_set_enabled(s->status, SD_EVENT_ONESHOT);
}

int superlink_watch_condition(Superlink *s)
{
        return sd_event_add_time(s->event, &s->status, CLOCK_MONOTONIC, 0, USEC_PER_SEC, on_status, s);
}
