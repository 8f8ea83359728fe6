#include "model/fab.h"
#include "model/fab-index.h"

int fab_inspect(const Blob *fab, FabInfo *ret, char **reterr_text)
{
        _cleanup_fab_index_ FabIndex index = {};
        ObjectId hash;
        int r;

        r = fab_index_read(fab, false, &index, reterr_text);
        if (r < 0)
                return r;
        sha256(fab->data, fab->size, &hash);
        return fab_index_describe(&index, &hash, ret, reterr_text);
}

void fab_info_done(FabInfo *i)
{
        app_manifest_done(&i->manifest);
        i->native_triplets = mfree(i->native_triplets);
}

int fab_file_name(const FabInfo *i, char **ret)
{
        char hex[OBJECT_ID_HEX_MAX];
        char *name = NULL;
        _cleanup_free_ char *version = strdup(i->manifest.version);

        if (!version)
                return -ENOMEM;
        for (char *s = version; *s; s++)
                if (*s == '.')
                        *s = '-';

        name = xasprintf("%s.%s.%s.%.*s.fab", i->manifest.publisher, i->manifest.name, version,
                FAB_HASH_PREFIX, object_id_format(&i->hash, hex));
        if (!name)
                return -ENOMEM;
        *ret = name;
        return 0;
}
