/* Doors: through which socket a call came in, and what that permits.
 *
 * Calls of Flower's apps up to 1.28 carry no proof of which run they belong to. So every app gets a socket
 * of its own, bound to its run: a Unix socket in a directory that only its owner can list, under a name made
 * from the run's token. The name is the same again after a restart of the daemon, so apps that survive it
 * find their door. */
#pragma once

#include "wire/server.h"

/* userdata of every listener of a daemon. */
typedef struct Door {
        void *service;   /* Link or ClientAppIo */
        bool may_launch; /* ListAppsToLaunch and RequestToken are answered here */
        uint64_t run_id; /* has_run: only calls of this run */
        bool has_run;
} Door;

static inline const Door *call_door(const Call *c)
{
        return call_userdata(c);
}
/* False: the call has been failed. */
bool door_admits_run(Call *c, uint64_t run_id);
bool door_admits_launcher(Call *c);

typedef struct Doors Doors;

typedef struct DoorsConfig {
        Server *server;
        const char *directory; /* made if missing */
        mode_t mode;           /* of the directory: 0700, or 0711 where apps have users of their own */
        const char *name;      /* of the listeners; static */
        const Method *const *services;
        void *service;
} DoorsConfig;

/* Sockets of an earlier life of the daemon are removed. -ENAMETOOLONG: no socket fits below that directory.
 */
int doors_new(const DoorsConfig *config, Doors **ret);
/* Before server_free(): the sockets go. */
Doors *doors_free(Doors *d);
DEFINE_CLEANUP(Doors *, doors_free);
/* Opens the door of a run, or finds it open. ret_address ("unix:/...") may be NULL, is owned by the caller.
 */
int doors_open(Doors *d, uint64_t run_id, const char *token, char **ret_address);
void doors_close(Doors *d, uint64_t run_id);
