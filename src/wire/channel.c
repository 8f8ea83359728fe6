#include "wire/channel.h"

#include "base/text.h"
#include "wire/channel-internal.h"

void channel_wake(Channel *ch)
{
        if (ch->work)
                (void) sd_event_source_set_enabled(ch->work, SD_EVENT_ONESHOT);
}

void channel_fail_pending(Channel *ch, const char *detail)
{
        ClientCall *c;

        while ((c = TAILQ_FIRST(&ch->pending)))
                client_call_finish(c, RPC_UNAVAILABLE, detail);
}

static void on_connected(int fd, const char *detail, void *userdata)
{
        Channel *ch = userdata;
        int r;

        if (fd < 0)
                channel_fail_pending(ch, detail);
        else {
                r = client_conn_new(ch, fd, &ch->current);
                if (r < 0)
                        channel_fail_pending(ch, strerror(-r));
        }
        ch->connector = connector_free(ch->connector);
        channel_wake(ch);
}

static void channel_connect(Channel *ch)
{
        const ConnectorConfig config = {
                .unix_path = ch->unix_path,
                .host = ch->host,
                .port = ch->port,
                .done = on_connected,
                .userdata = ch,
        };
        int r;

        r = connector_new(ch->event, &config, &ch->connector);
        if (r < 0)
                channel_fail_pending(ch, strerror(-r));
}

static void channel_submit_pending(Channel *ch)
{
        ClientCall *c;
        int r;

        while (ch->current && client_conn_is_usable(ch->current) && (c = TAILQ_FIRST(&ch->pending))) {
                r = client_call_submit(c, ch->current);
                if (r == -EPIPE) {
                        ClientConn *old = TAKE_PTR(ch->current);

                        old->draining = true;
                        client_conn_check_drained(old);
                } else if (r < 0)
                        client_call_finish(c, RPC_RESOURCE_EXHAUSTED, "Out of memory");
        }
        if (!TAILQ_EMPTY(&ch->pending) && !ch->current && !ch->connector)
                channel_connect(ch);
}

/* What is due now; what becomes due meanwhile comes in the next turn of the loop, so that a callback that
 * fails at once cannot spin. */
static void channel_deliver(Channel *ch)
{
        size_t n = 0;
        ClientCall *c;

        TAILQ_FOREACH(c, &ch->ready, ready)
        n++;
        for (; n > 0 && (c = TAILQ_FIRST(&ch->ready)); n--)
                client_call_deliver(c);
        if (!TAILQ_EMPTY(&ch->ready))
                channel_wake(ch);
}

static int channel_on_work(sd_event_source *es, void *userdata)
{
        Channel *ch = userdata;

        ch->in_work = true;
        channel_submit_pending(ch);
        channel_deliver(ch);
        ch->in_work = false;
        if (ch->freed)
                free(ch);
        return 0;
}

static int channel_set_address(Channel *ch, const char *address)
{
        int r;

        r = free_and_strdup(&ch->address, address);
        if (r < 0)
                return r;
        ch->unix_path = startswith(ch->address, "unix:");
        if (!ch->unix_path)
                return parse_address(address, &ch->host, &ch->port);
        if (isempty(ch->unix_path))
                return -EINVAL;
        return free_and_strdup(&ch->host, "localhost");
}

int channel_new(sd_event *event, const char *address, TlsContext *tls, Channel **ret)
{
        _cleanup_(channel_freep) Channel *ch = NULL;
        int r;

        ch = new0(Channel, 1);
        if (!ch)
                return -ENOMEM;
        ch->event = sd_event_ref(event);
        ch->tls = tls_context_ref(tls);
        LIST_INIT(&ch->conns);
        TAILQ_INIT(&ch->pending);
        TAILQ_INIT(&ch->ready);
        r = channel_set_address(ch, address);
        if (r < 0)
                return r;
        r = io_loop_new(event, &ch->io);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &ch->work, channel_on_work, ch);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(ch->work, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ch);
        return 0;
}

static void channel_cancel_all(Channel *ch)
{
        ClientConn *conn;
        ClientCall *c;

        while ((c = TAILQ_FIRST(&ch->pending)))
                client_call_finish(c, RPC_CANCELLED, "Cancelled");
        LIST_FOREACH (conn, &ch->conns, list)
                while ((c = TAILQ_FIRST(&conn->calls)))
                        client_call_finish(c, RPC_CANCELLED, "Cancelled");
        while ((c = TAILQ_FIRST(&ch->ready)))
                client_call_complete(c);
}

Channel *channel_free(Channel *ch)
{
        ClientConn *conn;

        if (!ch || ch->freed)
                return NULL;
        ch->freed = true;
        ch->in_callback = NULL;
        channel_cancel_all(ch);
        while ((conn = LIST_FIRST(&ch->conns)))
                client_conn_free(conn);
        connector_free(ch->connector);
        ch->work = sd_event_source_disable_unref(ch->work);
        io_loop_free(ch->io);
        tls_context_unref(ch->tls);
        sd_event_unref(ch->event);
        free(ch->address);
        free(ch->host);
        if (!ch->in_work)
                free(ch);
        return NULL;
}

const char *channel_address(const Channel *ch)
{
        return ch->address;
}

int channel_call(Channel *ch, const ClientCallConfig *config, BlobVec *message, ClientCall **ret)
{
        ClientCall *c;
        int r;

        if (ch->freed) {
                blobvec_done(message);
                return -ESHUTDOWN;
        }
        r = client_call_new(ch, config, message, &c);
        if (r < 0)
                return r;
        channel_wake(ch);
        if (ret)
                *ret = c;
        return 0;
}
