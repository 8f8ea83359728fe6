#include "services/held.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/* A held call ends this much before its caller's own deadline, so that the answer is still in time. */
#define HELD_MARGIN (500 * USEC_PER_MSEC)

typedef struct HeldKey {
        uint64_t key;
        HeldCall *calls;
        UT_hash_handle hh;
} HeldKey;

struct HeldList {
        sd_event *event;
        sd_event_source *timer;
        usec_t limit;
        held_expired_t expired;
        void *userdata;
        HeldKey *keys;
        HeldCall *calls; /* oldest first */
        size_t n;
        uint64_t last_serial;
        size_t n_short; /* calls whose own deadline ends them before the limit: they are out of order */
        usec_t armed;   /* what the timer stands at */
        bool closed;
};

static HeldKey *find_key(HeldList *l, uint64_t key)
{
        HeldKey *k;

        HASH_FIND(hh, l->keys, &key, sizeof(key), k);
        return k;
}

static void unlink_call(HeldCall *h)
{
        HeldList *l = h->list;
        HeldKey *k = find_key(l, h->key);

        DL_DELETE(l->calls, h);
        DL_DELETE2(k->calls, h, key_prev, key_next);
        if (!k->calls) {
                HASH_DEL(l->keys, k);
                free(k);
        }
        l->n--;
        l->n_short -= h->is_short;
        h->list = NULL;
}

static void held_free(HeldCall *h)
{
        service_request_free(h->request);
        free(h);
}

static void on_cancelled(ServiceHold *hold)
{
        HeldCall *h = CONTAINER_OF(hold, HeldCall, hold);

        if (h->list)
                unlink_call(h);
        held_free(h);
}

static void arm(HeldList *l, usec_t until)
{
        if (until >= l->armed)
                return;
        l->armed = until;
        (void) sd_event_source_set_time(l->timer, until);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

/* Calls are in the order of their end, but for those with a deadline of their own. */
static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        HeldList *l = userdata;
        usec_t now = now_monotonic(), next = USEC_INFINITY;
        HeldCall *h, *tmp;

        l->armed = USEC_INFINITY;
        DL_FOREACH_SAFE (l->calls, h, tmp) {
                if (h->until > now) {
                        next = MIN(next, h->until);
                        if (l->n_short == 0)
                                break;
                        continue;
                }
                unlink_call(h);
                call_set_data(h->call, NULL);
                l->expired(h, l->userdata);
                held_free(h);
        }
        arm(l, next);
        return 0;
}

int held_list_new(sd_event *event, usec_t limit, held_expired_t expired, void *userdata, HeldList **ret)
{
        _cleanup_(held_list_freep) HeldList *l = new0(HeldList, 1);
        int r;

        if (!l)
                return -ENOMEM;
        l->event = sd_event_ref(event);
        l->limit = limit;
        l->armed = USEC_INFINITY;
        l->expired = expired;
        l->userdata = userdata;
        r = sd_event_add_time(event, &l->timer, CLOCK_MONOTONIC, 0, 100 * USEC_PER_MSEC, on_timer, l);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        *ret = TAKE_PTR(l);
        return 0;
}

void held_list_flush(HeldList *l, RpcErrorId error)
{
        while (l->calls)
                call_fail(held_take(l->calls), error, NULL);
}

HeldList *held_list_free(HeldList *l)
{
        if (!l)
                return NULL;
        held_list_flush(l, RPCERR_SHUTTING_DOWN);
        sd_event_source_disable_unref(l->timer);
        sd_event_unref(l->event);
        return mfree(l);
}

void held_list_close(HeldList *l)
{
        l->closed = true;
        held_list_flush(l, RPCERR_SHUTTING_DOWN);
}

static HeldKey *get_key(HeldList *l, uint64_t key)
{
        HeldKey *k = find_key(l, key);

        if (k)
                return k;
        k = new0(HeldKey, 1);
        if (!k)
                return NULL;
        k->key = key;
        HASH_ADD(hh, l->keys, key, sizeof(k->key), k);
        return k->hh.tbl ? k : mfree(k);
}

static int refuse(Call *c, Request *request, RpcErrorId error, int r)
{
        call_fail(c, error, "Out of memory");
        service_request_free(request);
        return r;
}

int held_list_add(HeldList *l, Call *c, uint64_t key, Request *request, HeldCall **ret)
{
        usec_t deadline = call_deadline(c), now = now_monotonic();
        HeldCall *h;
        HeldKey *k;

        if (l->closed)
                return refuse(c, request, RPCERR_SHUTTING_DOWN, -ESHUTDOWN);
        h = new0(HeldCall, 1);
        k = h ? get_key(l, key) : NULL;
        if (!k) {
                free(h);
                return refuse(c, request, RPCERR_BUSY, -ENOMEM);
        }
        *h = (HeldCall){
                .hold.cancelled = on_cancelled,
                .call = c,
                .key = key,
                .request = request,
                .list = l,
                .serial = ++l->last_serial,
                .until = now + l->limit,
        };
        if (deadline != USEC_INFINITY && MAX(deadline, now + HELD_MARGIN) - HELD_MARGIN < h->until) {
                h->until = MAX(deadline, now + HELD_MARGIN) - HELD_MARGIN;
                h->is_short = true;
        }
        DL_APPEND(l->calls, h);
        DL_APPEND2(k->calls, h, key_prev, key_next);
        l->n++;
        l->n_short += h->is_short;
        call_set_data(c, h);
        arm(l, h->until);
        if (ret)
                *ret = h;
        return 0;
}

HeldCall *held_first(HeldList *l, uint64_t key)
{
        HeldKey *k = find_key(l, key);

        return k ? k->calls : NULL;
}

HeldCall *held_next_of_key(HeldCall *h)
{
        return h->key_next;
}

HeldCall *held_any(HeldList *l)
{
        return l->calls;
}

HeldCall *held_next(HeldCall *h)
{
        return h->next;
}

Call *held_take_with_request(HeldCall *h, Request **ret_request)
{
        Call *c = h->call;

        unlink_call(h);
        call_set_data(c, NULL);
        *ret_request = TAKE_PTR(h->request);
        held_free(h);
        return c;
}

Call *held_take(HeldCall *h)
{
        Request *request;
        Call *c = held_take_with_request(h, &request);

        service_request_free(request);
        return c;
}

size_t held_count(const HeldList *l)
{
        return l->n;
}
