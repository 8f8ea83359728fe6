#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs-util.h"
#include "base/toml.h"
#include "model/fab-files.h"
#include "model/fab-index.h"
#include "model/fab-reader.h"
#include "model/toml-cut.h"
#include "model/zip-writer.h"

static const char *const FEDERATIONS[] = {"tool", "flwr", "federations", NULL};

/* The text for the archive: addresses and certificates of the developer's SuperLinks are nobody else's
 * business. */
static int strip_pyproject(const Blob *text, const char *name, Buf *ret, char **reterr_text)
{
        _cleanup_(toml_freep) Toml *doc = NULL;
        int r;

        r = toml_cut((const char *) text->data, text->size, FEDERATIONS, ret);
        if (r < 0)
                return r;
        r = toml_parse((const char *) ret->data, ret->size, name, &doc, reterr_text);
        if (r < 0)
                return r == -EBADMSG ? -EINVAL : r;
        if (toml_find(toml_root(doc), "tool.flwr.federations"))
                return fab_error(-EINVAL, reterr_text,
                        "%s: write the federations as tables, [tool.flwr.federations] and so on: they are "
                        "not part of the "
                        "FAB and cannot be cut out of an inline table.",
                        name);
        return 0;
}

static int add_member(ZipWriter *w, const char *path, const void *data, size_t size, char **reterr_text)
{
        int r = zip_writer_add(w, path, data, size);

        if (r == -EFBIG)
                return fab_error(-EINVAL, reterr_text,
                        "The app is larger than %zu bytes with \"%s\". Name what does not belong to it in "
                        ".gitignore.",
                        FAB_SIZE_MAX, path);
        return r;
}

static int add_file(ZipWriter *w, int app_fd, const char *path, Buf *content, char **reterr_text)
{
        _cleanup_close_ int fd = openat(app_fd, path, O_RDONLY | O_CLOEXEC);
        _cleanup_blob_ Blob *b = NULL;
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId hash;
        int r;

        r = fd < 0 ? -errno : blob_map_fd(fd, &b);
        if (r < 0)
                return fab_error(r, reterr_text, "Cannot read \"%s\": %s", path, strerror(-r));
        r = add_member(w, path, b->data, b->size, reterr_text);
        if (r < 0)
                return r;

        sha256(b->data, b->size, &hash);
        return buf_printf(content, "%s,%s,%zu\n", path, object_id_format(&hash, hex), b->size * 8);
}

static int write_archive(
        int app_fd, const Buf *pyproject, const FabFiles *files, Blob **ret, char **reterr_text)
{
        _cleanup_zip_writer_ ZipWriter w = {};
        _cleanup_buf_ Buf content = {};
        int r;

        zip_writer_init(&w, FAB_SIZE_MAX);
        r = add_member(&w, FAB_PYPROJECT, pyproject->data, pyproject->size, reterr_text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < files->n; i++) {
                r = add_file(&w, app_fd, files->paths[i], &content, reterr_text);
                if (r < 0)
                        return r;
        }
        r = add_member(&w, FAB_CONTENT, content.data, content.size, reterr_text);
        if (r < 0)
                return r;

        r = zip_writer_finish(&w, ret);
        if (r == -EFBIG)
                return fab_error(-EINVAL, reterr_text,
                        "The app is larger than %zu bytes. Name what does not belong to it in .gitignore.",
                        FAB_SIZE_MAX);
        return r;
}

/* Opens the directory and reads its pyproject.toml. */
static int open_app(const char *app_dir, char **ret_name, Blob **ret_text, char **reterr_text)
{
        _cleanup_close_ int fd = open(app_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *name = path_join(app_dir, FAB_PYPROJECT);
        int r;

        if (!name)
                return -ENOMEM;
        if (fd < 0)
                return fab_error(-errno, reterr_text, "Cannot open the app directory \"%s\": %s", app_dir,
                        strerror(errno));
        r = read_file(name, FAB_PYPROJECT_SIZE_MAX, ret_text);
        if (r == -ENOENT)
                return fab_error(r, reterr_text,
                        "There is no %s in \"%s\": name the directory of a Flower app, or change into it.",
                        FAB_PYPROJECT, app_dir);
        if (r < 0)
                return fab_error(r, reterr_text, "Cannot read %s: %s", name, strerror(-r));
        *ret_name = TAKE_PTR(name);
        return TAKE_FD(fd);
}

/* As every node will read it. */
static int read_back(const Blob *fab, FabInfo *ret, char **reterr_text)
{
        _cleanup_fab_index_ FabIndex index = {};
        _cleanup_free_ char *text = NULL;
        ObjectId hash;
        int r;

        r = fab_index_read(fab, true, &index, reterr_text);
        if (r < 0)
                return r;
        r = fab_index_verify(&index, &text);
        if (r == -EBADMSG)
                return fab_error(-EINVAL, reterr_text,
                        "%s Names must be in composed Unicode form (NFC): rename files whose names are not, "
                        "as some systems write "
                        "them.",
                        text);
        if (r < 0)
                return r;
        sha256(fab->data, fab->size, &hash);
        return fab_index_describe(&index, &hash, ret, reterr_text);
}

int fab_build(const char *app_dir, Blob **ret, FabInfo *ret_info, char **reterr_text)
{
        _cleanup_blob_ Blob *text = NULL, *fab = NULL;
        _cleanup_free_ char *name = NULL;
        _cleanup_manifest_ AppManifest manifest = {};
        _cleanup_fab_files_ FabFiles files = {};
        _cleanup_close_ int app_fd = open_app(app_dir, &name, &text, reterr_text);
        _cleanup_buf_ Buf pyproject = {};
        int r;

        if (app_fd < 0)
                return app_fd;
        r = app_manifest_parse((const char *) text->data, text->size, name, &manifest, reterr_text);
        if (r < 0)
                return r;
        r = strip_pyproject(text, name, &pyproject, reterr_text);
        if (r < 0)
                return r;

        r = fab_files_collect(app_fd, &manifest, &files, reterr_text);
        if (r < 0)
                return r;
        /* Genuine releases up to 1.26 refuse an empty .info/CONTENT. */
        if (files.n == 0)
                return fab_error(-EINVAL, reterr_text, "\"%s\" holds no file of an app beside %s.", app_dir,
                        FAB_PYPROJECT);

        r = write_archive(app_fd, &pyproject, &files, &fab, reterr_text);
        if (r < 0)
                return r;
        r = read_back(fab, ret_info, reterr_text);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(fab);
        return 0;
}
