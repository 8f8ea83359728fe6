#include "state/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"

/* Files that are open at once while a batch is written. */
#define GROUP_MAX 64u
#define N_SUBDIRS 256u
#define NAME_MAX_SIZE 80

struct Files {
        int dirs[_FILE_KIND_MAX];
        bool owns_fabs;
};

FileKey file_key_context(uint64_t run_id, uint64_t generation)
{
        FileKey k = {.kind = FILE_CONTEXT};

        memcpy(k.id.bytes, &run_id, sizeof(run_id));
        memcpy(k.id.bytes + sizeof(run_id), &generation, sizeof(generation));
        return k;
}

void file_key_parse_context(const FileKey *key, uint64_t *ret_run_id, uint64_t *ret_generation)
{
        memcpy(ret_run_id, key->id.bytes, sizeof(*ret_run_id));
        memcpy(ret_generation, key->id.bytes + sizeof(*ret_run_id), sizeof(*ret_generation));
}

static void file_name(const FileKey *key, char name[static NAME_MAX_SIZE])
{
        char hex[OBJECT_ID_HEX_MAX];
        uint64_t run_id, generation;

        switch ((FileKind) key->kind) {
        case FILE_OBJECT:
                object_id_format(&key->id, hex);
                snprintf(name, NAME_MAX_SIZE, "%.2s/%s", hex, hex);
                break;
        case FILE_FAB:
                object_id_format(&key->id, hex);
                snprintf(name, NAME_MAX_SIZE, "%s", hex);
                break;
        case FILE_CONTEXT:
        case _FILE_KIND_MAX:
                file_key_parse_context(key, &run_id, &generation);
                snprintf(name, NAME_MAX_SIZE, "%016" PRIx64 "-%" PRIx64, run_id, generation);
                break;
        }
}

static int parse_hash_name(const char *name, FileKey *ret)
{
        return strlen(name) == OBJECT_ID_HEX_MAX - 1 ? object_id_parse(name, &ret->id) : -EINVAL;
}

static int parse_object_name(const char *name, FileKey *ret)
{
        ret->kind = FILE_OBJECT;
        return parse_hash_name(name, ret);
}

static int parse_fab_name(const char *name, FileKey *ret)
{
        ret->kind = FILE_FAB;
        return parse_hash_name(name, ret);
}

static int parse_context_name(const char *name, FileKey *ret)
{
        uint64_t run_id, generation;
        char again[NAME_MAX_SIZE];
        int n = 0;

        if (sscanf(name, "%16" SCNx64 "-%16" SCNx64 "%n", &run_id, &generation, &n) != 2 || name[n] != 0)
                return -EINVAL;
        *ret = file_key_context(run_id, generation);
        file_name(ret, again);
        return streq(name, again) ? 0 : -EINVAL;
}

/* ---- directories ---- */

static int open_directory(const char *path, int *ret, char **reterr_text)
{
        int fd, r;

        r = mkdir_parents(path, 0700);
        fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r >= 0 && fd < 0)
                r = -errno;
        if (r >= 0 && faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
                r = -errno;
        if (r < 0) {
                safe_close(fd);
                *reterr_text = xasprintf("%s cannot be used as a directory: %s", path, strerror(-r));
                return *reterr_text ? r : -ENOMEM;
        }
        *ret = fd;
        return 0;
}

static int make_subdirs(int fd)
{
        char name[3];

        for (unsigned i = 0; i < N_SUBDIRS; i++) {
                snprintf(name, sizeof(name), "%02x", i);
                if (mkdirat(fd, name, 0700) < 0 && errno != EEXIST)
                        return -errno;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static int open_all(Files *f, const char *directory, const char *fab_directory, char **reterr_text)
{
        static const char *const names[_FILE_KIND_MAX] = {
                [FILE_OBJECT] = "objects", [FILE_FAB] = "fabs", [FILE_CONTEXT] = "contexts"};
        int r;

        for (unsigned i = 0; i < _FILE_KIND_MAX; i++) {
                _cleanup_free_ char *path = i == FILE_FAB && fab_directory ? strdup(fab_directory)
                                                                           : path_join(directory, names[i]);

                if (!path)
                        return -ENOMEM;
                r = open_directory(path, &f->dirs[i], reterr_text);
                if (r < 0)
                        return r;
        }
        return make_subdirs(f->dirs[FILE_OBJECT]);
}

int files_open(const char *directory, const char *fab_directory, Files **ret, char **reterr_text)
{
        _cleanup_(files_freep) Files *f = new0(Files, 1);
        int r;

        if (!f)
                return -ENOMEM;
        for (unsigned i = 0; i < _FILE_KIND_MAX; i++)
                f->dirs[i] = -EBADF;
        f->owns_fabs = !fab_directory;
        r = open_all(f, directory, fab_directory, reterr_text);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

Files *files_free(Files *f)
{
        if (!f)
                return NULL;
        for (unsigned i = 0; i < _FILE_KIND_MAX; i++)
                safe_close(f->dirs[i]);
        return mfree(f);
}

uint64_t files_free_space(const Files *f)
{
        struct statvfs v;

        if (fstatvfs(f->dirs[FILE_OBJECT], &v) < 0)
                return 0;
        return (uint64_t) v.f_bavail * v.f_frsize;
}

/* ---- reading ---- */

int files_map(const Files *f, const FileKey *key, Blob **ret)
{
        _cleanup_close_ int fd = -EBADF;
        char name[NAME_MAX_SIZE];

        file_name(key, name);
        fd = openat(f->dirs[key->kind], name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return blob_map_fd(fd, ret);
}

/* ---- writing ---- */

/* Unique among the files that are open at once; what a crash leaves behind is written over. */
static void temporary_name(unsigned i, char name[static NAME_MAX_SIZE])
{
        snprintf(name, NAME_MAX_SIZE, ".new-%u", i);
}

static int write_temporary(const Files *f, FileWrite *w, unsigned i)
{
        char name[NAME_MAX_SIZE];

        temporary_name(i, name);
        w->fd = openat(f->dirs[w->key.kind], name,
                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (w->fd < 0)
                return -errno;
        return write_all(w->fd, w->content->data, w->content->size);
}

static int put_in_place(const Files *f, FileWrite *w, unsigned i)
{
        char from[NAME_MAX_SIZE], to[NAME_MAX_SIZE];
        int dir = f->dirs[w->key.kind];

        if (fsync(w->fd) < 0)
                return -errno;
        temporary_name(i, from);
        file_name(&w->key, to);
        return renameat(dir, from, dir, to) < 0 ? -errno : 0;
}

/* All are written before the first is synced, so that the disk has them to do together. */
static int write_group(const Files *f, FileWrite *first, FileWrite *end)
{
        unsigned n = 0, n_done = 0;
        int r = 0;

        for (FileWrite *w = first; r >= 0 && w != end; w = w->next)
                r = write_temporary(f, w, n++);
        for (FileWrite *w = first; r >= 0 && w != end; w = w->next)
                r = put_in_place(f, w, n_done++);
        for (FileWrite *w = first; w != end; w = w->next)
                w->fd = safe_close(w->fd);
        return r;
}

typedef struct Touched {
        bool kinds[_FILE_KIND_MAX];
        bool subdirs[N_SUBDIRS];
} Touched;

static void touch(Touched *t, const FileKey *key)
{
        if (key->kind == FILE_OBJECT)
                t->subdirs[key->id.bytes[0]] = true;
        else
                t->kinds[key->kind] = true;
}

static int sync_directories(const Files *f, const Touched *t)
{
        for (unsigned i = 0; i < _FILE_KIND_MAX; i++)
                if (t->kinds[i] && fsync(f->dirs[i]) < 0)
                        return -errno;
        for (unsigned i = 0; i < N_SUBDIRS; i++) {
                _cleanup_close_ int fd = -EBADF;
                char name[3];

                if (!t->subdirs[i])
                        continue;
                snprintf(name, sizeof(name), "%02x", i);
                fd = openat(f->dirs[FILE_OBJECT], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 || fsync(fd) < 0)
                        return -errno;
        }
        return 0;
}

int files_write(const Files *f, FileWrite *list)
{
        Touched touched = {};
        FileWrite *end;
        int r;

        for (FileWrite *w = list; w; w = end) {
                unsigned n = 0;

                for (end = w; end && n < GROUP_MAX; end = end->next, n++)
                        touch(&touched, &end->key);
                r = write_group(f, w, end);
                if (r < 0)
                        return r;
        }
        return sync_directories(f, &touched);
}

void files_unlink(const Files *f, const FileKey *key)
{
        char name[NAME_MAX_SIZE];

        file_name(key, name);
        (void) unlinkat(f->dirs[key->kind], name, 0);
}

/* ---- sweeping ---- */

static int sweep(int dir, int (*parse)(const char *name, FileKey *ret),
        bool (*keep)(const FileKey *key, void *userdata), void *userdata)
{
        struct dirent *de;
        DIR *d;
        int fd;

        fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        d = fdopendir(fd);
        if (!d) {
                int r = -errno;

                safe_close(fd);
                return r;
        }
        while ((de = readdir(d))) {
                FileKey key = {};

                if (streq(de->d_name, ".") || streq(de->d_name, ".."))
                        continue;
                if (parse(de->d_name, &key) < 0 || !keep(&key, userdata))
                        (void) unlinkat(dir, de->d_name, 0);
        }
        (void) closedir(d);
        return 0;
}

int files_sweep(const Files *f, bool (*keep)(const FileKey *key, void *userdata), void *userdata)
{
        char name[3];
        int r;

        r = sweep(f->dirs[FILE_CONTEXT], parse_context_name, keep, userdata);
        if (r >= 0 && f->owns_fabs)
                r = sweep(f->dirs[FILE_FAB], parse_fab_name, keep, userdata);
        for (unsigned i = 0; r >= 0 && i < N_SUBDIRS; i++) {
                _cleanup_close_ int fd = -EBADF;

                snprintf(name, sizeof(name), "%02x", i);
                fd = openat(f->dirs[FILE_OBJECT], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? -errno : sweep(fd, parse_object_name, keep, userdata);
        }
        return r;
}
