/* Flower App Bundles: ZIP archives with pyproject.toml, the app's files and .info/CONTENT
 * (supernode-cli-wire 5).
 *
 * Members are named by relative paths; absolute ones, "..", links and special files are refused wherever a
 * FAB is read. */
#pragma once

#include "base/blob.h"
#include "model/config.h"
#include "model/hash.h"

#define FAB_SIZE_MAX ((size_t) 10485760)           /* genuine limit of the archive */
#define FAB_PYPROJECT_SIZE_MAX ((size_t) 1048576)  /* unpacked; ours, against ZIP bombs */
#define FAB_UNPACKED_SIZE_MAX ((size_t) 268435456) /* all members; ours, against ZIP bombs */
#define FAB_MEMBERS_MAX 10000
#define FAB_HASH_PREFIX 8

/* What pyproject.toml says. */
typedef struct AppManifest {
        char *publisher;
        char *name;
        char *version;
        char *fab_id;    /* publisher/name */
        char *serverapp; /* "module:attribute" of the Python side */
        char *clientapp;
        char *native_serverapp; /* [tool.flwr.app.native], "object:symbol", or NULL */
        char *native_clientapp;
        Config config; /* flattened [tool.flwr.app.config] */
} AppManifest;

/* -EINVAL with *reterr_text: all that is missing or wrong, one a line, with file and line where known. */
int app_manifest_parse(
        const char *text, size_t size, const char *name, AppManifest *ret, char **reterr_text);
void app_manifest_done(AppManifest *m);
#define _cleanup_manifest_ _cleanup_(app_manifest_done)

typedef struct FabInfo {
        ObjectId hash; /* of the whole archive */
        AppManifest manifest;
        /* Whether native/<our triplet>/<object>.so of the manifest's native sides is in the archive. */
        bool has_native_serverapp;
        bool has_native_clientapp;
        char *native_triplets; /* "x86_64-linux-gnu, aarch64-linux-gnu": what it holds, "" when none; for
                                  messages */
} FabInfo;

/* Reads the archive's directory and manifest; -EBADMSG or -EINVAL with *reterr_text. */
int fab_inspect(const Blob *fab, FabInfo *ret, char **reterr_text);
void fab_info_done(FabInfo *i);
#define _cleanup_fab_info_ _cleanup_(fab_info_done)

/* Builds the archive of an app directory: pyproject.toml first (without [tool.flwr.federations...]), files
 * chosen as genuine 1.20 to 1.28 do
 * (.py .toml .md, LICENSE; .gitignore respected; .flwr, __pycache__, test files of 1.28's list left out),
 * plus native/<triplet>/<object>.so when the manifest names native sides; sorted; .info/CONTENT last, in the
 * form that every release installs. Reproducible: same inputs, same bytes. */
int fab_build(const char *app_dir, Blob **ret, FabInfo *ret_info, char **reterr_text);
/* "<publisher>.<name>.<version with dashes>.<8 hash digits>.fab" */
int fab_file_name(const FabInfo *i, char **ret);

/* Unpacks into <home>/apps/<publisher>.<name>.<version>.<8 hash digits>, verified against CONTENT, atomic (a
 * sibling, then rename), safe when several do it at once; an installed app is used as it is. *ret_dir is the
 * directory. Nothing is written on refusal. */
int fab_install(const Blob *fab, const char *home, char **ret_dir, FabInfo *ret_info, char **reterr_text);
