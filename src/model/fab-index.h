/* What is in a FAB: its members by name, its pyproject.toml and its .info/CONTENT. */
#pragma once

#include "model/fab.h"

#define FAB_PYPROJECT "pyproject.toml"
#define FAB_INFO_PREFIX ".info/"
#define FAB_CONTENT FAB_INFO_PREFIX "CONTENT"
/* A line for each of FAB_MEMBERS_MAX members, four times as long as usual ones. */
#define FAB_CONTENT_SIZE_MAX ((size_t) 4194304)

typedef struct FabMember {
        char *path;
        ObjectId hash; /* none unless asked for */
} FabMember;

typedef struct FabIndex {
        FabMember *members; /* sorted by path */
        size_t n;
        Blob *pyproject; /* never NULL */
        Blob *content;   /* never NULL */
} FabIndex;

/* Unpacks everything only with_hashes. -EBADMSG with *reterr_text: as fab-reader.h, a name twice, or one of
 * the two missing. */
int fab_index_read(const Blob *fab, bool with_hashes, FabIndex *ret, char **reterr_text);
void fab_index_done(FabIndex *i);
#define _cleanup_fab_index_ _cleanup_(fab_index_done)
const FabMember *fab_index_find(const FabIndex *i, const char *path);
/* Compares with .info/CONTENT, in either of its forms; needs hashes. -EBADMSG with *reterr_text: which line
 * does not fit. */
int fab_index_verify(const FabIndex *i, char **reterr_text);

/* The public view of an index; hash is that of the whole archive. -EINVAL with *reterr_text for the
 * manifest. */
int fab_index_describe(const FabIndex *i, const ObjectId *hash, FabInfo *ret, char **reterr_text);
