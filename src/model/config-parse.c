#include "base/buf.h"
#include "base/fs-util.h"
#include "base/text.h"
#include "base/toml.h"
#include "model/config.h"

#define CONFIG_FILE_SIZE_MAX 1048576 /* a configuration of scalars; far above any real one */
#define CONFIG_DEPTH_MAX 32          /* tables in tables; keeps the recursion flat */

/* ---- tables ---- */

static int scalar_from_toml(const TomlNode *node, Scalar *ret)
{
        Scalar s = {};
        const char *text;
        int r;

        switch (toml_type(node)) {
        case TOML_STRING:
                s.type = SCALAR_STRING;
                r = toml_get_string(node, &text);
                if (r < 0)
                        return r;
                s.s = strdup(text);
                if (!s.s)
                        return -ENOMEM;
                break;
        case TOML_INTEGER:
                s.type = SCALAR_SINT64;
                r = toml_get_integer(node, &s.i);
                break;
        case TOML_FLOAT:
                s.type = SCALAR_DOUBLE;
                r = toml_get_float(node, &s.d);
                break;
        case TOML_BOOLEAN:
                s.type = SCALAR_BOOL;
                r = toml_get_boolean(node, &s.b);
                break;
        default:
                return -EINVAL;
        }
        if (r < 0)
                return r;
        *ret = s;
        return 0;
}

static int flatten_table(
        const TomlNode *table, const char *prefix, unsigned depth, Config *c, char **reterr_text);

static int flatten_value(
        const TomlNode *node, const char *key, unsigned depth, Config *c, char **reterr_text)
{
        Scalar value;
        int r;

        if (toml_type(node) == TOML_TABLE && depth < CONFIG_DEPTH_MAX)
                return flatten_table(node, key, depth + 1, c, reterr_text);

        r = scalar_from_toml(node, &value);
        if (r == -EINVAL)
                *reterr_text = xasprintf("The value for key '%s' must be an integer, a float, a boolean, a "
                                         "string, or a table of those",
                        key);
        if (r < 0)
                return r;
        return config_set(c, key, &value);
}

static int flatten_table(
        const TomlNode *table, const char *prefix, unsigned depth, Config *c, char **reterr_text)
{
        int r;

        for (size_t i = 0; i < toml_size(table); i++) {
                _cleanup_free_ char *full = NULL;
                const TomlNode *node;
                const char *key;

                node = toml_at(table, i, &key);
                full = prefix ? xasprintf("%s.%s", prefix, key) : strdup(key);
                if (!full)
                        return -ENOMEM;
                r = flatten_value(node, full, depth, c, reterr_text);
                if (r < 0)
                        return r;
        }
        return 0;
}

int config_from_toml(const TomlNode *table, Config *ret, char **reterr_text)
{
        _cleanup_config_ Config c = {};
        int r;

        if (table && toml_type(table) != TOML_TABLE) {
                *reterr_text = strdup("A configuration must be a TOML table");
                return *reterr_text ? -EINVAL : -ENOMEM;
        }
        if (table) {
                r = flatten_table(table, NULL, 0, &c, reterr_text);
                if (r < 0)
                        return r;
        }
        *ret = c;
        c = (Config){};
        return 0;
}

/* ---- "key=value" strings ---- */

/* Length of the white space character at s, as Python's \s knows it; 0 if there is another one. */
static size_t space_length(const char *s)
{
        static const char *const wide[] = {
                "\xc2\x85",
                "\u00a0",
                "\u1680",
                "\u2000",
                "\u2001",
                "\u2002",
                "\u2003",
                "\u2004",
                "\u2005",
                "\u2006",
                "\u2007",
                "\u2008",
                "\u2009",
                "\u200a",
                "\u2028",
                "\u2029",
                "\u202f",
                "\u205f",
                "\u3000",
        };
        unsigned char c = *s;

        if (c < 0x80)
                return (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ');
        for (size_t i = 0; i < ELEMENTSOF(wide); i++)
                if (startswith(s, wide[i]))
                        return strlen(wide[i]);
        return 0;
}

static size_t word_length(const char *s)
{
        size_t n = 0;

        while (s[n] && space_length(s + n) == 0)
                n++;
        return n;
}

/* Length of the value at s: quoted text, else a word; 0 when there is none. */
static size_t value_length(const char *s)
{
        if (*s == '\'' || *s == '"') {
                const char *end = strchr(s + 1, *s);
                if (end)
                        return (size_t) (end - s) + 1;
        }
        return word_length(s);
}

typedef struct Pair {
        const char *key, *value;
        size_t key_size, value_size;
} Pair;

/* The next pair at or behind s; the place behind it is returned, NULL when there is none. What is no pair is
 * skipped. */
static const char *next_pair(const char *s, Pair *ret)
{
        while (*s) {
                size_t n = word_length(s);

                if (n == 0) {
                        s += space_length(s);
                        continue;
                }
                for (size_t i = 1; i < n; i++) {
                        size_t size = s[i] == '=' ? value_length(s + i + 1) : 0;

                        if (size == 0)
                                continue;
                        *ret = (Pair){.key = s, .key_size = i, .value = s + i + 1, .value_size = size};
                        return s + i + 1 + size;
                }
                s += n;
        }
        return NULL;
}

static int append_pair(Buf *b, const Pair *p)
{
        return buf_printf(b, "%.*s = %.*s\n", (int) p->key_size, p->key, (int) p->value_size, p->value);
}

#define PAIRS_HELP                                                                                          \
        "Write key1=123 key2=false key3='text' with blanks between the pairs and none around '='; values "  \
        "are "                                                                                              \
        "TOML integers, floats, booleans or quoted strings"

/* Names the first pair that is wrong by itself; if there is none, the pairs do not go together. */
static int explain_pairs(const char *string, const char *toml_text, char **reterr_text)
{
        const char *s = string;
        Pair p;

        while ((s = next_pair(s, &p))) {
                _cleanup_free_ char *error = NULL;
                _cleanup_(toml_freep) Toml *t = NULL;
                _cleanup_buf_ Buf b = {};

                if (append_pair(&b, &p) < 0)
                        return -ENOMEM;
                if (toml_parse((char *) b.data, b.size, "configuration", &t, &error) >= 0)
                        continue;
                *reterr_text = xasprintf("Invalid value for key '%.*s' in '%s'. %s", (int) p.key_size, p.key,
                        string, PAIRS_HELP);
                return *reterr_text ? -EINVAL : -ENOMEM;
        }
        *reterr_text =
                xasprintf("Invalid configuration '%s': %s. %s", string, strempty(toml_text), PAIRS_HELP);
        return *reterr_text ? -EINVAL : -ENOMEM;
}

/* A top-level name with what is below it: a later string replaces the whole of it. */
typedef struct Part {
        char *name;
        Config config;
} Part;

typedef struct Parts {
        Part *items;
        size_t n;
} Parts;

static void parts_done(Parts *p)
{
        for (size_t i = 0; i < p->n; i++) {
                free(p->items[i].name);
                config_done(&p->items[i].config);
        }
        free(p->items);
}

static int parts_get(Parts *p, const char *name, Part **ret)
{
        char *copy;

        for (size_t i = 0; i < p->n; i++)
                if (streq(p->items[i].name, name)) {
                        *ret = &p->items[i];
                        return 0;
                }
        copy = strdup(name);
        if (!copy || GROW_ARRAY(p->items, p->n) < 0) {
                free(copy);
                return -ENOMEM;
        }
        p->items[p->n] = (Part){.name = copy};
        *ret = &p->items[p->n++];
        return 0;
}

static int parts_set_from_toml(Parts *parts, const TomlNode *root, char **reterr_text)
{
        int r;

        for (size_t i = 0; i < toml_size(root); i++) {
                const TomlNode *node;
                const char *name;
                Part *part;

                node = toml_at(root, i, &name);
                r = parts_get(parts, name, &part);
                if (r < 0)
                        return r;
                config_done(&part->config);
                r = flatten_value(node, name, 0, &part->config, reterr_text);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_pairs(const char *string, Parts *parts, char **reterr_text)
{
        _cleanup_(toml_freep) Toml *t = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_buf_ Buf b = {};
        const char *s = string;
        Pair p;
        int r;

        while ((s = next_pair(s, &p))) {
                r = append_pair(&b, &p);
                if (r < 0)
                        return r;
        }
        if (b.size == 0)
                return 0;
        r = toml_parse((char *) b.data, b.size, "configuration", &t, &error);
        if (r == -EBADMSG)
                return explain_pairs(string, error, reterr_text);
        if (r < 0)
                return r;
        return parts_set_from_toml(parts, toml_root(t), reterr_text);
}

static int parse_file(const char *name, Config *ret, char **reterr_text)
{
        _cleanup_(toml_freep) Toml *t = NULL;
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        path = path_expand_home(name);
        if (!path)
                return -ENOMEM;
        r = read_text_file(path, CONFIG_FILE_SIZE_MAX, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *reterr_text = xasprintf("Cannot read the configuration file '%s': %s", path, strerror(-r));
                return *reterr_text ? -EINVAL : -ENOMEM;
        }
        r = toml_parse(text, strlen(text), path, &t, reterr_text);
        if (r < 0)
                return r == -EBADMSG ? -EINVAL : r;
        return config_from_toml(toml_root(t), ret, reterr_text);
}

static int parts_join(const Parts *parts, Config *ret)
{
        _cleanup_config_ Config c = {};

        for (size_t i = 0; i < parts->n; i++)
                for (size_t k = 0; k < parts->items[i].config.n; k++) {
                        ConfigEntry *e = &parts->items[i].config.entries[k];
                        int r = config_set(&c, e->key, &e->value);
                        if (r < 0)
                                return r;
                }
        *ret = c;
        c = (Config){};
        return 0;
}

int config_parse_args(char *const *strings, Config *ret, char **reterr_text)
{
        _cleanup_(parts_done) Parts parts = {};
        int r;

        if (strings && strings[0] && !strings[1] && endswith(strings[0], ".toml"))
                return parse_file(strings[0], ret, reterr_text);

        for (char *const *s = strings; s && *s; s++) {
                if (!utf8_is_valid(*s, strlen(*s))) {
                        *reterr_text = strdup("The configuration is not valid UTF-8");
                        return *reterr_text ? -EINVAL : -ENOMEM;
                }
                if (endswith(*s, ".toml")) {
                        *reterr_text = xasprintf("The TOML file '%s' cannot be passed alongside key-value "
                                                 "pairs or other files",
                                *s);
                        return *reterr_text ? -EINVAL : -ENOMEM;
                }
                r = parse_pairs(*s, &parts, reterr_text);
                if (r < 0)
                        return r;
        }
        return parts_join(&parts, ret);
}
