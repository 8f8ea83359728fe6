#include "provision/run-program.h"

#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static int wait_for(pid_t pid, const char *what)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return log_error_errno(errno, "%s cannot be waited for", what);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        if (WIFSIGNALED(status))
                log_error("%s was ended by signal %d", what, WTERMSIG(status));
        else
                log_debug("%s ended with status %d", what, WEXITSTATUS(status));
        return -EIO;
}

int run_program(const char *const argv[], int output)
{
        posix_spawn_file_actions_t files;
        pid_t pid;
        int r;

        r = posix_spawn_file_actions_init(&files);
        if (r != 0)
                return log_error_errno(r, "%s cannot be started", argv[0]);
        r = output >= 0 ? posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO) : 0;
        if (r == 0)
                r = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *) argv, environ);
        (void) posix_spawn_file_actions_destroy(&files);
        return r != 0 ? log_error_errno(r, "%s cannot be started", argv[0]) : wait_for(pid, argv[0]);
}

static int become(const Account *account)
{
        if (geteuid() != 0 || account->uid == 0)
                return 0;
        if (setgroups(0, NULL) < 0 || setresgid(account->gid, account->gid, account->gid) < 0 ||
                setresuid(account->uid, account->uid, account->uid) < 0)
                return log_error_errno(errno, "Privileges cannot be given up");
        return 0;
}

int run_as(const Account *account, int (*function)(void *userdata), void *userdata)
{
        pid_t pid = fork();
        int r;

        if (pid < 0)
                return log_error_errno(errno, "No process can be made");
        if (pid == 0) {
                r = become(account);
                if (r >= 0)
                        r = function(userdata);
                _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        return wait_for(pid, "The work as the daemon's user");
}
