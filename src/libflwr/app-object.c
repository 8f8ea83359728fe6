#include "libflwr/app-object.h"

#include <dlfcn.h>
#include <unistd.h>

#include "base/fs-util.h"

/* What every descriptor begins with. */
typedef struct Preamble {
        uint32_t abi;
        uint32_t size;
} Preamble;

void app_object_done(AppObject *o)
{
        fab_info_done(&o->info);
        free(o->dir);
        free(o->path);
        *o = (AppObject){};
}

int app_object_install(const Fab *fab, const char *home, AppObject *ret, char **reterr_text)
{
        static const Blob nothing = {.data = (const uint8_t *) ""};
        AppObject o = {};
        int r;

        r = fab_install(fab->content ? fab->content : &nothing, home, &o.dir, &o.info, reterr_text);
        if (r < 0)
                return r;
        *ret = o;
        return 0;
}

/* "object:symbol" */
static int split_name(const char *name, char **ret_object, char **ret_symbol)
{
        const char *colon = strchr(name, ':');

        if (!colon || colon == name || !colon[1] || memchr(name, '/', (size_t) (colon - name)) ||
                name[0] == '.')
                return -EINVAL;
        *ret_object = strndup(name, (size_t) (colon - name));
        *ret_symbol = strdup(colon + 1);
        return *ret_object && *ret_symbol ? 0 : -ENOMEM;
}

static char *missing_text(const AppObject *o, const char *side, const char *what)
{
        const char *python = getenv("FLWR_PYTHON_MISSING");

        return xasprintf(
                "No native %s for this machine (%s): %s. The FAB of %s %s has native objects for: %s.%s%s",
                side, FLWR_TRIPLET, what, strempty(o->info.manifest.fab_id),
                strempty(o->info.manifest.version),
                isempty(o->info.native_triplets) ? "none" : o->info.native_triplets, python ? " " : "",
                strempty(python));
}

static int check_descriptor(const AppObject *o, const char *symbol, size_t size, char **reterr_text)
{
        Preamble p;

        if (!o->descriptor) {
                *reterr_text = xasprintf("%s does not export \"%s\"", o->path, symbol);
                return -ELIBSCN;
        }
        memcpy(&p, o->descriptor, sizeof(p));
        if (p.abi == FLWR_ABI && p.size >= size)
                return 0;
        *reterr_text = xasprintf("\"%s\" of %s was built for ABI %u of libflwr (descriptor of %u bytes), "
                                 "here is ABI %u (%zu bytes): build it again",
                symbol, o->path, p.abi, p.size, FLWR_ABI, size);
        return -ELIBSCN;
}

static int open_path(AppObject *o, const char *object, const char *side, char **reterr_text)
{
        _cleanup_free_ char *what = NULL;

        o->path = xasprintf("%s/native/" FLWR_TRIPLET "/%s.so", o->dir, object);
        if (!o->path)
                return -ENOMEM;
        if (access(o->path, F_OK) < 0) {
                what = xasprintf("there is no %s", o->path);
                *reterr_text = missing_text(o, side, strempty(what));
                return -ENOENT;
        }
        o->handle = dlopen(o->path, RTLD_NOW | RTLD_LOCAL);
        if (o->handle)
                return 0;
        *reterr_text = xasprintf("%s cannot be loaded: %s", o->path, dlerror());
        return -ELIBBAD;
}

int app_object_open(AppObject *o, AppSide side, char **reterr_text)
{
        const AppManifest *m = &o->info.manifest;
        const char *name = side == APP_CLIENT ? m->native_clientapp : m->native_serverapp;
        const char *word = side == APP_CLIENT ? "ClientApp" : "ServerApp";
        _cleanup_free_ char *object = NULL, *symbol = NULL;
        int r;

        o->path = mfree(o->path);
        if (!name) {
                *reterr_text = missing_text(o, word,
                        side == APP_CLIENT ? "pyproject.toml names no tool.flwr.app.native.clientapp"
                                           : "pyproject.toml names no tool.flwr.app.native.serverapp");
                return -ENOENT;
        }
        r = split_name(name, &object, &symbol);
        if (r == -EINVAL)
                *reterr_text = xasprintf("\"%s\" is not of the form \"object:symbol\"", name);
        if (r >= 0)
                r = open_path(o, object, word, reterr_text);
        if (r < 0)
                return r;
        o->descriptor = dlsym(o->handle, symbol);
        return check_descriptor(o, symbol,
                side == APP_CLIENT ? sizeof(flwr_client_app) : sizeof(flwr_server_app), reterr_text);
}
