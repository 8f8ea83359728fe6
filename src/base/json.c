#include "base/json.h"

#include <json-c/json.h>
#include <limits.h>

#include "base/text.h"

/* What we read is two or three levels deep; the parser's recursion must not be a peer's choice. */
#define JSON_DEPTH_MAX 32

/* Every member has one colon outside strings, so the text tells how many members it wrote. Refuses what
 * json-c takes also in its strict mode: strings in single quotes. */
static bool scan_text(const char *s, size_t size, size_t *ret_members)
{
        bool quoted = false;
        size_t n = 0;

        for (size_t i = 0; i < size; i++) {
                if (quoted && s[i] == '\\')
                        i++;
                else if (s[i] == '"')
                        quoted = !quoted;
                else if (!quoted && s[i] == '\'')
                        return false;
                else if (!quoted && s[i] == ':')
                        n++;
        }
        *ret_members = n;
        return true;
}

static size_t count_members(Json *j)
{
        size_t n = json_length(j), sum = 0;
        const char *key;
        void *pos = NULL;
        Json *value;

        if (json_object_is_type(j, json_type_object)) {
                sum = n;
                while (json_next(j, &pos, &key, &value))
                        sum += count_members(value);
        } else if (json_object_is_type(j, json_type_array))
                for (size_t i = 0; i < n; i++)
                        sum += count_members(json_item(j, i));
        return sum;
}

static void tokener_free(struct json_tokener *t)
{
        json_tokener_free(t);
}
DEFINE_CLEANUP(struct json_tokener *, tokener_free);

int json_parse(const void *data, size_t size, Json **ret)
{
        _cleanup_(tokener_freep) struct json_tokener *t = NULL;
        _cleanup_(json_unrefp) Json *j = NULL;
        enum json_tokener_error e;
        size_t n_members;

        if (size >= INT_MAX || !utf8_is_valid(data, size) || !scan_text(data, size, &n_members))
                return -EBADMSG;
        t = json_tokener_new_ex(JSON_DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT);
        j = json_tokener_parse_ex(t, data, (int) size);
        e = json_tokener_get_error(t);
        if (e == json_tokener_continue) {
                /* A number at the top ends only with the text. */
                j = json_tokener_parse_ex(t, "", 1);
                e = json_tokener_get_error(t);
        } else if (e == json_tokener_success && json_tokener_get_parse_end(t) != size)
                return -EBADMSG;
        if (e != json_tokener_success || count_members(j) != n_members)
                return -EBADMSG;
        *ret = TAKE_PTR(j);
        return 0;
}

Json *json_unref(Json *j)
{
        if (j)
                json_object_put(j);
        return NULL;
}

int json_get_string(Json *j, const char **ret)
{
        const char *s;

        if (!j)
                return -ENOENT;
        if (!json_object_is_type(j, json_type_string))
                return -EINVAL;
        s = json_object_get_string(j);
        if (strlen(s) != (size_t) json_object_get_string_len(j))
                return -EINVAL;
        *ret = s;
        return 0;
}

int json_get_i64(Json *j, int64_t *ret)
{
        int64_t v;

        if (!j)
                return -ENOENT;
        if (!json_object_is_type(j, json_type_int))
                return -EINVAL;
        v = json_object_get_int64(j);
        if (v > 0 && json_object_get_uint64(j) > INT64_MAX)
                return -EINVAL;
        *ret = v;
        return 0;
}

int json_get_double(Json *j, double *ret)
{
        if (!j)
                return -ENOENT;
        if (!json_object_is_type(j, json_type_double) && !json_object_is_type(j, json_type_int))
                return -EINVAL;
        *ret = json_object_get_double(j);
        return 0;
}

Json *json_member(Json *object, const char *key)
{
        Json *value = NULL;

        if (!json_object_is_type(object, json_type_object))
                return NULL;
        (void) json_object_object_get_ex(object, key, &value);
        return value;
}

size_t json_length(Json *j)
{
        if (json_object_is_type(j, json_type_array))
                return json_object_array_length(j);
        if (json_object_is_type(j, json_type_object))
                return (size_t) json_object_object_length(j);
        return 0;
}

Json *json_item(Json *array, size_t i)
{
        if (!json_object_is_type(array, json_type_array))
                return NULL;
        return json_object_array_get_idx(array, i);
}

bool json_next(Json *object, void **pos, const char **ret_key, Json **ret_value)
{
        struct lh_entry *e;

        if (!json_object_is_type(object, json_type_object))
                return false;
        e = *pos ? lh_entry_next(*pos) : lh_table_head(json_object_get_object(object));
        if (!e)
                return false;
        *pos = e;
        *ret_key = lh_entry_k(e);
        *ret_value = (Json *) lh_entry_v(e);
        return true;
}

static int append_character(Buf *b, uint32_t c)
{
        static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *p = c < 0x80 ? strchr(special, (int) c) : NULL;

        if (p)
                return buf_printf(b, "\\%c", letter[p - special]);
        if (c >= 0x10000) {
                c -= 0x10000;
                return buf_printf(b, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
        }
        if (c < 0x20 || c > 0x7e)
                return buf_printf(b, "\\u%04x", c);
        return buf_append(b, &(uint8_t){(uint8_t) c}, 1);
}

int json_append_quoted(Buf *b, const char *utf8)
{
        size_t len = strlen(utf8), n;
        uint32_t c;
        int r;

        r = buf_append_str(b, "\"");
        for (size_t i = 0; r >= 0 && i < len; i += n) {
                n = utf8_decode_one(utf8 + i, len - i, &c);
                if (n == 0)
                        return -EINVAL;
                r = append_character(b, c);
        }
        return r < 0 ? r : buf_append_str(b, "\"");
}
