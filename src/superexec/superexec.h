/* The launcher of app processes for either daemon: asks for runs that wait for a process, starts one each,
 * watches them.
 *
 *      ListAppsToLaunch (held) -> RequestToken -> start -> ... -> child ends -> tell the daemon how
 *
 * It outlives its daemon for a while, so that apps survive a restart of it. With a launch socket
 * (superexec/launch.h) systemd runs the apps, and keeps them for the next launcher: then it ends when it is
 * told to, and only then. */
#pragma once

#include <systemd/sd-event.h>

#include "base/options.h"
#include "stubs/stub.h"

typedef struct SuperexecArgs {
        bool insecure;
        char *appio_api_address;
        char *plugin_type;
        uint64_t parent_pid;
        char *lock_file;
        char *python_apps;
        uint64_t max_apps;
        char *launch_socket;
        char *app_address;
} SuperexecArgs;

extern const Program SUPEREXEC_PROGRAM;
void superexec_args_done(SuperexecArgs *a);

typedef struct App App;

/* What differs between the two kinds of app. */
typedef struct Plugin {
        const char *name;         /* "clientapp" */
        const char *program;      /* "flwr-clientapp", ours and the genuine one */
        const char *address_flag; /* "--clientappio-api-address" */
        RpcMethodId list, request_token, push_outputs;
} Plugin;

typedef struct Superexec {
        sd_event *event;
        const SuperexecArgs *args;
        const Plugin *plugin;
        Channel *channel;
        Stub *stub;
        StubCall *list_call, *token_call;
        sd_event_source *timer, *kill_timer;
        usec_t unavailable_since; /* monotonic, 0: the daemon answers */
        usec_t listed_at;
        uint64_t *runs; /* to be launched, from the end */
        size_t n_runs;
        App *apps;
        unsigned n_apps;
        bool stopping;
        int lock_fd;
} Superexec;

int superexec_start(Superexec *s);
void superexec_stop(void *superexec);
void superexec_done(Superexec *s);
/* A note about an app's end has arrived. */
void superexec_note_sent(Superexec *s);
bool apps_have_notes(const Superexec *s);
/* An app has ended: there is room again. */
void superexec_app_ended(Superexec *s);
/* Tells systemd how many apps there are. */
void superexec_notify(const Superexec *s);

/* app.c */
int app_start(Superexec *s, uint64_t run_id, const TokenReply *reply);
/* Takes back the apps that an earlier launcher has left with systemd. */
int apps_adopt(Superexec *s);
/* How many processes would end with this one. */
unsigned apps_to_end(const Superexec *s);
/* Ends those: SIGTERM, or SIGKILL. */
void apps_kill(Superexec *s, int signal);
void apps_free(Superexec *s);

/* executor.c: where executors are. */
/* Our own one: beside this program (a build tree), or in libexec. -ENOENT. */
int executor_find_native(const char *program, char **ret);
/* The genuine one: in dir, or (dir NULL) the first on PATH that is not ours. -ENOENT with *reterr_text for
 * people. */
int executor_find_python(const char *program, const char *dir, char **ret, char **reterr_text);
/* Whether that Python environment has Flower 1.20, whose flwr-serverapp knows no --token. */
bool executor_is_flower_1_20(const char *path);
