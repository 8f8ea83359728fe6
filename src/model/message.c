#include "model/message.h"

int metadata_copy(const Metadata *m, Metadata *ret)
{
        Metadata copy = *m;

        copy.group_id = strdup(strempty(m->group_id));
        copy.message_type = strdup(strempty(m->message_type));
        if (!copy.group_id || !copy.message_type) {
                metadata_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

void metadata_done(Metadata *m)
{
        free(m->group_id);
        free(m->message_type);
        *m = (Metadata){};
}

int message_copy(const Message *m, Message *ret)
{
        _cleanup_message_ Message copy = {
                .has_content = m->has_content,
                .has_error = m->has_error,
                .error_code = m->error_code,
        };
        int r;

        r = metadata_copy(&m->metadata, &copy.metadata);
        if (r < 0)
                return r;
        r = free_and_strdup(&copy.error_reason, m->error_reason);
        if (r < 0)
                return r;
        *ret = copy;
        copy = (Message){};
        return 0;
}

void message_done(Message *m)
{
        metadata_done(&m->metadata);
        record_dict_free(m->content);
        free(m->error_reason);
        *m = (Message){};
}

/* Python's identifiers. Which letters beyond ASCII may stand in one is left to the peers that load such an
 * app. */
static bool is_identifier(const char *s)
{
        if (!*s || (*s >= '0' && *s <= '9'))
                return false;
        for (; *s; s++) {
                unsigned char c = *s;

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            c == '_' || c >= 0x80))
                        return false;
        }
        return true;
}

bool message_type_is_valid(const char *type)
{
        static const char *const categories[] = {"train", "evaluate", "query", "system"};
        static const char *const legacy[] = {"get_properties", "get_parameters", "reconnect"};

        if (isempty(type) || strlen(type) > MESSAGE_TYPE_LENGTH_MAX)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(categories); i++) {
                const char *rest = startswith(type, categories[i]);

                if (rest && (!*rest || (*rest == '.' && is_identifier(rest + 1))))
                        return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(legacy); i++)
                if (streq(type, legacy[i]))
                        return true;
        return false;
}

static const char *check_direction(const Metadata *m, bool is_reply)
{
        if (is_reply) {
                if (m->src_node_id == SUPERLINK_NODE_ID)
                        return "`metadata.src_node_id` is 1 (SuperLink node ID)";
                if (m->dst_node_id != SUPERLINK_NODE_ID)
                        return "`metadata.dst_node_id` is not 1 (SuperLink node ID)";
                if (object_id_is_none(&m->reply_to))
                        return "`metadata.reply_to_message_id` MUST be set.";
        } else {
                if (m->src_node_id != SUPERLINK_NODE_ID)
                        return "`metadata.src_node_id` is not 1 (SuperLink node ID)";
                if (m->dst_node_id == SUPERLINK_NODE_ID)
                        return "`metadata.dst_node_id` is 1 (SuperLink node ID)";
                if (!object_id_is_none(&m->reply_to))
                        return "`metadata.reply_to_message_id` MUST not be set.";
        }
        return NULL;
}

static const char *check_lengths(const Message *m)
{
        if (strlen(strempty(m->metadata.group_id)) > MESSAGE_GROUP_LENGTH_MAX)
                return "`metadata.group_id` is too long";
        if (strlen(strempty(m->error_reason)) > MESSAGE_REASON_LENGTH_MAX)
                return "`error.reason` is too long";
        return NULL;
}

/* Comparisons are written so that NaN fails. */
const char *message_check(const Message *m, bool is_reply, double now)
{
        const Metadata *md = &m->metadata;
        const char *e;

        if (object_id_is_none(&md->message_id))
                return "empty `metadata.message_id`";
        if (!(md->created_at >= MESSAGE_CREATED_AT_MIN))
                return "`metadata.created_at` must be a unix timestamp in seconds";
        if (!(md->ttl > 0))
                return "`metadata.ttl` must be higher than zero";
        if (!(md->created_at + md->ttl > now))
                return "Message TTL has expired (`metadata.created_at` + `metadata.ttl`)";
        if (md->src_node_id == 0)
                return "`metadata.src_node_id` is not set.";
        if (md->dst_node_id == 0)
                return "`metadata.dst_node_id` is not set.";
        if (isempty(md->message_type))
                return "`metadata.message_type` MUST be set";
        if (!message_type_is_valid(md->message_type))
                return "`metadata.message_type` is invalid";
        if (m->has_content == m->has_error)
                return "Either message `content` or `error` MUST be set (but not both)";
        e = check_direction(md, is_reply);
        return e ? e : check_lengths(m);
}

int message_init_reply(const Message *instruction, double now, Message *ret)
{
        const Metadata *i = &instruction->metadata;
        Message m = {};
        int r;

        r = metadata_copy(i, &m.metadata);
        if (r < 0)
                return r;
        m.metadata.message_id = OBJECT_ID_NONE;
        m.metadata.src_node_id = i->dst_node_id;
        m.metadata.dst_node_id = i->src_node_id;
        m.metadata.reply_to = i->message_id;
        m.metadata.ttl = i->created_at + i->ttl - now;
        m.metadata.created_at = now;
        *ret = m;
        return 0;
}
