/* The shared object of a native app: installed from its FAB, opened, and its descriptor checked. */
#pragma once

#include <flwr/app.h>

#include "codec/rpc.h"
#include "model/fab.h"

typedef enum AppSide {
        APP_CLIENT,
        APP_SERVER,
} AppSide;

typedef struct AppObject {
        FabInfo info;
        char *dir; /* where the FAB is installed */
        char *path;
        void *handle;
        union {
                const flwr_client_app *client;
                const flwr_server_app *server;
                const void *descriptor;
        };
} AppObject;

/* Installs the FAB below home. -EINVAL, -EBADMSG and the like with *reterr_text. */
int app_object_install(const Fab *fab, const char *home, AppObject *ret, char **reterr_text);
/* Opens what was installed. -ENOENT: there is no native side for this machine; -ELIBBAD: it cannot be
 * loaded; -ELIBSCN: no such symbol, or of another ABI. *reterr_text (owned by the caller) names what was
 * looked for, what there is instead, and what to do. */
int app_object_open(AppObject *o, AppSide side, char **reterr_text);
/* The object stays loaded: an app's threads and exit handlers may still point into it. */
void app_object_done(AppObject *o);
#define _cleanup_app_object_ _cleanup_(app_object_done)
