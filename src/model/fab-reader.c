#include <limits.h>
#include <locale.h>

#include "base/buf.h"
#include "model/archive-lib.h"
#include "model/fab-reader.h"

struct FabReader {
        const ArchiveLib *lib;
        struct archive *archive;
        locale_t utf8; /* libarchive converts names to the character set of the thread's locale */
        char *path;
        unsigned n_members;
        size_t n_unpacked;
};

static int fail_archive(FabReader *r, char **reterr_text)
{
        if (r->lib->get_errno(r->archive) == ENOMEM)
                return -ENOMEM;
        return fab_error(-EBADMSG, reterr_text, "The FAB is not a sound ZIP archive: %s",
                strempty(r->lib->error_string(r->archive)));
}

int fab_reader_open(const Blob *fab, FabReader **ret, char **reterr_text)
{
        _cleanup_(fab_reader_freep) FabReader *r = NULL;
        int k;

        if (fab->size > FAB_SIZE_MAX)
                return fab_error(-EBADMSG, reterr_text, "The FAB has %zu bytes; at most %zu are allowed.",
                        fab->size, FAB_SIZE_MAX);

        r = new0(FabReader, 1);
        if (!r)
                return -ENOMEM;
        k = archive_lib(&r->lib, reterr_text);
        if (k < 0)
                return k;
        r->archive = r->lib->read_new();
        if (!r->archive)
                return -ENOMEM;
        r->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);

        /* Only by the central directory: it is what Python reads, and two views of one archive are a way to
         * smuggle. */
        if (r->lib->read_support_format_zip_seekable(r->archive) < ARCHIVE_OK ||
                r->lib->read_open_memory(r->archive, fab->data, fab->size) < ARCHIVE_OK)
                return fail_archive(r, reterr_text);

        *ret = TAKE_PTR(r);
        return 0;
}

FabReader *fab_reader_free(FabReader *r)
{
        if (!r)
                return NULL;
        if (r->archive)
                r->lib->read_free(r->archive);
        if (r->utf8)
                freelocale(r->utf8);
        free(r->path);
        return mfree(r);
}

bool fab_path_is_safe(const char *path)
{
        unsigned depth = 0;

        if (strlen(path) > FAB_PATH_MAX)
                return false;
        for (const char *s = path; *s; s++)
                if ((unsigned char) *s < ' ' || *s == 0x7f || *s == '\\')
                        return false;

        for (const char *s = path;;) {
                size_t n = strcspn(s, "/");

                if (n == 0 || n > NAME_MAX || ++depth > FAB_DEPTH_MAX)
                        return false;
                if (s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.')))
                        return false;
                if (!s[n])
                        return true;
                s += n + 1;
        }
}

/* The method is known before anything is unpacked, but only as text. Others than Flower's own two may ask
 * for gigabytes of dictionary. */
static bool method_is_allowed(const FabReader *r)
{
        const char *format = strempty(r->lib->format_name(r->archive));

        return strstr(format, "(uncompressed)") || strstr(format, "(deflation)");
}

static int check_member(FabReader *r, struct archive_entry *entry, char **reterr_text)
{
        const char *name = r->path;

        if (!fab_path_is_safe(name))
                return fab_error(-EBADMSG, reterr_text,
                        "Member %u of the FAB is not a plain path below the app's directory.", r->n_members);
        if (r->lib->entry_filetype(entry) != AE_IFREG || r->lib->entry_hardlink(entry))
                return fab_error(-EBADMSG, reterr_text, "\"%s\" in the FAB is not a regular file.", name);
        if (r->lib->entry_is_encrypted(entry))
                return fab_error(-EBADMSG, reterr_text, "\"%s\" in the FAB is encrypted.", name);
        if (!method_is_allowed(r))
                return fab_error(-EBADMSG, reterr_text,
                        "\"%s\" in the FAB is compressed by another method than \"deflate\".", name);
        return 0;
}

int fab_reader_next(FabReader *r, const char **ret_path, char **reterr_text)
{
        struct archive_entry *entry;
        locale_t saved = r->utf8 ? uselocale(r->utf8) : (locale_t) 0;
        const char *name;
        int k;

        r->path = mfree(r->path);
        k = r->lib->read_next_header(r->archive, &entry);
        name = k == ARCHIVE_OK ? r->lib->entry_pathname(entry) : NULL;
        if (name)
                r->path = strdup(name);
        if (saved)
                uselocale(saved);

        if (k == ARCHIVE_EOF)
                return 0;
        if (k != ARCHIVE_OK)
                return fail_archive(r, reterr_text);
        if (++r->n_members > FAB_MEMBERS_MAX)
                return fab_error(
                        -EBADMSG, reterr_text, "The FAB has more than %d members.", FAB_MEMBERS_MAX);
        if (!name)
                return fab_error(-EBADMSG, reterr_text, "The name of member %u of the FAB is not UTF-8.",
                        r->n_members);
        if (!r->path)
                return -ENOMEM;

        k = check_member(r, entry, reterr_text);
        if (k < 0)
                return k;
        *ret_path = r->path;
        return 1;
}

int fab_reader_read(FabReader *r, void *buf, size_t size, size_t *ret_n, char **reterr_text)
{
        ssize_t n = r->lib->read_data(r->archive, buf, size);

        if (n < 0)
                return fail_archive(r, reterr_text);

        r->n_unpacked += (size_t) n;
        if (r->n_unpacked > FAB_UNPACKED_SIZE_MAX)
                return fab_error(-EBADMSG, reterr_text, "The FAB unpacks to more than %zu bytes.",
                        FAB_UNPACKED_SIZE_MAX);
        *ret_n = (size_t) n;
        return 0;
}

int fab_reader_read_all(FabReader *r, size_t max, Blob **ret, char **reterr_text)
{
        _cleanup_buf_ Buf b = {.max = max};
        Blob *blob;
        int k;

        for (;;) {
                char chunk[16384];
                size_t n;

                k = fab_reader_read(r, chunk, sizeof(chunk), &n, reterr_text);
                if (k < 0)
                        return k;
                if (n == 0)
                        break;
                k = buf_append(&b, chunk, n);
                if (k == -ENOBUFS)
                        return fab_error(-EBADMSG, reterr_text,
                                "\"%s\" in the FAB unpacks to more than %zu bytes.", r->path, max);
                if (k < 0)
                        return k;
        }

        blob = buf_steal_blob(&b);
        if (!blob)
                return -ENOMEM;
        *ret = blob;
        return 0;
}
