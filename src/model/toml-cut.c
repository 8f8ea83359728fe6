#include "model/toml-cut.h"

typedef struct Name {
        const char *s;
        size_t n;
} Name;

/* The leading names of a table or key; deeper ones do not matter. */
typedef struct Path {
        Name names[TOML_CUT_DEPTH_MAX];
        unsigned n;
} Path;

static const char *skip_blanks(const char *p, const char *end)
{
        while (p < end && (*p == ' ' || *p == '\t'))
                p++;
        return p;
}

static const char *skip_line(const char *p, const char *end)
{
        const char *newline = memchr(p, '\n', (size_t) (end - p));

        return newline ? newline + 1 : end;
}

static bool at_triple(const char *p, const char *end)
{
        return end - p >= 3 && p[0] == p[1] && p[1] == p[2];
}

/* From an opening quote to behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
        char quote = *p;
        bool triple = at_triple(p, end);

        for (p += triple ? 3 : 1; p < end; p++) {
                if (*p == '\\' && quote == '"')
                        p++;
                else if (*p == quote && !triple)
                        return p + 1;
                else if (*p == quote && at_triple(p, end)) {
                        /* Up to two quotes may stand before the closing three. */
                        for (p += 3; p < end && *p == quote;)
                                p++;
                        return p;
                }
        }
        return end;
}

/* From behind "=" to the start of the next line that is not part of the value. */
static const char *skip_value(const char *p, const char *end)
{
        unsigned depth = 0;

        while (p < end)
                switch (*p) {
                case '"':
                case '\'':
                        p = skip_string(p, end);
                        break;
                case '[':
                case '{':
                        depth++;
                        p++;
                        break;
                case ']':
                case '}':
                        depth -= depth > 0;
                        p++;
                        break;
                case '#':
                case '\n':
                        p = skip_line(p, end);
                        if (depth == 0)
                                return p;
                        break;
                default:
                        p++;
                }
        return end;
}

/* Dotted key; *path grows by its names. Gives what follows, "]" or "=" in a sound document. */
static const char *parse_key(const char *p, const char *end, Path *path)
{
        while (p < end) {
                Name name = {.s = p};

                if (*p == '"' || *p == '\'') {
                        const char *close = skip_string(p, end);

                        name = (Name){.s = p + 1, .n = close - p >= 2 ? (size_t) (close - p) - 2 : 0};
                        p = close;
                } else {
                        while (p < end && !strchr(" \t.=]\r\n", *p))
                                p++;
                        name.n = (size_t) (p - name.s);
                }
                if (path->n < ELEMENTSOF(path->names))
                        path->names[path->n++] = name;

                p = skip_blanks(p, end);
                if (p == end || *p != '.')
                        break;
                p = skip_blanks(p + 1, end);
        }
        return p;
}

static bool is_below(const Path *path, const char *const *wanted)
{
        unsigned i;

        for (i = 0; wanted[i]; i++)
                if (i >= path->n || strlen(wanted[i]) != path->names[i].n ||
                        memcmp(wanted[i], path->names[i].s, path->names[i].n) != 0)
                        return false;
        return true;
}

int toml_cut(const char *text, size_t size, const char *const *wanted, Buf *ret)
{
        const char *end = text + size, *next;
        Path table = {};
        int r;

        for (const char *line = text; line < end; line = next) {
                const char *p = skip_blanks(line, end);
                Path path = table;

                if (p < end && *p == '[') {
                        table = (Path){};
                        parse_key(skip_blanks(p + (end - p > 1 && p[1] == '[' ? 2 : 1), end), end, &table);
                        path = table;
                        next = skip_line(p, end);
                } else if (p < end && !strchr("#\r\n", *p))
                        next = skip_value(parse_key(p, end, &path), end);
                else
                        next = skip_line(p, end);

                if (is_below(&path, wanted))
                        continue;
                r = buf_append(ret, line, (size_t) (next - line));
                if (r < 0)
                        return r;
        }
        return 0;
}
