#include "libflwr/executor.h"

#include <sys/stat.h>
#include <sysexits.h>

#include "base/exit-code.h"
#include "base/fs-util.h"
#include "base/log.h"

/* Every local user can read a command line. */
#define ENV_TOKEN "FLWR_APP_TOKEN"

void executor_args_done(ExecutorArgs *a)
{
        free(a->address);
        free(a->token);
        free(a->flwr_dir);
        *a = (ExecutorArgs){};
}

/* The app's own children have no use for it. */
static int take_token(ExecutorArgs *a)
{
        int r = 0;

        if (!a->token)
                r = free_and_strdup(&a->token, strempty(getenv(ENV_TOKEN)));
        (void) unsetenv(ENV_TOKEN);
        return r;
}

int executor_parse(
        const Program *p, const char *address, int argc, char *argv[], ExecutorArgs *ret, int *ret_status)
{
        _cleanup_executor_args_ ExecutorArgs a = {};
        _cleanup_free_ char **positionals = NULL;
        int r;

        log_open(p->name);
        r = options_parse(p, argc, argv, &a, &positionals);
        if (r != 0) {
                *ret_status = r > 0 ? EXIT_SUCCESS : 2;
                return 1;
        }
        if (!a.insecure) {
                *ret_status = exit_with(FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED,
                        "%s does not speak TLS: start it with --insecure.", p->name);
                return 1;
        }
        if ((!a.address && free_and_strdup(&a.address, address) < 0) || take_token(&a) < 0) {
                log_oom();
                *ret_status = EX_OSERR;
                return 1;
        }
        *ret = a;
        a = (ExecutorArgs){};
        return 0;
}

int executor_home(const ExecutorArgs *a, char **ret)
{
        struct stat st;

        if (a->flwr_dir && stat(a->flwr_dir, &st) >= 0 && S_ISDIR(st.st_mode)) {
                *ret = strdup(a->flwr_dir);
                return *ret ? 0 : -ENOMEM;
        }
        return flwr_home(ret);
}
