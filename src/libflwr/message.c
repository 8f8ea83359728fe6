#include "libflwr/message-internal.h"

#include <stdarg.h>
#include <stdio.h>

#include <flwr/app.h>

#include "base/text.h"
#include "base/time-util.h"

static void content_unref(SharedContent *c)
{
        if (!c || --c->n_ref > 0)
                return;
        record_dict_free(c->dict);
        free(c);
}

/* Takes dict, also on failure. */
static SharedContent *content_new(RecordDict *dict)
{
        SharedContent *c = dict ? new0(SharedContent, 1) : NULL;

        if (!c) {
                record_dict_free(dict);
                return NULL;
        }
        *c = (SharedContent){.n_ref = 1, .dict = dict};
        return c;
}

int message_wrap(Message *m, flwr_message **ret)
{
        _cleanup_message_ Message message = *m;
        _cleanup_flwr_message_ flwr_message *w = new0(flwr_message, 1);

        *m = (Message){};
        if (!w)
                return -ENOMEM;
        if (message.has_content) {
                w->shared = content_new(message.content ? TAKE_PTR(message.content) : record_dict_new());
                if (!w->shared)
                        return -ENOMEM;
        }
        w->m = message;
        message = (Message){};
        *ret = TAKE_PTR(w);
        return 0;
}

flwr_message *flwr_message_new(const char *type, uint64_t dst_node_id, const char *group)
{
        _cleanup_message_ Message m = {.has_content = true};
        flwr_message *w;

        m.metadata = (Metadata){
                .src_node_id = SUPERLINK_NODE_ID,
                .dst_node_id = dst_node_id,
                .ttl = MESSAGE_TTL_DEFAULT,
                .created_at = usec_to_seconds(now_realtime()),
                .group_id = strdup(strempty(group)),
                .message_type = strdup(type),
        };
        if (!m.metadata.group_id || !m.metadata.message_type)
                return NULL;
        return message_wrap(&m, &w) < 0 ? NULL : w;
}

void flwr_message_free(flwr_message *m)
{
        if (!m)
                return;
        content_unref(m->shared);
        message_done(&m->m);
        free(m);
}

flwr_record_dict *flwr_message_content(const flwr_message *m)
{
        return m->shared ? dict_public(m->shared->dict) : NULL;
}

int flwr_message_share_content(flwr_message *m, const flwr_message *other)
{
        if (!m->shared || !other->shared)
                return -EINVAL;
        other->shared->n_ref++;
        content_unref(m->shared);
        m->shared = other->shared;
        return 0;
}

const char *flwr_message_type(const flwr_message *m)
{
        return m->m.metadata.message_type;
}

const char *flwr_message_group(const flwr_message *m)
{
        return m->m.metadata.group_id;
}

uint64_t flwr_message_src_node(const flwr_message *m)
{
        return m->m.metadata.src_node_id;
}

uint64_t flwr_message_dst_node(const flwr_message *m)
{
        return m->m.metadata.dst_node_id;
}

uint64_t flwr_message_run(const flwr_message *m)
{
        return m->m.metadata.run_id;
}

void flwr_message_set_ttl(flwr_message *m, double seconds)
{
        m->m.metadata.ttl = seconds;
}

int64_t flwr_message_error(const flwr_message *m, const char **ret_reason)
{
        if (ret_reason)
                *ret_reason = strempty(m->m.error_reason);
        return m->m.has_error ? m->m.error_code : 0;
}

/* Reasons are protobuf strings with a bound: cut at a character, and what is not text replaced. */
static char *reason_clean(char *text)
{
        size_t n = strlen(text);
        char *clean;

        if (n > MESSAGE_REASON_LENGTH_MAX / 3) /* one bad byte becomes three */
                for (n = MESSAGE_REASON_LENGTH_MAX / 3; n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80;)
                        n--;
        clean = utf8_sanitize(text, n);
        free(text);
        return clean;
}

void message_set_error(flwr_message *m, int64_t code, char *reason)
{
        content_unref(m->shared);
        m->shared = NULL;
        m->m.has_content = false;
        m->m.has_error = true;
        m->m.error_code = code;
        free(m->m.error_reason);
        m->m.error_reason = reason ? reason_clean(reason) : NULL;
}

int flwr_message_fail(flwr_message *reply, int error, const char *format, ...)
{
        char *text;
        va_list ap;
        int n;

        error = error == 0 ? EIO : abs(error);
        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        message_set_error(reply, MESSAGE_ERROR_CLIENT_APP_RAISED, n < 0 ? NULL : text);
        return -error;
}
