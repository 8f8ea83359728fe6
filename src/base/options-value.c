#include <stdio.h>

#include "base/config-file.h"
#include "base/text.h"
#include "base/toml.h"

/* Digits that bring back any double. */
#define DOUBLE_DIGITS_MAX 17

/* ---- text ---- */

static int invalid(char **reterr_text, char *text)
{
        if (!text)
                return -ENOMEM;
        *reterr_text = text;
        return -EINVAL;
}

static int check_choice(const Option *o, const char *value, char **reterr_text)
{
        _cleanup_buf_ Buf b = {};

        for (const char *const *c = o->choices; *c; c++) {
                if (streq(*c, value))
                        return 0;
                if (buf_printf(&b, "%s'%s'", c == o->choices ? "" : ", ", *c) < 0)
                        return -ENOMEM;
        }
        return invalid(reterr_text,
                xasprintf("invalid choice: '%s' (choose from %.*s)", value, (int) b.size, (char *) b.data));
}

int option_check(const Option *o, const char *value, char **reterr_text)
{
        uint64_t n;
        double d;

        if (o->kind == OPTION_CHOICE)
                return check_choice(o, value, reterr_text);
        if (o->kind == OPTION_UINT && parse_u64(value, &n) < 0)
                return invalid(reterr_text, xasprintf("invalid int value: '%s'", value));
        if ((o->kind == OPTION_DOUBLE || (o->flags & OPTION_NUMBER)) &&
                (parse_double(value, &d) < 0 || d < 0))
                return invalid(reterr_text, xasprintf("invalid float value: '%s'", value));
        return 0;
}

static int append_string(char ***l, const char *value)
{
        size_t n = 0;
        char **longer;

        while (*l && (*l)[n])
                n++;
        longer = reallocarray(*l, n + 2, sizeof(char *));
        if (!longer)
                return -ENOMEM;
        *l = longer;
        longer[n] = strdup(value);
        if (!longer[n])
                return -ENOMEM;
        longer[n + 1] = NULL;
        return 0;
}

int option_store(const Option *o, const char *value, void *args)
{
        void *variable = (char *) args + o->offset;

        switch (o->kind) {
        case OPTION_FLAG:
                *(bool *) variable = !value || streq(value, "true");
                break;
        case OPTION_CHOICE:
        case OPTION_STRING:
                return free_and_strdup(variable, value);
        case OPTION_STRINGS:
                return append_string(variable, value);
        case OPTION_UINT:
                return parse_u64(value, variable);
        case OPTION_DOUBLE:
                return parse_double(value, variable);
        case OPTION_IGNORED:
        case OPTION_END:
        case OPTION_GROUP:
                break;
        }
        return 0;
}

/* ---- from TOML ---- */

const char *option_type_words(const Option *o)
{
        switch (o->kind) {
        case OPTION_FLAG:
                return "true or false";
        case OPTION_STRINGS:
                return "an array of strings";
        case OPTION_UINT:
                return "a whole number from 0";
        case OPTION_DOUBLE:
                return "a number from 0";
        default:
                return o->flags & OPTION_NUMBER  ? "a number from 0"
                       : o->flags & OPTION_TABLE ? "a string or a table"
                                                 : "a string";
        }
}

static const char *toml_type_words(TomlType type)
{
        static const char *const words[] = {
                [TOML_TABLE] = "a table",
                [TOML_ARRAY] = "an array",
                [TOML_STRING] = "a string",
                [TOML_INTEGER] = "a whole number",
                [TOML_FLOAT] = "a number with a fraction",
                [TOML_BOOLEAN] = "a boolean",
                [TOML_OTHER] = "a date or time",
        };

        return words[type];
}

static bool type_fits(const Option *o, TomlType type)
{
        bool number = type == TOML_INTEGER || type == TOML_FLOAT;

        switch (o->kind) {
        case OPTION_FLAG:
                return type == TOML_BOOLEAN;
        case OPTION_STRINGS:
                return type == TOML_ARRAY;
        case OPTION_UINT:
                return type == TOML_INTEGER;
        case OPTION_DOUBLE:
                return number;
        case OPTION_IGNORED:
                return type != TOML_TABLE && type != TOML_ARRAY && type != TOML_OTHER;
        default:
                if (o->flags & OPTION_NUMBER)
                        return number;
                return type == TOML_STRING || ((o->flags & OPTION_TABLE) && type == TOML_TABLE);
        }
}

/* Shortest form that reads back as the same, always with the mark of a TOML float. */
static int append_double(Buf *b, double d)
{
        char text[40] = "";

        for (int digits = 1; digits <= DOUBLE_DIGITS_MAX; digits++) {
                (void) snprintf(text, sizeof(text), "%.*g", digits, d);
                if (strtod(text, NULL) == d)
                        break;
        }
        return buf_printf(b, "%s%s", text, strpbrk(text, ".en") ? "" : ".0");
}

/* Quoted for TOML; what is in "also", and with "ascii" every other letter, is written as a number. */
static int append_quoted(Buf *b, const char *s, const char *also, bool ascii)
{
        size_t n = strlen(s), step;
        uint32_t c;
        int r;

        r = buf_append_str(b, "\"");
        for (; r >= 0 && *s; s += step, n -= step) {
                step = utf8_decode_one(s, n, &c);
                if (step == 0)
                        return -EINVAL;
                if (c < ' ' || c == 0x7f || (c < 0x7f && strchr(also, (int) c)) || (ascii && c > 0x7f))
                        r = buf_printf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
                else if (c == '"' || c == '\\')
                        r = buf_printf(b, "\\%c", (char) c);
                else
                        r = buf_append(b, s, step);
        }
        return r < 0 ? r : buf_append_str(b, "\"");
}

static int append_string_value(Buf *b, const char *s)
{
        return append_quoted(b, s, "", false);
}

/* The grammar of key=value pairs ends a key with the next "=" or blank of any kind, and a quoted value with
 * the next quote, whatever stands before it. */
static int append_key(Buf *b, const char *key)
{
        static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

        return *key && !key[strspn(key, bare)] ? buf_append_str(b, key)
                                               : append_quoted(b, key, "\"= ", true);
}

static int append_scalar(Buf *b, const TomlNode *node)
{
        const char *s;
        int64_t i;
        double d;
        bool flag;

        if (toml_get_string(node, &s) >= 0)
                return buf_append_str(b, s);
        if (toml_get_integer(node, &i) >= 0)
                return buf_printf(b, "%lld", (long long) i);
        if (toml_get_float(node, &d) >= 0)
                return append_double(b, d);
        if (toml_get_boolean(node, &flag) >= 0)
                return buf_append_str(b, flag ? "true" : "false");
        return -EINVAL;
}

static int append_pair(Buf *b, const Buf *key, const TomlNode *node)
{
        const char *s;
        int r;

        r = buf_printf(b, "%s%.*s=", b->size > 0 ? " " : "", (int) key->size, (char *) key->data);
        if (r < 0)
                return r;
        return toml_get_string(node, &s) >= 0 ? append_quoted(b, s, "\"", false) : append_scalar(b, node);
}

/* path: the quoted keys above, each with its dot. The depth is bounded by the parser of TOML. */
static int append_table(Buf *b, const TomlNode *table, Buf *path, char **reterr_text)
{
        size_t path_size = path->size;

        for (size_t i = 0; i < toml_size(table); i++) {
                const char *key;
                const TomlNode *node = toml_at(table, i, &key);
                int r;

                r = append_key(path, key);
                if (r >= 0 && toml_type(node) == TOML_TABLE) {
                        r = buf_append_str(path, ".");
                        if (r >= 0)
                                r = append_table(b, node, path, reterr_text);
                } else if (r >= 0) {
                        r = append_pair(b, path, node);
                        if (r == -EINVAL)
                                return invalid(reterr_text,
                                        xasprintf(
                                                "the value of %.*s in line %u must be an integer, a float, "
                                                "a boolean, a string, or a table of those",
                                                (int) path->size, (char *) path->data, toml_line(node)));
                }
                if (r < 0)
                        return r;
                path->size = path_size;
        }
        return 0;
}

/* One text of a scalar or table, checked, to the list. */
static int add_text(const Option *o, const TomlNode *node, char ***texts, char **reterr_text)
{
        _cleanup_buf_ Buf b = {}, path = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = toml_type(node) == TOML_TABLE ? append_table(&b, node, &path, reterr_text)
                                          : append_scalar(&b, node);
        if (r < 0)
                return r;
        text = buf_steal_str(&b);
        if (!text)
                return -ENOMEM;
        r = option_check(o, text, reterr_text);
        return r < 0 ? r : append_string(texts, text);
}

static int add_list(const Option *o, const TomlNode *array, char ***texts, char **reterr_text)
{
        int r;

        if (toml_size(array) > CONFIG_LIST_MAX)
                return invalid(reterr_text, xasprintf("has more than %d items", CONFIG_LIST_MAX));
        for (size_t i = 0; i < toml_size(array); i++) {
                const TomlNode *node = toml_at(array, i, NULL);

                if (toml_type(node) != TOML_STRING)
                        return invalid(reterr_text,
                                xasprintf("must be %s, but item %zu is %s", option_type_words(o), i + 1,
                                        toml_type_words(toml_type(node))));
                r = add_text(o, node, texts, reterr_text);
                if (r < 0)
                        return r;
        }
        return 0;
}

int option_texts_from_toml(const Option *o, const TomlNode *node, char ***ret, char **reterr_text)
{
        char **texts = NULL;
        int r;

        if (!type_fits(o, toml_type(node)))
                return invalid(reterr_text, xasprintf("must be %s, not %s", option_type_words(o),
                                                    toml_type_words(toml_type(node))));
        r = toml_type(node) == TOML_ARRAY ? add_list(o, node, &texts, reterr_text)
                                          : add_text(o, node, &texts, reterr_text);
        if (r < 0) {
                options_free_strings(texts);
                return r;
        }
        *ret = texts;
        return 0;
}

/* ---- to TOML ---- */

int option_append_text(const Option *o, const char *text, Buf *b)
{
        uint64_t n;
        double d;

        if (o->kind == OPTION_FLAG)
                return buf_append_str(b, text);
        if (o->kind == OPTION_UINT || o->kind == OPTION_DOUBLE || (o->flags & OPTION_NUMBER)) {
                if (parse_u64(text, &n) >= 0)
                        return buf_printf(b, "%llu", (unsigned long long) n);
                return parse_double(text, &d) >= 0 ? append_double(b, d) : -EINVAL;
        }
        return append_string_value(b, text);
}

bool option_fallback_is_value(const Option *o)
{
        _cleanup_free_ char *why = NULL;

        return o->fallback && *o->fallback != '<' && !strchr(o->fallback, ' ') &&
               option_check(o, o->fallback, &why) >= 0;
}

int option_append_default(const Option *o, Buf *b)
{
        if (o->kind == OPTION_FLAG)
                return buf_append_str(b, "false");
        if (o->kind == OPTION_STRINGS)
                return buf_append_str(b, "[]");
        return option_fallback_is_value(o) ? option_append_text(o, o->fallback, b)
                                           : append_string_value(b, "");
}

static int append_list(char *const *l, Buf *b)
{
        int r = buf_append_str(b, "[");

        for (size_t i = 0; r >= 0 && l && l[i]; i++) {
                r = i > 0 ? buf_append_str(b, ", ") : 0;
                if (r >= 0)
                        r = append_string_value(b, l[i]);
        }
        return r < 0 ? r : buf_append_str(b, "]");
}

int option_append_value(const Option *o, const void *args, Buf *b)
{
        const void *variable = (const char *) args + o->offset;

        switch (o->kind) {
        case OPTION_FLAG:
                return buf_append_str(b, *(const bool *) variable ? "true" : "false");
        case OPTION_STRINGS:
                return append_list(*(char **const *) variable, b);
        case OPTION_UINT:
                return buf_printf(b, "%llu", (unsigned long long) *(const uint64_t *) variable);
        case OPTION_DOUBLE:
                return append_double(b, *(const double *) variable);
        default:
                return option_append_text(o, strempty(*(char *const *) variable), b);
        }
}
