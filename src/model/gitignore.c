#include <fnmatch.h>
#include <limits.h>

#include "base/text.h"
#include "model/gitignore.h"

/* "**" makes matching try every depth: keeps a pattern of nothing but those from costing seconds. */
#define GITIGNORE_SEGMENTS_MAX 16

typedef struct Pattern {
        char *text; /* the slashes are NUL */
        const char *segments[GITIGNORE_SEGMENTS_MAX];
        unsigned n_segments;
        bool negated;
        bool directories_only;
} Pattern;

struct GitIgnore {
        Pattern *patterns;
        size_t n;
        bool has_negation;
};

GitIgnore *gitignore_free(GitIgnore *g)
{
        if (!g)
                return NULL;
        for (size_t i = 0; i < g->n; i++)
                free(g->patterns[i].text);
        free(g->patterns);
        return mfree(g);
}

static int add_segment(Pattern *p, const char *s)
{
        bool any_depth = streq(s, "**");

        if (any_depth && p->n_segments > 0 && streq(p->segments[p->n_segments - 1], "**"))
                return 0;
        if (p->n_segments >= GITIGNORE_SEGMENTS_MAX)
                return -E2BIG;
        p->segments[p->n_segments++] = s;
        return 0;
}

/* Cuts p->text into segments. -E2BIG: too many of them. */
static int split(Pattern *p)
{
        char *s = p->text, *slash;
        size_t n = strlen(s);
        int r;

        if (n > 0 && s[n - 1] == '/') {
                p->directories_only = true;
                s[--n] = 0;
        }
        if (!strchr(s, '/')) {
                r = add_segment(p, "**");
                if (r < 0)
                        return r;
        }
        if (*s == '/')
                s++;

        for (; s; s = slash) {
                slash = strchr(s, '/');
                if (slash)
                        *slash++ = 0;
                if (*s == 0)
                        continue;
                r = add_segment(p, s);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_line(GitIgnore *g, const char *line, size_t n)
{
        Pattern p = {};
        int r;

        while (n > 0 && strchr(" \t\r", line[n - 1]))
                n--;
        while (n > 0 && strchr(" \t", *line)) {
                line++;
                n--;
        }
        if (n == 0 || *line == '#')
                return 0;
        if (*line == '!') {
                p.negated = true;
                line++;
                n--;
        }

        r = GROW_ARRAY(g->patterns, g->n);
        if (r < 0)
                return r;
        p.text = strndup(line, n);
        if (!p.text)
                return -ENOMEM;
        if (split(&p) < 0 || p.n_segments == 0) {
                free(p.text);
                return 0;
        }

        g->has_negation |= p.negated;
        g->patterns[g->n++] = p;
        return 0;
}

int gitignore_new(const char *text, size_t size, GitIgnore **ret)
{
        _cleanup_(gitignore_freep) GitIgnore *g = new0(GitIgnore, 1);
        const char *end = text + size;
        int r;

        if (!g)
                return -ENOMEM;

        if (utf8_is_valid(text, size))
                for (const char *line = text, *next; line < end; line = next) {
                        const char *newline = memchr(line, '\n', (size_t) (end - line));

                        next = newline ? newline + 1 : end;
                        r = add_line(g, line, (size_t) ((newline ? newline : end) - line));
                        if (r < 0)
                                return r;
                }

        *ret = TAKE_PTR(g);
        return 0;
}

/* The first component of path in buf; *ret_rest is what follows it, "" at the end. */
static bool next_component(const char *path, char buf[static NAME_MAX + 1], const char **ret_rest)
{
        size_t n = strcspn(path, "/");

        if (n == 0 || n > NAME_MAX)
                return false;
        memcpy(buf, path, n);
        buf[n] = 0;
        *ret_rest = path[n] ? path + n + 1 : path + n;
        return true;
}

/* Whether the segments from i on match path or one of the directories that lead to it. */
static bool match_from(const Pattern *p, unsigned i, const char *path, bool is_directory)
{
        char component[NAME_MAX + 1];
        const char *rest;

        if (i == p->n_segments)
                return *path || is_directory || !p->directories_only;

        if (!streq(p->segments[i], "**"))
                return next_component(path, component, &rest) &&
                       fnmatch(p->segments[i], component, 0) == 0 &&
                       match_from(p, i + 1, rest, is_directory);

        if (i + 1 == p->n_segments)
                return next_component(path, component, &rest) && match_from(p, i + 1, rest, is_directory);
        do
                if (match_from(p, i + 1, path, is_directory))
                        return true;
        while (next_component(path, component, &path));
        return false;
}

bool gitignore_match(const GitIgnore *g, const char *path, bool is_directory)
{
        for (size_t i = g->n; i > 0; i--)
                if (match_from(&g->patterns[i - 1], 0, path, is_directory))
                        return !g->patterns[i - 1].negated;
        return false;
}

bool gitignore_has_negation(const GitIgnore *g)
{
        return g->has_negation;
}
