#include "generator/settings.h"

#include <dirent.h>
#include <stdio.h>

#include "base/toml.h"

#define SUFFIX ".toml"

static int fail(char **reterr_text, const char *file, const char *why)
{
        *reterr_text = xasprintf("%s: %s", file, why);
        return *reterr_text ? -EBADMSG : -ENOMEM;
}

static void closefile(FILE **f)
{
        if (*f)
                (void) fclose(*f);
}

static int read_whole(const char *file, char **ret, size_t *ret_size, char **reterr_text)
{
        _cleanup_(closefile) FILE *f = fopen(file, "re");
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (!f)
                return errno == ENOENT ? -ENOENT : fail(reterr_text, file, strerror(errno));
        text = malloc(SETTINGS_FILE_SIZE_MAX + 1);
        if (!text)
                return -ENOMEM;
        size = fread(text, 1, SETTINGS_FILE_SIZE_MAX + 1, f);
        if (ferror(f))
                return fail(reterr_text, file, "cannot be read");
        if (size > SETTINGS_FILE_SIZE_MAX)
                return fail(reterr_text, file, "is too large");
        *ret = TAKE_PTR(text);
        *ret_size = size;
        return 0;
}

static int read_one(const char *file, Setting *settings, size_t n, char **reterr_text)
{
        _cleanup_(toml_freep) Toml *toml = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = read_whole(file, &text, &size, reterr_text);
        if (r >= 0)
                r = toml_parse(text, size, file, &toml, reterr_text);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                const char *value;

                switch (toml_get_string(toml_find(toml_root(toml), settings[i].key), &value)) {
                case -ENOENT:
                        break;
                case 0:
                        r = free_and_strdup(&settings[i].value, *value ? value : NULL);
                        break;
                default:
                        r = fail(reterr_text, file, "an address is not a string");
                }
        }
        return r;
}

static int is_dropin(const struct dirent *e)
{
        return e->d_name[0] != '.' && endswith(e->d_name, SUFFIX) != NULL;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* How many there were, or an error. */
static int read_dropins(const char *file, Setting *settings, size_t n, char **reterr_text)
{
        _cleanup_free_ char *dir =
                xasprintf("%.*s.d", (int) (strlen(file) - strlen(endswith(file, SUFFIX) ?: "")), file);
        struct dirent **entries = NULL;
        int found, r;

        if (!dir)
                return -ENOMEM;
        found = scandir(dir, &entries, is_dropin, by_bytes);
        if (found < 0)
                return errno == ENOENT ? 0 : fail(reterr_text, dir, strerror(errno));
        r = found > SETTINGS_DROPINS_MAX ? fail(reterr_text, dir, "has too many files") : found;
        for (int i = 0; i < found; i++) {
                _cleanup_free_ char *path = xasprintf("%s/%s", dir, entries[i]->d_name);
                int k;

                free(entries[i]);
                if (r < 0)
                        continue;
                k = path ? read_one(path, settings, n, reterr_text) : -ENOMEM;
                /* It may have gone since. */
                r = k < 0 && k != -ENOENT ? k : r;
        }
        free(entries);
        return r;
}

int settings_read(const char *file, Setting *settings, size_t n, char **reterr_text)
{
        int first, dropins;

        first = read_one(file, settings, n, reterr_text);
        if (first < 0 && first != -ENOENT)
                return first;
        dropins = read_dropins(file, settings, n, reterr_text);
        if (dropins < 0)
                return dropins;
        return dropins == 0 ? first : 0;
}

void settings_done(Setting *settings, size_t n)
{
        for (size_t i = 0; i < n; i++)
                settings[i].value = mfree(settings[i].value);
}
