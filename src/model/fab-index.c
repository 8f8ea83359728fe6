#include "model/fab-index.h"
#include "base/buf.h"
#include "model/fab-reader.h"

void fab_index_done(FabIndex *i)
{
        for (size_t k = 0; k < i->n; k++)
                free(i->members[k].path);
        i->members = mfree(i->members);
        i->n = 0;
        i->pyproject = blob_unref(i->pyproject);
        i->content = blob_unref(i->content);
}

static int compare_members(const void *a, const void *b)
{
        return strcmp(((const FabMember *) a)->path, ((const FabMember *) b)->path);
}

const FabMember *fab_index_find(const FabIndex *i, const char *path)
{
        FabMember key = {.path = (char *) path};

        return i->n > 0 ? bsearch(&key, i->members, i->n, sizeof(key), compare_members) : NULL;
}

static int hash_rest(FabReader *reader, Sha256 *sha, ObjectId *ret, char **reterr_text)
{
        char chunk[16384];
        size_t n;
        int r;

        do {
                r = fab_reader_read(reader, chunk, sizeof(chunk), &n, reterr_text);
                if (r < 0)
                        return r;
                sha256_update(sha, chunk, n);
        } while (n > 0);
        sha256_finish(sha, ret);
        return 0;
}

/* Where the bytes of a member are kept, NULL if they are not. */
static Blob **kept_blob(FabIndex *i, const char *path, size_t *ret_max)
{
        if (streq(path, FAB_PYPROJECT)) {
                *ret_max = FAB_PYPROJECT_SIZE_MAX;
                return &i->pyproject;
        }
        if (streq(path, FAB_CONTENT)) {
                *ret_max = FAB_CONTENT_SIZE_MAX;
                return &i->content;
        }
        return NULL;
}

static int add_member(FabIndex *i, FabReader *reader, const char *path, Sha256 *sha, char **reterr_text)
{
        FabMember *m;
        Blob **kept;
        size_t max;
        int r;

        r = GROW_ARRAY(i->members, i->n);
        if (r < 0)
                return r;
        m = &i->members[i->n];
        *m = (FabMember){.path = strdup(path)};
        if (!m->path)
                return -ENOMEM;
        i->n++;

        kept = kept_blob(i, path, &max);
        if (kept && *kept)
                return 0; /* a duplicate, reported later */
        if (kept) {
                r = fab_reader_read_all(reader, max, kept, reterr_text);
                if (r < 0)
                        return r;
                sha256((*kept)->data, (*kept)->size, &m->hash);
                return 0;
        }
        return sha ? hash_rest(reader, sha, &m->hash, reterr_text) : 0;
}

int fab_index_read(const Blob *fab, bool with_hashes, FabIndex *ret, char **reterr_text)
{
        _cleanup_(fab_reader_freep) FabReader *reader = NULL;
        _cleanup_(sha256_freep) Sha256 *sha = NULL;
        _cleanup_fab_index_ FabIndex i = {};
        const char *path;
        int r;

        if (with_hashes) {
                r = sha256_new(&sha);
                if (r < 0)
                        return r;
        }
        r = fab_reader_open(fab, &reader, reterr_text);
        if (r < 0)
                return r;

        while ((r = fab_reader_next(reader, &path, reterr_text)) > 0) {
                r = add_member(&i, reader, path, sha, reterr_text);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        if (i.n > 0)
                qsort(i.members, i.n, sizeof(FabMember), compare_members);
        for (size_t k = 1; k < i.n; k++)
                if (streq(i.members[k - 1].path, i.members[k].path))
                        return fab_error(
                                -EBADMSG, reterr_text, "\"%s\" is twice in the FAB.", i.members[k].path);
        if (!i.pyproject)
                return fab_error(-EBADMSG, reterr_text, "The FAB has no " FAB_PYPROJECT ".");
        if (!i.content)
                return fab_error(-EBADMSG, reterr_text, "The FAB has no " FAB_CONTENT ".");

        *ret = i;
        i = (FabIndex){};
        return 0;
}

/* "path,sha256,bits" */
static int verify_line(const FabIndex *i, char *line, char **reterr_text)
{
        char *hash = strchr(line, ','), *bits = hash ? strchr(hash + 1, ',') : NULL;
        const FabMember *m;
        ObjectId id;

        if (!bits || strchr(bits + 1, ','))
                return fab_error(
                        -EBADMSG, reterr_text, "A line of " FAB_CONTENT " is not \"path,hash,size\".");
        *hash++ = 0;
        *bits = 0;

        m = fab_index_find(i, line);
        if (!m)
                return fab_error(-EBADMSG, reterr_text,
                        "\"%s\" is listed in " FAB_CONTENT ", but not in the FAB.", line);
        if (object_id_parse(hash, &id) < 0 || !object_id_equal(&id, &m->hash))
                return fab_error(-EBADMSG, reterr_text,
                        "\"%s\" is not the file whose hash " FAB_CONTENT " has.", line);
        return 0;
}

int fab_index_verify(const FabIndex *i, char **reterr_text)
{
        _cleanup_free_ char *text = strndup((const char *) i->content->data, i->content->size);
        char *state = NULL;
        int r;

        if (!text)
                return -ENOMEM;
        if (strlen(text) != i->content->size)
                return fab_error(-EBADMSG, reterr_text, FAB_CONTENT " is not a text.");

        for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
                r = verify_line(i, line, reterr_text);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int has_native_side(const FabIndex *i, const char *reference, bool *ret)
{
        _cleanup_free_ char *path = NULL;

        if (!reference)
                return 0;
        path = xasprintf("native/" FLWR_TRIPLET "/%.*s.so", (int) strcspn(reference, ":"), reference);
        if (!path)
                return -ENOMEM;
        *ret = fab_index_find(i, path);
        return 0;
}

static int list_triplets(const FabIndex *i, char **ret)
{
        _cleanup_buf_ Buf b = {};
        const char *last = NULL;
        size_t last_n = 0;
        int r;

        for (size_t k = 0; k < i->n; k++) {
                const char *triplet = startswith(i->members[k].path, "native/"), *slash;
                size_t n;

                slash = triplet ? strchr(triplet, '/') : NULL;
                if (!slash || !endswith(slash, ".so"))
                        continue;
                n = (size_t) (slash - triplet);
                if (last && n == last_n && memcmp(last, triplet, n) == 0)
                        continue;

                r = buf_printf(&b, "%s%.*s", last ? ", " : "", (int) n, triplet);
                if (r < 0)
                        return r;
                last = triplet;
                last_n = n;
        }
        *ret = buf_steal_str(&b);
        return *ret ? 0 : -ENOMEM;
}

int fab_index_describe(const FabIndex *i, const ObjectId *hash, FabInfo *ret, char **reterr_text)
{
        _cleanup_fab_info_ FabInfo info = {.hash = *hash};
        int r;

        r = app_manifest_parse((const char *) i->pyproject->data, i->pyproject->size, FAB_PYPROJECT,
                &info.manifest, reterr_text);
        if (r < 0)
                return r;
        if ((r = has_native_side(i, info.manifest.native_serverapp, &info.has_native_serverapp)) < 0 ||
                (r = has_native_side(i, info.manifest.native_clientapp, &info.has_native_clientapp)) < 0 ||
                (r = list_triplets(i, &info.native_triplets)) < 0)
                return r;

        *ret = info;
        info = (FabInfo){};
        return 0;
}
