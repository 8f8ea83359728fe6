#include "model/archive-lib.h"

#include <dlfcn.h>
#include <pthread.h>

#define SONAME "libarchive.so.13" /* of Debian 12 and 13 */

static ArchiveLib table;
static char *failure; /* NULL: the table is filled */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
        static const struct {
                const char *name;
                size_t offset;
        } symbols[] = {
                {"archive_read_new", offsetof(ArchiveLib, read_new)},
                {"archive_read_free", offsetof(ArchiveLib, read_free)},
                {"archive_read_support_format_zip_seekable",
                        offsetof(ArchiveLib, read_support_format_zip_seekable)},
                {"archive_read_open_memory", offsetof(ArchiveLib, read_open_memory)},
                {"archive_read_next_header", offsetof(ArchiveLib, read_next_header)},
                {"archive_read_data", offsetof(ArchiveLib, read_data)},
                {"archive_errno", offsetof(ArchiveLib, get_errno)},
                {"archive_error_string", offsetof(ArchiveLib, error_string)},
                {"archive_format_name", offsetof(ArchiveLib, format_name)},
                {"archive_entry_pathname", offsetof(ArchiveLib, entry_pathname)},
                {"archive_entry_filetype", offsetof(ArchiveLib, entry_filetype)},
                {"archive_entry_hardlink", offsetof(ArchiveLib, entry_hardlink)},
                {"archive_entry_is_encrypted", offsetof(ArchiveLib, entry_is_encrypted)},
        };
        void *lib = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

        for (size_t i = 0; lib && i < ELEMENTSOF(symbols); i++) {
                void *p = dlsym(lib, symbols[i].name);

                if (!p) {
                        failure = xasprintf(SONAME
                                " has no %s: it is not the release that this program was built for",
                                symbols[i].name);
                        return;
                }
                memcpy((char *) &table + symbols[i].offset, &p, sizeof(p));
        }
        if (!lib)
                failure = xasprintf(
                        "FABs cannot be read: %s. Install the package libarchive13 (libarchive13t64)",
                        dlerror());
}

int archive_lib(const ArchiveLib **ret, char **reterr_text)
{
        (void) pthread_once(&once, load);
        if (failure) {
                *reterr_text = strdup(failure);
                return -ENOPKG;
        }
        *ret = &table;
        return 0;
}
