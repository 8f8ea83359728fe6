#include "base/config-file.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/toml.h"

#define SUFFIX ".toml"
/* Longer than any key of ours: what is longer was no slip of the pen. */
#define KEY_LENGTH_MAX 63

/* What the last file that speaks of a row says. */
typedef struct Setting {
        char **texts;
        char *file; /* NULL: nothing is said */
        unsigned line;
} Setting;

typedef struct Loader {
        const Program *program;
        Setting *settings; /* one a row */
        size_t n_rows;
        Buf problems;
        unsigned n_problems;
} Loader;

static void setting_done(Setting *s)
{
        options_free_strings(s->texts);
        free(s->file);
        *s = (Setting){};
}

static void loader_done(Loader *l)
{
        for (size_t i = 0; l->settings && i < l->n_rows; i++)
                setting_done(&l->settings[i]);
        free(l->settings);
        buf_done(&l->problems);
}

/* Gives 0, so that the reading goes on, or -ENOMEM. */
static int add_problem(Loader *l, const char *fmt, ...) _printf_(2, 3);
static int add_problem(Loader *l, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        if (l->n_problems > CONFIG_PROBLEMS_MAX)
                return 0;
        if (++l->n_problems > CONFIG_PROBLEMS_MAX)
                return buf_append_str(&l->problems, "There are more problems than these.\n");
        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : buf_printf(&l->problems, "%s\n", text);
}

/* ---- keys ---- */

/* Levenshtein's, by rows; b is one of ours. */
static unsigned edit_distance(const char *a, const char *b)
{
        unsigned row[KEY_LENGTH_MAX + 1];
        size_t n = MIN(strlen(b), (size_t) KEY_LENGTH_MAX);

        for (size_t k = 0; k <= n; k++)
                row[k] = (unsigned) k;
        for (; *a; a++) {
                unsigned diagonal = row[0]++;

                for (size_t k = 1; k <= n; k++) {
                        unsigned replaced = diagonal + (*a != b[k - 1]);

                        diagonal = row[k];
                        row[k] = MIN(MIN(row[k], row[k - 1]) + 1, replaced);
                }
        }
        return row[n];
}

/* Among rows that have all of these flags. NULL when more than half of the key is wrong. */
static const char *nearest_key(const Loader *l, const char *key, unsigned flags)
{
        size_t length = strlen(key);
        unsigned least = (unsigned) MIN(length, (size_t) KEY_LENGTH_MAX) / 2 + 1;
        const char *nearest = NULL;

        if (length > KEY_LENGTH_MAX)
                return NULL;
        for (size_t i = 0; i < l->n_rows; i++) {
                const Option *o = &l->program->options[i];
                unsigned distance;

                if (!option_is_key(o) || (o->flags & flags) != flags)
                        continue;
                distance = edit_distance(key, o->name);
                if (distance < least) {
                        least = distance;
                        nearest = o->name;
                }
        }
        return nearest;
}

static int unknown_key(Loader *l, const char *file, const char *key, const TomlNode *node)
{
        bool table = toml_type(node) == TOML_TABLE;
        const char *nearest = nearest_key(l, key, table ? OPTION_TABLE : 0);
        _cleanup_free_ char *hint = NULL;

        if (nearest)
                hint = xasprintf("did you mean '%s'?", nearest);
        else if (table)
                hint = strdup("keys stand outside of tables");
        else
                hint = xasprintf("the flags in %s --help are the keys", l->program->name);
        if (!hint)
                return -ENOMEM;
        return add_problem(l, "%s:%u: unknown %s '%.*s': %s", file, toml_line(node), table ? "table" : "key",
                KEY_LENGTH_MAX, key, hint);
}

static const Option *find_row(const Loader *l, const char *key, Setting **ret_setting)
{
        for (size_t i = 0; i < l->n_rows; i++) {
                const Option *o = &l->program->options[i];

                if (option_is_row(o) && streq(o->name, key)) {
                        *ret_setting = &l->settings[i];
                        return o;
                }
        }
        return NULL;
}

static int take_key(Loader *l, const char *file, const char *key, const TomlNode *node)
{
        _cleanup_free_ char *why = NULL;
        Setting *setting, next = {.line = toml_line(node)};
        const Option *o = find_row(l, key, &setting);
        const char *text;
        int r;

        if (!o)
                return unknown_key(l, file, key, node);
        if (toml_get_string(node, &text) >= 0 && isempty(text)) {
                setting_done(setting);
                return 0;
        }
        r = option_texts_from_toml(o, node, &next.texts, &why);
        if (r == -EINVAL)
                return add_problem(l, "%s:%u: %s: %s", file, toml_line(node), key, strempty(why));
        if (r < 0)
                return r;
        next.file = strdup(file);
        setting_done(setting);
        *setting = next;
        return next.file ? 0 : -ENOMEM;
}

/* ---- files ---- */

static int load_file(Loader *l, const char *file)
{
        _cleanup_(toml_freep) Toml *t = NULL;
        _cleanup_free_ char *text = NULL, *why = NULL;
        int r;

        r = read_text_file(file, CONFIG_FILE_SIZE_MAX, &text);
        if (r == -ENOMEM)
                return r;
        if (r == -EFBIG)
                return add_problem(l, "%s: is larger than %d bytes", file, CONFIG_FILE_SIZE_MAX);
        if (r == -EBADMSG)
                return add_problem(l, "%s: contains NUL", file);
        if (r < 0)
                return add_problem(l, "%s: cannot be read: %s", file, strerror(-r));
        r = toml_parse(text, strlen(text), file, &t, &why);
        if (r == -EBADMSG)
                return add_problem(l, "%s", strempty(why));
        for (size_t i = 0; r >= 0 && i < toml_size(toml_root(t)); i++) {
                const char *key;
                const TomlNode *node = toml_at(toml_root(t), i, &key);

                r = take_key(l, file, key, node);
        }
        return r;
}

char *config_dropin_directory(const char *file)
{
        const char *suffix = endswith(file, SUFFIX);

        return suffix ? xasprintf("%.*s.d", (int) (suffix - file), file) : NULL;
}

static int is_dropin(const struct dirent *d)
{
        return d->d_name[0] != '.' && endswith(d->d_name, SUFFIX);
}

/* By bytes, whatever the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dropins(Loader *l, const char *directory)
{
        struct dirent **entries;
        int n = scandir(directory, &entries, is_dropin, compare_names), r = 0;

        if (n < 0)
                return errno == ENOENT
                               ? 0
                               : add_problem(l, "%s: cannot be read: %s", directory, strerror(errno));
        if (n > CONFIG_DROPINS_MAX)
                r = add_problem(l, "%s: has more than %d files", directory, CONFIG_DROPINS_MAX);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;

                if (r >= 0 && n <= CONFIG_DROPINS_MAX) {
                        path = path_join(directory, entries[i]->d_name);
                        r = path ? load_file(l, path) : -ENOMEM;
                }
                free(entries[i]);
        }
        free(entries);
        return r;
}

static bool has_dropins(const char *directory)
{
        struct dirent **entries = NULL;
        int n = scandir(directory, &entries, is_dropin, NULL);

        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        return n > 0;
}

static int load_all(Loader *l, const char *file)
{
        _cleanup_free_ char *directory = NULL;
        int r;

        if (!endswith(file, SUFFIX))
                return load_file(l, file);
        directory = config_dropin_directory(file);
        if (!directory)
                return -ENOMEM;
        /* An instance of a service may have nothing but drop-ins. */
        r = access(file, F_OK) < 0 && errno == ENOENT && has_dropins(directory) ? 0 : load_file(l, file);
        return r < 0 ? r : load_dropins(l, directory);
}

static int store_settings(Loader *l, void *args, OptionOrigin *origins)
{
        for (size_t i = 0; i < l->n_rows; i++) {
                Setting *s = &l->settings[i];

                if (!s->file || origins[i].flag)
                        continue;
                for (size_t k = 0; s->texts && s->texts[k]; k++) {
                        int r = option_store(&l->program->options[i], s->texts[k], args);
                        if (r < 0)
                                return r;
                }
                origins[i].file = TAKE_PTR(s->file);
                origins[i].line = s->line;
        }
        return 0;
}

int config_files_load(
        const Program *p, const char *file, void *args, OptionOrigin *origins, char **reterr_problems)
{
        _cleanup_(loader_done) Loader l = {.program = p, .n_rows = options_count(p)};
        int r;

        l.settings = new0(Setting, l.n_rows);
        if (!l.settings)
                return -ENOMEM;
        r = load_all(&l, file);
        if (r < 0)
                return r;
        if (l.n_problems > 0) {
                *reterr_problems = buf_steal_str(&l.problems);
                return *reterr_problems ? -EBADMSG : -ENOMEM;
        }
        return store_settings(&l, args, origins);
}
