#include "base/toml.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

/* "[&" fails an assertion of the library (3.3.0, 3.4.0), so its assertions must neither end the program nor,
 * as with NDEBUG, be taken for granted. */
#undef NDEBUG
struct FailedAssertion {
};

[[noreturn]] static void fail_assertion()
{
        throw FailedAssertion();
}
#define TOML_ASSERT(expr) ((expr) ? (void) 0 : fail_assertion())

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
/* Else floats go through a stream, and the streams of a C++ library that is linked in, with their locales,
 * are larger than a daemon. */
#ifdef __cpp_lib_to_chars
#define TOML_FLOAT_CHARCONV 1
#endif
/* The parser and the destructors of its tree recurse. Values inside values are counted by the library, the
 * parts of a dotted key by us; the product of both bounds the stack. */
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

static constexpr unsigned key_parts_max = 32;
static constexpr unsigned depth_max = 64;

struct TomlNode {
        TomlType type = TOML_OTHER;
        unsigned line = 0, column = 0;
        std::string key, string;
        int64_t integer = 0;
        double number = 0;
        bool boolean = false;
        std::vector<TomlNode> children; /* in document order */
};

struct Toml {
        TomlNode root;
};

namespace
{

/* The index behind the string that starts at i; an unclosed one ends with its line or the text. */
size_t skip_string(std::string_view text, size_t i)
{
        const char quote = text[i];
        const char triple[] = {quote, quote, quote, 0};
        const bool lines = text.substr(i, 3) == triple;

        i += lines ? 3 : 1;
        while (i < text.size()) {
                if (text[i] == '\\' && quote == '"')
                        i += 2;
                else if (lines && text.substr(i, 3) == triple) {
                        /* Up to two quotes may stand before the three that close. */
                        for (i += 3; text.substr(i - 2, 3) == triple;)
                                i++;
                        return i;
                } else if (!lines && (text[i] == quote || text[i] == '\n'))
                        return i + 1;
                else
                        i++;
        }
        return text.size();
}

/* Looks for keys of too many parts before the library builds one table for each. Returns the line, 0 when
 * there is none. */
unsigned line_of_long_key(std::string_view text)
{
        unsigned dots = 0;

        for (size_t i = 0; i < text.size();) {
                char c = text[i];

                if (c == '"' || c == '\'')
                        i = skip_string(text, i);
                else if (c == '#')
                        i = std::min(text.find('\n', i), text.size());
                else {
                        if (c == '\n' || c == ',' || c == '=' || c == '{')
                                dots = 0;
                        else if (c == '.' && ++dots >= key_parts_max)
                                return 1 + (unsigned) std::count(
                                                   text.begin(), text.begin() + (ptrdiff_t) i, '\n');
                        i++;
                }
        }
        return 0;
}

struct Converter {
        const char *problem = nullptr;
        unsigned line = 0, column = 0;

        bool fail(const TomlNode &at, const char *text)
        {
                problem = text;
                line = at.line;
                column = at.column;
                return false;
        }

        bool scalar(const toml::node &from, TomlNode &to)
        {
                if (const auto *s = from.as_string()) {
                        to.type = TOML_STRING;
                        to.string = s->get();
                        if (to.string.find('\0') != std::string::npos)
                                return fail(to, "a string contains NUL");
                } else if (const auto *i = from.as_integer()) {
                        to.type = TOML_INTEGER;
                        to.integer = i->get();
                } else if (const auto *f = from.as_floating_point()) {
                        to.type = TOML_FLOAT;
                        to.number = f->get();
                } else if (const auto *b = from.as_boolean()) {
                        to.type = TOML_BOOLEAN;
                        to.boolean = b->get();
                }
                return true;
        }

        bool table(const toml::table &from, TomlNode &to, unsigned depth)
        {
                to.type = TOML_TABLE;
                to.children.reserve(from.size());
                for (auto &&[k, v] : from) {
                        TomlNode &child = to.children.emplace_back();

                        child.key = k.str();
                        child.line = k.source().begin.line;
                        child.column = k.source().begin.column;
                        if (child.key.find('\0') != std::string::npos)
                                return fail(child, "a key contains NUL");
                        if (!any(v, child, depth + 1))
                                return false;
                }
                std::stable_sort(
                        to.children.begin(), to.children.end(), [](const TomlNode &a, const TomlNode &b) {
                                return a.line != b.line ? a.line < b.line : a.column < b.column;
                        });
                return true;
        }

        bool array(const toml::array &from, TomlNode &to, unsigned depth)
        {
                to.type = TOML_ARRAY;
                to.children.reserve(from.size());
                for (auto &&v : from) {
                        TomlNode &child = to.children.emplace_back();

                        child.line = v.source().begin.line;
                        child.column = v.source().begin.column;
                        if (!any(v, child, depth + 1))
                                return false;
                }
                return true;
        }

        bool any(const toml::node &from, TomlNode &to, unsigned depth)
        {
                if (depth > depth_max)
                        return fail(to, "values are nested too deeply");
                if (const auto *t = from.as_table())
                        return table(*t, to, depth);
                if (const auto *a = from.as_array())
                        return array(*a, to, depth);
                return scalar(from, to);
        }
};

int bad_message(
        char **reterr_text, const char *name, unsigned line, unsigned column, const std::string &text)
{
        std::string s =
                std::string(name) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + text;
        char *copy = strdup(s.c_str());

        if (!copy)
                return -ENOMEM;
        *reterr_text = copy;
        return -EBADMSG;
}

/* The library does not say where it was. */
int unlocated(char **reterr_text, const char *name)
{
        return asprintf(reterr_text, "%s: a table or key begins with a character that none begins with",
                       name) < 0
                       ? -ENOMEM
                       : -EBADMSG;
}

int parse(std::string_view text, const char *name, Toml **ret, char **reterr_text)
{
        unsigned line = line_of_long_key(text);

        if (line > 0)
                return bad_message(reterr_text, name, line, 1, "a key has too many parts");

        toml::parse_result result = toml::parse(text, std::string_view(name));
        if (!result) {
                const toml::parse_error &e = result.error();

                return bad_message(reterr_text, name, e.source().begin.line, e.source().begin.column,
                        std::string(e.description()));
        }

        auto t = std::make_unique<Toml>();
        Converter c;
        t->root.line = t->root.column = 1;
        if (!c.table(result.table(), t->root, 0))
                return bad_message(reterr_text, name, c.line, c.column, c.problem);
        *ret = t.release();
        return 0;
}

} // namespace

int toml_parse(const char *text, size_t size, const char *name, Toml **ret, char **reterr_text)
{
        try {
                return parse(std::string_view(text, size), name, ret, reterr_text);
        } catch (const FailedAssertion &) {
                return unlocated(reterr_text, name);
        } catch (const std::bad_alloc &) {
                return -ENOMEM;
        } catch (const std::length_error &) {
                return -ENOMEM;
        }
}

Toml *toml_free(Toml *t)
{
        delete t;
        return nullptr;
}

const TomlNode *toml_root(const Toml *t)
{
        return &t->root;
}

TomlType toml_type(const TomlNode *n)
{
        return n ? n->type : TOML_OTHER;
}

unsigned toml_line(const TomlNode *n)
{
        return n ? n->line : 0;
}

static const TomlNode *member(const TomlNode *table, std::string_view key)
{
        if (!table || table->type != TOML_TABLE)
                return nullptr;
        for (const TomlNode &c : table->children)
                if (c.key == key)
                        return &c;
        return nullptr;
}

const TomlNode *toml_find(const TomlNode *table, const char *path)
{
        std::string_view rest(path);

        while (table) {
                size_t dot = rest.find('.');

                table = member(table, rest.substr(0, dot));
                if (dot == std::string_view::npos)
                        break;
                rest.remove_prefix(dot + 1);
        }
        return table;
}

size_t toml_size(const TomlNode *n)
{
        return n ? n->children.size() : 0;
}

const TomlNode *toml_at(const TomlNode *n, size_t i, const char **ret_key)
{
        if (i >= toml_size(n))
                return nullptr;
        if (ret_key)
                *ret_key = n->type == TOML_TABLE ? n->children[i].key.c_str() : nullptr;
        return &n->children[i];
}

static int check_type(const TomlNode *n, TomlType type)
{
        return !n ? -ENOENT : n->type != type ? -EINVAL : 0;
}

int toml_get_string(const TomlNode *n, const char **ret)
{
        int r = check_type(n, TOML_STRING);

        if (r >= 0)
                *ret = n->string.c_str();
        return r;
}

int toml_get_integer(const TomlNode *n, int64_t *ret)
{
        int r = check_type(n, TOML_INTEGER);

        if (r >= 0)
                *ret = n->integer;
        return r;
}

int toml_get_float(const TomlNode *n, double *ret)
{
        int r = check_type(n, TOML_FLOAT);

        if (r >= 0)
                *ret = n->number;
        return r;
}

int toml_get_boolean(const TomlNode *n, bool *ret)
{
        int r = check_type(n, TOML_BOOLEAN);

        if (r >= 0)
                *ret = n->boolean;
        return r;
}
