/* Which files of an app directory go into its FAB. */
#pragma once

#include "model/fab.h"

typedef struct FabFiles {
        char **paths; /* relative to the app directory, sorted by byte */
        size_t n;
} FabFiles;

/* By Flower's rules for Python and text files, and native/<triplet>/<object>.so for the objects that the
 * manifest names, which .gitignore does not concern: compiled files are usually ignored there. Links and
 * special files are left out. pyproject.toml is not listed. -EINVAL with *reterr_text: a native object is
 * missing, a name cannot be written into .info/CONTENT, too many or too deep. */
int fab_files_collect(int app_fd, const AppManifest *m, FabFiles *ret, char **reterr_text);
void fab_files_done(FabFiles *f);
#define _cleanup_fab_files_ _cleanup_(fab_files_done)
