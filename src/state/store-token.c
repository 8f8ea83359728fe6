#include "state/store-private.h"

#include "base/text.h"

int token_attach(Store *s, RunEntry *r, const char *token, usec_t until)
{
        int k;

        k = free_and_strdup(&r->token, token);
        if (k < 0)
                return k;
        sha256(token, strlen(token), &r->token_hash);
        HASH_ADD(by_token, s->runs_by_token, token_hash, sizeof(r->token_hash), r);
        if (!r->by_token.tbl) {
                r->token = mfree(r->token);
                return -ENOMEM;
        }
        r->token_until = until;
        DL_APPEND2(s->token_runs, r, token_prev, token_next);
        return 0;
}

void token_detach(Store *s, RunEntry *r)
{
        if (!r->token)
                return;
        HASH_DELETE(by_token, s->runs_by_token, r);
        DL_DELETE2(s->token_runs, r, token_prev, token_next);
        explicit_bzero(r->token, strlen(r->token));
        r->token = mfree(r->token);
        r->token_until = 0;
}

static void tell_changed(Store *s, uint64_t run_id)
{
        if (s->events.run_changed)
                s->events.run_changed(run_id, s->events.userdata);
}

int store_token_create(Store *s, uint64_t run_id, usec_t active_until, StoreDone done, void *userdata,
        const char **ret_token)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        _cleanup_free_ char *token = NULL;
        uint8_t random[STORE_TOKEN_BYTES];
        RunEntry *e = run_find(s, run_id);
        int r;

        if (!e)
                return -ENOENT;
        if (e->token)
                return -EEXIST;
        random_bytes(random, sizeof(random));
        token = hex_encode(random, sizeof(random));
        if (!token)
                return -ENOMEM;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        r = token_attach(s, e, token, active_until);
        if (r < 0)
                return r;
        run_write(s, e);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, run_id);
        *ret_token = e->token;
        return 0;
}

/* The lengths are no secret. */
static bool equal_in_constant_time(const char *a, const char *b)
{
        size_t n = strlen(a);
        unsigned difference = 0;

        if (strlen(b) != n)
                return false;
        for (size_t i = 0; i < n; i++)
                difference |= (unsigned char) a[i] ^ (unsigned char) b[i];
        return difference == 0;
}

int store_token_find(Store *s, const char *token, uint64_t *ret_run_id)
{
        ObjectId hash;
        RunEntry *r;

        sha256(token, strlen(token), &hash);
        HASH_FIND(by_token, s->runs_by_token, &hash, sizeof(hash), r);
        if (!r || !equal_in_constant_time(r->token, token))
                return -ENOENT;
        *ret_run_id = r->run.run_id;
        return 0;
}

const char *store_token_of_run(Store *s, uint64_t run_id)
{
        RunEntry *r = run_find(s, run_id);

        return r ? r->token : NULL;
}

usec_t store_token_active_until(Store *s, uint64_t run_id)
{
        RunEntry *r = run_find(s, run_id);

        return r && r->token ? r->token_until : 0;
}

int store_token_extend(Store *s, uint64_t run_id, usec_t active_until)
{
        RunEntry *r = run_find(s, run_id);

        if (!r || !r->token)
                return -ENOENT;
        r->token_until = active_until;
        run_mark_dirty(s, r);
        return 0;
}

int store_token_delete(Store *s, uint64_t run_id, StoreDone done, void *userdata)
{
        _cleanup_(waiting_freep) Waiting *w = NULL;
        RunEntry *e = run_find(s, run_id);
        int r;

        if (!e || !e->token)
                return -ENOENT;
        r = store_wait_new(done, userdata, &w);
        if (r < 0)
                return r;
        token_detach(s, e);
        run_write(s, e);
        store_wait(s, TAKE_PTR(w));
        tell_changed(s, run_id);
        return 0;
}

typedef struct Expired {
        usec_t at;
        uint64_t run_id;
} Expired;

static int compare_expired(const void *a, const void *b)
{
        const Expired *x = a, *y = b;

        return x->at < y->at ? -1 : x->at > y->at;
}

int store_tokens_expired(Store *s, usec_t now, uint64_t **ret, size_t *ret_n, usec_t *ret_next)
{
        _cleanup_free_ Expired *expired = NULL;
        _cleanup_free_ uint64_t *ids = NULL;
        usec_t next = USEC_INFINITY;
        size_t n = 0;
        RunEntry *r;

        DL_FOREACH2(s->token_runs, r, token_next)
        {
                if (r->token_until > now || r->token_until == USEC_INFINITY) {
                        next = MIN(next, r->token_until);
                        continue;
                }
                if (GROW_ARRAY(expired, n) < 0)
                        return -ENOMEM;
                expired[n++] = (Expired){.at = r->token_until, .run_id = r->run.run_id};
        }
        ids = new0(uint64_t, n);
        if (!ids)
                return -ENOMEM;
        if (n > 0)
                qsort(expired, n, sizeof(Expired), compare_expired);
        for (size_t i = 0; i < n; i++)
                ids[i] = expired[i].run_id;
        *ret = TAKE_PTR(ids);
        *ret_n = n;
        *ret_next = next;
        return 0;
}
