#include "services/invite.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/text.h"

void invite_done(Invite *i)
{
        i->name = mfree(i->name);
        i->keys = mfree(i->keys);
        i->n_keys = 0;
}

static bool is_hex(const char *s, size_t digits)
{
        return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

bool invite_id_is_valid(const char *id)
{
        return is_hex(id, INVITE_ID_SIZE - 1);
}

bool invite_secret_is_valid(const char *secret)
{
        return is_hex(secret, INVITE_SECRET_SIZE - 1);
}

bool invite_name_is_valid(const char *name)
{
        size_t n = 0;

        for (; name[n]; n++)
                if (n >= INVITE_NAME_MAX || name[n] < ' ' || name[n] > '~')
                        return false;
        return n > 0;
}

void invite_hash_secret(const char *secret, ObjectId *ret)
{
        sha256(secret, strlen(secret), ret);
}

static int parse_line(const char *key, const char *value, Invite *i)
{
        ObjectId id;

        if (streq(key, "secret-hash"))
                return object_id_parse(value, &i->secret_hash);
        if (streq(key, "until")) {
                if (parse_u64(value, &i->until) < 0 || i->until > UINT64_MAX / USEC_PER_SEC)
                        return -EINVAL;
                i->until *= USEC_PER_SEC;
                return 0;
        }
        if (streq(key, "uses"))
                return parse_u64(value, &i->uses);
        if (streq(key, "name"))
                return invite_name_is_valid(value) ? free_and_strdup(&i->name, value) : -EINVAL;
        if (!streq(key, "key") || object_id_parse(value, &id) < 0)
                return -EINVAL;
        return invite_add_key(i, &id);
}

int invite_parse(const char *text, Invite *ret)
{
        _cleanup_free_ char *copy = strdup(text);
        _cleanup_invite_ Invite i = {};
        char *save = NULL;

        if (!copy)
                return -ENOMEM;
        for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *value = strchr(line, ' ');
                int r;

                if (!value)
                        return -EBADMSG;
                *value++ = 0;
                r = parse_line(line, value, &i);
                if (r < 0)
                        return r == -ENOMEM ? r : -EBADMSG;
        }
        if (object_id_is_none(&i.secret_hash) || i.uses == 0 || i.uses > INVITE_USES_MAX)
                return -EBADMSG;
        *ret = i;
        i = (Invite){};
        return 0;
}

int invite_format(const Invite *i, char **ret)
{
        char hex[OBJECT_ID_HEX_MAX];
        _cleanup_buf_ Buf b = {};
        char *text;
        int r;

        r = buf_printf(&b, "secret-hash %s\nuntil %" PRIu64 "\nuses %" PRIu64 "\n",
                object_id_format(&i->secret_hash, hex), i->until / USEC_PER_SEC, i->uses);
        if (r >= 0 && i->name)
                r = buf_printf(&b, "name %s\n", i->name);
        for (size_t j = 0; r >= 0 && j < i->n_keys; j++)
                r = buf_printf(&b, "key %s\n", object_id_format(&i->keys[j], hex));
        text = r < 0 ? NULL : buf_steal_str(&b);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static bool equal_in_constant_time(const ObjectId *a, const ObjectId *b)
{
        volatile uint8_t difference = 0;

        for (size_t i = 0; i < sizeof(a->bytes); i++)
                difference |= a->bytes[i] ^ b->bytes[i];
        return difference == 0;
}

InviteVerdict invite_judge(const Invite *i, const char *secret, const ObjectId *key, usec_t now)
{
        ObjectId hash;

        invite_hash_secret(secret, &hash);
        if (!equal_in_constant_time(&hash, &i->secret_hash))
                return INVITE_UNKNOWN;
        for (size_t j = 0; j < i->n_keys; j++)
                if (object_id_equal(&i->keys[j], key))
                        return INVITE_AGAIN;
        if (now >= i->until)
                return INVITE_EXPIRED;
        return i->n_keys >= i->uses ? INVITE_USED_UP : INVITE_GOOD;
}

int invite_add_key(Invite *i, const ObjectId *key)
{
        if (i->n_keys >= INVITE_USES_MAX)
                return -EINVAL;
        if (GROW_ARRAY(i->keys, i->n_keys) < 0)
                return -ENOMEM;
        i->keys[i->n_keys++] = *key;
        return 0;
}
