#include "services/doors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "model/hash.h"
#include "services/service.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NAME_DIGITS 32 /* 128 bits that nobody guesses */
#define NAME_PURPOSE "flwr-door:"
#define SOCKET_SUFFIX ".sock"

typedef struct OpenDoor {
        uint64_t run_id;
        Listener *listener;
        char *address;
        UT_hash_handle hh;
} OpenDoor;

struct Doors {
        Server *server;
        char *directory;
        mode_t mode;
        const char *name;
        const Method *const *services;
        void *service;
        OpenDoor *open;
};

bool door_admits_run(Call *c, uint64_t run_id)
{
        const Door *d = call_door(c);

        if (!d->has_run || d->run_id == run_id)
                return true;
        call_fail(c, RPCERR_LOCAL_ONLY, "This socket belongs to the app of another run");
        return false;
}

bool door_admits_launcher(Call *c)
{
        if (call_door(c)->may_launch)
                return true;
        call_fail(c, RPCERR_LOCAL_ONLY,
                "Apps are not launched through this socket; launchers have one of their own");
        return false;
}

static void remove_old_sockets(const char *directory)
{
        DIR *dir = opendir(directory);
        struct dirent *e;

        if (!dir)
                return;
        while ((e = readdir(dir)))
                if (endswith(e->d_name, SOCKET_SUFFIX))
                        (void) unlinkat(dirfd(dir), e->d_name, 0);
        (void) closedir(dir);
}

int doors_new(const DoorsConfig *config, Doors **ret)
{
        _cleanup_(doors_freep) Doors *d = new0(Doors, 1);
        int r;

        if (!d)
                return -ENOMEM;
        if (strlen(config->directory) + 1 + NAME_DIGITS + strlen(SOCKET_SUFFIX) >=
                sizeof(((struct sockaddr_un *) NULL)->sun_path))
                return -ENAMETOOLONG;
        d->server = config->server;
        d->mode = config->mode;
        d->name = config->name;
        d->services = config->services;
        d->service = config->service;
        d->directory = strdup(config->directory);
        if (!d->directory)
                return -ENOMEM;
        r = mkdir_parents(d->directory, config->mode);
        if (r < 0)
                return r;
        if (chmod(d->directory, config->mode) < 0)
                return -errno;
        remove_old_sockets(d->directory);
        *ret = TAKE_PTR(d);
        return 0;
}

static void close_door(Doors *d, OpenDoor *o)
{
        HASH_DEL(d->open, o);
        if (o->listener)
                server_unlisten(o->listener);
        free(o->address);
        free(o);
}

Doors *doors_free(Doors *d)
{
        OpenDoor *o, *tmp;

        if (!d)
                return NULL;
        HASH_ITER (hh, d->open, o, tmp)
                close_door(d, o);
        free(d->directory);
        return mfree(d);
}

static OpenDoor *find_door(Doors *d, uint64_t run_id)
{
        OpenDoor *o;

        HASH_FIND(hh, d->open, &run_id, sizeof(run_id), o);
        return o;
}

static char *make_address(const Doors *d, const char *token)
{
        _cleanup_free_ char *text = xasprintf(NAME_PURPOSE "%s", token);
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId name;

        if (!text)
                return NULL;
        sha256(text, strlen(text), &name);
        object_id_format(&name, hex);
        hex[NAME_DIGITS] = 0;
        return xasprintf("unix:%s/%s" SOCKET_SUFFIX, d->directory, hex);
}

/* Whoever knows the name may connect: where apps have users of their own, the name is the proof. */
static int listen_at(Doors *d, OpenDoor *o)
{
        _cleanup_free_ char *why = NULL;
        Door *door = new0(Door, 1);
        const ListenerConfig config = {
                .name = d->name,
                .address = o->address,
                .fd = -EBADF,
                .services = d->services,
                .userdata = door,
                .free_userdata = free,
        };
        int r;

        if (!door)
                return -ENOMEM;
        *door = (Door){.service = d->service, .run_id = o->run_id, .has_run = true};
        r = server_listen(d->server, &config, &o->listener, &why);
        if (r < 0) {
                free(door);
                return r;
        }
        if (d->mode & 011)
                (void) chmod(startswith(o->address, "unix:"), 0666);
        return 0;
}

int doors_open(Doors *d, uint64_t run_id, const char *token, char **ret_address)
{
        OpenDoor *o = find_door(d, run_id);
        int r;

        if (!o) {
                o = new0(OpenDoor, 1);
                if (!o)
                        return -ENOMEM;
                o->run_id = run_id;
                HASH_ADD(hh, d->open, run_id, sizeof(o->run_id), o);
                if (!o->hh.tbl) {
                        free(o);
                        return -ENOMEM;
                }
                o->address = make_address(d, token);
                r = o->address ? listen_at(d, o) : -ENOMEM;
                if (r < 0) {
                        close_door(d, o);
                        return r;
                }
        }
        if (!ret_address)
                return 0;
        *ret_address = strdup(o->address);
        return *ret_address ? 0 : -ENOMEM;
}

void doors_close(Doors *d, uint64_t run_id)
{
        OpenDoor *o = d ? find_door(d, run_id) : NULL;

        if (o)
                close_door(d, o);
}
