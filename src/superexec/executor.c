#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "superexec/superexec.h"

/* Not access(X_OK): in the sandbox of a launcher that starts nothing itself, nothing may be executed. */
static bool is_program(const char *path)
{
        struct stat st;

        return path && stat(path, &st) >= 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* The directory of this program, NULL when it cannot be told. */
static char *own_directory(void)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *slash;

        if (n <= 0)
                return NULL;
        self[n] = 0;
        slash = strrchr(self, '/');
        if (!slash)
                return NULL;
        *slash = 0;
        return strdup(self);
}

int executor_find_native(const char *program, char **ret)
{
        _cleanup_free_ char *own = own_directory(), *beside = NULL, *installed = NULL, *relocated = NULL;

        if (own) {
                beside = path_join(own, program);
                relocated = xasprintf("%s/../libexec/flwr/%s", own, program);
        }
        installed = path_join(FLWR_LIBEXECDIR, program);
        if (is_program(beside))
                *ret = TAKE_PTR(beside);
        else if (is_program(installed))
                *ret = TAKE_PTR(installed);
        else if (is_program(relocated))
                *ret = TAKE_PTR(relocated);
        else
                return -ENOENT;
        return 0;
}

static bool same_file(const char *a, const char *b)
{
        char real_a[PATH_MAX], real_b[PATH_MAX];

        return realpath(a, real_a) && realpath(b, real_b) && streq(real_a, real_b);
}

static int find_on_path(const char *program, char **ret)
{
        _cleanup_free_ char *native = NULL, *copy = strdup(getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin");
        char *p = copy, *dir;

        if (!copy)
                return -ENOMEM;
        (void) executor_find_native(program, &native);
        while ((dir = strsep(&p, ":"))) {
                _cleanup_free_ char *candidate = path_join(*dir ? dir : ".", program);

                if (!is_program(candidate) || (native && same_file(candidate, native)))
                        continue;
                *ret = TAKE_PTR(candidate);
                return 0;
        }
        return -ENOENT;
}

int executor_find_python(const char *program, const char *dir, char **ret, char **reterr_text)
{
        _cleanup_free_ char *candidate = NULL;

        if (!dir) {
                if (find_on_path(program, ret) >= 0)
                        return 0;
                *reterr_text = xasprintf("no Python %s was found on PATH (install flwr in a Python "
                                         "environment and name its bin "
                                         "directory with --python-apps)",
                        program);
                return -ENOENT;
        }
        candidate = path_join(dir, program);
        if (is_program(candidate)) {
                *ret = TAKE_PTR(candidate);
                return 0;
        }
        *reterr_text = xasprintf("there is no program %s in %s (--python-apps)", program, dir);
        return -ENOENT;
}

bool executor_is_flower_1_20(const char *path)
{
        char real[PATH_MAX];
        _cleanup_free_ char *dir = strdup(path), *pattern = NULL;
        char *slash = dir ? strrchr(dir, '/') : NULL;
        glob_t found = {};
        bool old;

        if (!slash)
                return false;
        *slash = 0;
        pattern = xasprintf("%s/lib/python*/site-packages/flwr-1.20.*.dist-info",
                realpath(dir, real) && (slash = strrchr(real, '/')) ? (*slash = 0, real) : "..");
        old = pattern && glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;
        globfree(&found);
        return old;
}
