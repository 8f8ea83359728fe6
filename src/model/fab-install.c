#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "model/fab-index.h"
#include "model/fab-reader.h"

/* Opens name below dir_fd as a directory, made if needed; never follows a link. */
static int open_dir_at(int dir_fd, const char *name)
{
        int fd;

        if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Creates the file of a member below root_fd, with the directories that lead to it. */
static int create_member(int root_fd, const char *path)
{
        _cleanup_close_ int dir_fd = -EBADF;
        const char *rest = path, *slash;
        int fd;

        while ((slash = strchr(rest, '/'))) {
                _cleanup_free_ char *name = strndup(rest, (size_t) (slash - rest));

                if (!name)
                        return -ENOMEM;
                fd = open_dir_at(dir_fd >= 0 ? dir_fd : root_fd, name);
                if (fd < 0)
                        return fd;
                safe_close(dir_fd);
                dir_fd = fd;
                rest = slash + 1;
        }

        fd = openat(dir_fd >= 0 ? dir_fd : root_fd, rest,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : fd;
}

static int extract_member(FabReader *reader, int root_fd, const char *path, char **reterr_text)
{
        _cleanup_close_ int fd = create_member(root_fd, path);
        char chunk[16384];
        size_t n;
        int r;

        if (fd < 0)
                return fab_error(
                        fd, reterr_text, "Cannot create \"%s\" of the FAB: %s", path, strerror(-fd));
        do {
                r = fab_reader_read(reader, chunk, sizeof(chunk), &n, reterr_text);
                if (r < 0)
                        return r;
                r = write_all(fd, chunk, n);
                if (r < 0)
                        return fab_error(
                                r, reterr_text, "Cannot write \"%s\" of the FAB: %s", path, strerror(-r));
        } while (n > 0);
        return 0;
}

static int extract_all(const Blob *fab, int root_fd, char **reterr_text)
{
        _cleanup_(fab_reader_freep) FabReader *reader = NULL;
        const char *path;
        int r;

        r = fab_reader_open(fab, &reader, reterr_text);
        if (r < 0)
                return r;
        while ((r = fab_reader_next(reader, &path, reterr_text)) > 0) {
                if (startswith(path, FAB_INFO_PREFIX))
                        continue;
                r = extract_member(reader, root_fd, path, reterr_text);
                if (r < 0)
                        return r;
        }
        return r;
}

/* Gives the directory its name. -EEXIST: somebody else was faster. */
static int publish(int apps_fd, const char *temporary, const char *name)
{
        int r = renameat2(apps_fd, temporary, apps_fd, name, RENAME_NOREPLACE) < 0 ? -errno : 0;

        /* Not on every file system. A plain rename replaces nothing but an empty directory, and ours are not
         * empty. */
        if (r == -EINVAL || r == -ENOSYS)
                r = renameat(apps_fd, temporary, apps_fd, name) < 0 ? -errno : 0;
        if (r == -ENOTEMPTY)
                r = -EEXIST;
        if (r < 0)
                return r;
        return fsync(apps_fd) < 0 ? -errno : 0;
}

static int unpack_as(
        const Blob *fab, int apps_fd, const char *temporary, const char *name, char **reterr_text)
{
        _cleanup_close_ int root_fd = open_dir_at(apps_fd, temporary);
        int r;

        if (root_fd < 0)
                return fab_error(root_fd, reterr_text, "Cannot create the directory of the app: %s",
                        strerror(-root_fd));
        r = extract_all(fab, root_fd, reterr_text);
        if (r < 0)
                return r;

        /* What has its final name is taken as complete by everybody, also after a power cut. */
        r = syncfs(root_fd) < 0 ? -errno : publish(apps_fd, temporary, name);
        if (r < 0 && r != -EEXIST)
                return fab_error(r, reterr_text, "Cannot install the app as \"%s\": %s", name, strerror(-r));
        return r;
}

static int open_apps(const char *home, char **ret_path, char **reterr_text)
{
        _cleanup_free_ char *path = path_join(home, "apps");
        int fd, r;

        if (!path)
                return -ENOMEM;
        r = mkdir_parents(path, 0755);
        if (r < 0)
                return fab_error(r, reterr_text, "Cannot create \"%s\": %s", path, strerror(-r));
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return fab_error(-errno, reterr_text, "Cannot open \"%s\": %s", path, strerror(errno));
        *ret_path = TAKE_PTR(path);
        return fd;
}

static int install_verified(const Blob *fab, const char *home, const char *name, char **reterr_text)
{
        _cleanup_free_ char *apps = NULL, *temporary = NULL, *temporary_path = NULL;
        _cleanup_close_ int apps_fd = open_apps(home, &apps, reterr_text);
        int r;

        if (apps_fd < 0)
                return apps_fd;
        temporary = xasprintf(".new-%016llx", (unsigned long long) random_u64());
        temporary_path = temporary ? path_join(apps, temporary) : NULL;
        if (!temporary_path)
                return -ENOMEM;

        r = unpack_as(fab, apps_fd, temporary, name, reterr_text);
        if (r < 0)
                (void) rm_rf(temporary_path);
        return r == -EEXIST ? 0 : r;
}

static int target_path(const char *home, const FabInfo *info, char **ret_name, char **ret_path)
{
        _cleanup_free_ char *name = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        char *path;

        name = xasprintf("%s.%s.%s.%.*s", info->manifest.publisher, info->manifest.name,
                info->manifest.version, FAB_HASH_PREFIX, object_id_format(&info->hash, hex));
        path = name ? xasprintf("%s/apps/%s", home, name) : NULL;
        if (!path)
                return -ENOMEM;
        *ret_name = TAKE_PTR(name);
        *ret_path = path;
        return 0;
}

static int verify(const Blob *fab, char **reterr_text)
{
        _cleanup_fab_index_ FabIndex index = {};
        int r = fab_index_read(fab, true, &index, reterr_text);

        return r < 0 ? r : fab_index_verify(&index, reterr_text);
}

int fab_install(const Blob *fab, const char *home, char **ret_dir, FabInfo *ret_info, char **reterr_text)
{
        _cleanup_free_ char *name = NULL, *path = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        struct stat st;
        int r;

        r = fab_inspect(fab, &info, reterr_text);
        if (r < 0)
                return r;
        r = target_path(home, &info, &name, &path);
        if (r < 0)
                return r;

        if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
                r = verify(fab, reterr_text);
                if (r < 0)
                        return r;
                r = install_verified(fab, home, name, reterr_text);
                if (r < 0)
                        return r;
        }

        if (ret_info) {
                *ret_info = info;
                info = (FabInfo){};
        }
        *ret_dir = TAKE_PTR(path);
        return 0;
}
