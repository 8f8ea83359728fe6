#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "model/fab-files.h"
#include "model/fab-index.h"
#include "model/fab-reader.h"
#include "model/gitignore.h"

#define GITIGNORE_SIZE_MAX (1024 * 1024) /* a text written by hand */

static const char INCLUDED[] = "*.py\n*.toml\n*.md\n/LICENSE\n";
/* Genuine Flower's list, as of 1.28. */
static const char EXCLUDED[] = "/.flwr/\n__pycache__/\npyproject.toml\n*_test.py\ntest_*.py\n"
                               "/build/\n/eggs/\n/.eggs/\n/lib/\n/lib64/\n/parts/\n*.egg\n"
                               "/.venv/\n/env/\n/venv/\n/ENV/\n/env.bak/\n/venv.bak/\n";

typedef struct Walk {
        GitIgnore *included, *excluded, *ignored;
        FabFiles files;
        char **reterr_text;
} Walk;

static void walk_done(Walk *w)
{
        gitignore_free(w->included);
        gitignore_free(w->excluded);
        gitignore_free(w->ignored);
        fab_files_done(&w->files);
}

void fab_files_done(FabFiles *f)
{
        for (size_t i = 0; i < f->n; i++)
                free(f->paths[i]);
        f->paths = mfree(f->paths);
        f->n = 0;
}

static int add_file(Walk *w, const char *path)
{
        int r;

        if (!fab_path_is_safe(path) || strchr(path, ',') || !utf8_is_valid(path, strlen(path)))
                return fab_error(-EINVAL, w->reterr_text,
                        "\"%s\" cannot be put into a FAB: names must be UTF-8 without commas, backslashes "
                        "and control characters, "
                        "of at most %d bytes and %d directories. Rename it, or name it in .gitignore.",
                        path, FAB_PATH_MAX, FAB_DEPTH_MAX);
        /* Two are pyproject.toml and .info/CONTENT. */
        if (w->files.n >= FAB_MEMBERS_MAX - 2)
                return fab_error(-EINVAL, w->reterr_text,
                        "The app has more than %d files. Name what does not belong to it in .gitignore.",
                        FAB_MEMBERS_MAX - 2);

        r = GROW_ARRAY(w->files.paths, w->files.n);
        if (r < 0)
                return r;
        w->files.paths[w->files.n] = strdup(path);
        if (!w->files.paths[w->files.n])
                return -ENOMEM;
        w->files.n++;
        return 0;
}

static int open_dir(int parent_fd, const char *name, DIR **ret)
{
        int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret = fdopendir(fd);
        if (!*ret) {
                safe_close(fd);
                return -ENOMEM;
        }
        return 0;
}

static void closedirp(DIR **d)
{
        if (*d)
                closedir(*d);
}

static int walk_dir(Walk *w, int parent_fd, const char *name, const char *prefix, unsigned depth);

static int walk_entry(Walk *w, int dir_fd, const char *name, const char *prefix, unsigned depth)
{
        _cleanup_free_ char *path = xasprintf("%s%s", prefix, name);
        bool ignored;
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (gitignore_match(w->excluded, path, S_ISDIR(st.st_mode)))
                return 0;
        ignored = gitignore_match(w->ignored, path, S_ISDIR(st.st_mode));

        if (S_ISDIR(st.st_mode)) {
                _cleanup_free_ char *below = NULL;

                if (ignored && !gitignore_has_negation(w->ignored))
                        return 0;
                below = xasprintf("%s/", path);
                return below ? walk_dir(w, dir_fd, name, below, depth + 1) : -ENOMEM;
        }
        if (!S_ISREG(st.st_mode) || ignored || !gitignore_match(w->included, path, false))
                return 0;
        return add_file(w, path);
}

static int walk_dir(Walk *w, int parent_fd, const char *name, const char *prefix, unsigned depth)
{
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *e;
        int r;

        if (depth >= FAB_DEPTH_MAX)
                return 0;
        r = open_dir(parent_fd, name, &d);
        if (r < 0)
                return fab_error(
                        r, w->reterr_text, "Cannot read directory \"%s\": %s", prefix, strerror(-r));

        while ((e = readdir(d))) {
                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                r = walk_entry(w, dirfd(d), e->d_name, prefix, depth);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* native/<triplet>/<object>.so of every triplet for which there is one. */
static int add_native(Walk *w, int app_fd, const char *reference)
{
        int n = (int) strcspn(strempty(reference), ":");
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *e;
        unsigned found = 0;
        int r;

        if (!reference)
                return 0;
        r = open_dir(app_fd, "native", &d);
        if (r < 0 && r != -ENOENT)
                return fab_error(r, w->reterr_text, "Cannot read directory \"native\": %s", strerror(-r));

        while (d && (e = readdir(d))) {
                _cleanup_free_ char *path = xasprintf("native/%s/%.*s.so", e->d_name, n, reference);
                struct stat st;

                if (!path)
                        return -ENOMEM;
                if (e->d_name[0] == '.' || fstatat(app_fd, path, &st, 0) < 0 || !S_ISREG(st.st_mode))
                        continue;
                found++;
                r = add_file(w, path);
                if (r < 0)
                        return r;
        }
        if (found == 0)
                return fab_error(-EINVAL, w->reterr_text,
                        "[tool.flwr.app.native] names \"%s\", but there is no native/%s/%.*s.so: compile "
                        "the app first.",
                        reference, FLWR_TRIPLET, n, reference);
        return 0;
}

static int compare_paths(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Both sides may live in one object. */
static void sort_and_merge(FabFiles *f)
{
        size_t n = 0;

        if (f->n == 0)
                return;
        qsort(f->paths, f->n, sizeof(char *), compare_paths);
        for (size_t i = 0; i < f->n; i++)
                if (n > 0 && streq(f->paths[n - 1], f->paths[i]))
                        free(f->paths[i]);
                else
                        f->paths[n++] = f->paths[i];
        f->n = n;
}

static int load_gitignore(int app_fd, GitIgnore **ret, char **reterr_text)
{
        _cleanup_close_ int fd = openat(app_fd, ".gitignore", O_RDONLY | O_CLOEXEC);
        _cleanup_blob_ Blob *b = NULL;
        int r;

        if (fd < 0 && errno == ENOENT)
                return gitignore_new("", 0, ret);
        r = fd < 0 ? -errno : blob_map_fd(fd, &b);
        if (r >= 0 && b->size > GITIGNORE_SIZE_MAX)
                r = -EFBIG;
        if (r < 0)
                return fab_error(r, reterr_text, "Cannot read .gitignore: %s", strerror(-r));
        return gitignore_new((const char *) b->data, b->size, ret);
}

int fab_files_collect(int app_fd, const AppManifest *m, FabFiles *ret, char **reterr_text)
{
        _cleanup_(walk_done) Walk w = {.reterr_text = reterr_text};
        int r;

        if ((r = gitignore_new(INCLUDED, strlen(INCLUDED), &w.included)) < 0 ||
                (r = gitignore_new(EXCLUDED, strlen(EXCLUDED), &w.excluded)) < 0 ||
                (r = load_gitignore(app_fd, &w.ignored, reterr_text)) < 0 ||
                (r = walk_dir(&w, app_fd, ".", "", 0)) < 0 ||
                (r = add_native(&w, app_fd, m->native_serverapp)) < 0 ||
                (r = add_native(&w, app_fd, m->native_clientapp)) < 0)
                return r;

        sort_and_merge(&w.files);
        *ret = w.files;
        w.files = (FabFiles){};
        return 0;
}
