/* StreamLogs: each reader is a held call with a cursor; new lines and the end of the run wake it.
 *
 * Reads are asynchronous. While one is under way, an event sets AGAIN; a stream ends when the run is
 * finished and a read that began after that found nothing more. */
#include "services/control.h"

#define STREAM_READING (1u << 0)
#define STREAM_AGAIN (1u << 1)

/* A reader that does not read: no more is fetched for it until it has been looked at again and found
 * drained. */
#define STREAM_UNSENT_MAX ((size_t) 4 * 1024 * 1024)
#define STREAM_SLOW_PAUSE (100 * USEC_PER_MSEC)
/* Readers continue behind an entry by this much (superlink-wire 5.8). */
#define CURSOR_STEP 1e-6

typedef struct LogRead {
        Link *link;
        uint64_t run_id;
        uint64_t serial; /* of the HeldCall, which may be gone when the read returns */
} LogRead;

static HeldCall *find_stream(Link *l, uint64_t run_id, uint64_t serial)
{
        HeldCall *h = held_first(l->log_streams, run_id);

        while (h && h->serial != serial)
                h = held_next_of_key(h);
        return h;
}

static void read_logs(Link *l, HeldCall *h);

static int send_text(HeldCall *h, const char *text, double latest)
{
        LogsReply *m = rpc_new(RPC_STREAM_LOGS_RESPONSE);
        RpcReply *reply;

        if (m)
                m->log_output = strdup(text);
        if (!m || !m->log_output) {
                rpc_free(RPC_STREAM_LOGS_RESPONSE, m);
                return -ENOMEM;
        }
        m->latest_timestamp = latest;
        reply = rpc_reply_new(RPC_STREAM_LOGS_RESPONSE, m);
        if (!reply)
                return -ENOMEM;
        call_send(h->call, reply, rpc_reply_encode, rpc_reply_free);
        h->cursor = MAX(latest + CURSOR_STEP, h->cursor);
        return 0;
}

static void look_again_later(Link *l, uint64_t run_id)
{
        (void) id_set_add(&l->slow_logs, run_id);
        (void) sd_event_source_set_time(l->slow_readers, now_monotonic() + STREAM_SLOW_PAUSE);
        (void) sd_event_source_set_enabled(l->slow_readers, SD_EVENT_ONESHOT);
}

static void got_logs(int outcome, const char *text, double latest, bool more, void *userdata)
{
        _cleanup_free_ LogRead *read = userdata;
        Link *l = read->link;
        HeldCall *h = find_stream(l, read->run_id, read->serial);
        const Run *run = store_run(l->store, read->run_id);
        bool again;

        if (!h)
                return;
        again = h->state & STREAM_AGAIN;
        h->state = 0;
        if (outcome < 0 || (!isempty(text) && send_text(h, text, latest) < 0)) {
                service_fail_errno(
                        held_take(h), outcome < 0 ? outcome : -ENOMEM, "The log could not be read");
                return;
        }
        if (call_unsent(h->call) > STREAM_UNSENT_MAX) {
                look_again_later(l, read->run_id);
                return;
        }
        if (!isempty(text) || again)
                read_logs(l, h);
        else if (!run || run->status == RUN_FINISHED)
                call_finish(held_take(h));
}

static void read_logs(Link *l, HeldCall *h)
{
        LogRead *read = new0(LogRead, 1);

        if (!read)
                return;
        *read = (LogRead){.link = l, .run_id = h->key, .serial = h->serial};
        h->state = STREAM_READING;
        if (store_log_read(l->store, h->key, h->cursor, got_logs, read) < 0) {
                free(read);
                call_fail(held_take(h), RPCERR_RUN_NOT_FOUND, NULL);
        }
}

void control_wake_logs(Link *l, uint64_t run_id)
{
        HeldCall *h = held_first(l->log_streams, run_id), *next;

        for (; h; h = next) {
                next = held_next_of_key(h);
                if (h->state & STREAM_READING)
                        h->state |= STREAM_AGAIN;
                else if (call_unsent(h->call) > STREAM_UNSENT_MAX)
                        look_again_later(l, run_id);
                else
                        read_logs(l, h);
        }
}

int control_slow_readers(sd_event_source *s, uint64_t usec, void *userdata)
{
        Link *l = userdata;
        uint64_t run_id;
        IdSet *runs = TAKE_PTR(l->slow_logs);

        while (id_set_pop(&runs, &run_id))
                control_wake_logs(l, run_id);
        return 0;
}

/* The CLI comes back from where it was when its own deadline ends the stream. */
void control_logs_expired(HeldCall *h, void *userdata)
{
        call_fail(h->call, RPCERR_DEADLINE, NULL);
}

void control_stream_logs(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        double after = m->after_timestamp;
        HeldCall *h;

        if (!store_run(l->store, m->run_id)) {
                call_fail(c, RPCERR_RUN_NOT_FOUND, NULL);
                service_request_free(req);
                return;
        }
        if (held_list_add(l->log_streams, c, m->run_id, req, &h) < 0)
                return;
        h->cursor = after + CURSOR_STEP;
        read_logs(l, h);
}
