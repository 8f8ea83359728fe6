#include "state/log-text.h"

int log_text_add(LogText *t, usec_t at, const char *text, size_t size)
{
        int r;

        if (t->buf.size > 0 && t->buf.size + size > STORE_LOG_READ_MAX) {
                t->more = true;
                return 0;
        }
        r = buf_append(&t->buf, text, size);
        if (r < 0)
                return r;
        t->latest = at;
        return 1;
}

int log_text_finish(LogText *t, Waiting *w)
{
        char *text = buf_steal_str(&t->buf);

        if (!text)
                return -ENOMEM;
        w->text = text;
        w->more = t->more;
        if (t->latest != 0)
                w->latest = t->latest;
        return 0;
}

void log_text_done(LogText *t)
{
        buf_done(&t->buf);
}
