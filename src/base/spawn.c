#include "base/spawn.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int set_attributes(posix_spawnattr_t *attr, bool session)
{
        short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        if (session)
                flags |= POSIX_SPAWN_SETSID;
        if ((r = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
                (r = posix_spawnattr_setsigdefault(attr, &all)) != 0 ||
                (r = posix_spawnattr_setflags(attr, flags)) != 0)
                return -r;
        return 0;
}

static int set_output(posix_spawn_file_actions_t *files, int output)
{
        int r;

        if (output < 0)
                return 0;
        if ((r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO)) != 0 ||
                (r = posix_spawn_file_actions_adddup2(files, output, STDERR_FILENO)) != 0)
                return -r;
        return 0;
}

int spawn_program(const char *program, char *const argv[], char *const env[], int output, pid_t *ret)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attr;
        pid_t pid;
        int r;

        if (posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attr) != 0) {
                (void) posix_spawn_file_actions_destroy(&files);
                return -ENOMEM;
        }
        r = set_attributes(&attr, output >= 0);
        if (r >= 0)
                r = set_output(&files, output);
        if (r >= 0)
                r = -posix_spawn(&pid, program, &files, &attr, argv, env);
        if (r >= 0)
                *ret = pid;
        (void) posix_spawnattr_destroy(&attr);
        (void) posix_spawn_file_actions_destroy(&files);
        return r;
}
