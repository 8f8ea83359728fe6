#include <sysexits.h>

#include "base/fs-util.h"
#include "cli/command.h"
#include "cli/report.h"
#include "model/fab.h"

typedef struct InstallArgs {
        char *flwr_dir;
} InstallArgs;

static void install_args_done(InstallArgs *a)
{
        free(a->flwr_dir);
}

static const Option OPTIONS[] = {
        {OPTION_STRING, "flwr-dir", .metavar = "DIR", .offset = offsetof(InstallArgs, flwr_dir),
                .fallback = "$FLWR_HOME, else ~/.flwr", .help = "Install below this directory."},
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr install",
        .summary = "Install a Flower App Bundle (FAB).",
        .description = "Verifies the bundle and unpacks it into "
                       "DIR/apps/<publisher>.<name>.<version>.<hash>. An app that is "
                       "installed already is left as it is.",
        .positionals = "FILE",
        .min_positionals = 1,
        .max_positionals = 1,
        .options = OPTIONS,
        .examples = "  flwr install acme.demo-app.1-2-3.df8d7c62.fab\n",
};

static int read_fab(const char *file, Blob **ret, FabInfo *ret_info, char **reterr_text)
{
        _cleanup_blob_ Blob *fab = NULL;
        int r;

        r = read_file(file, FAB_SIZE_MAX, &fab);
        if (r < 0) {
                *reterr_text = xasprintf("Cannot read %s: %s", file, strerror(-r));
                return r;
        }
        r = fab_inspect(fab, ret_info, reterr_text);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(fab);
        return 0;
}

/* The name says what is inside; a bundle under a wrong name has been mixed up by somebody. */
static int check_name(const char *file, const FabInfo *info, char **reterr_text)
{
        _cleanup_free_ char *expected = NULL;
        const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
        int r;

        r = fab_file_name(info, &expected);
        if (r < 0)
                return r;
        if (streq(name, expected))
                return 0;
        *reterr_text = xasprintf("By its contents, %s must be named %s.", file, expected);
        return *reterr_text ? -EINVAL : -ENOMEM;
}

static int install_file(
        const char *file, const char *home, char **ret_dir, FabInfo *ret_info, char **reterr_text)
{
        _cleanup_blob_ Blob *fab = NULL;
        int r;

        r = read_fab(file, &fab, ret_info, reterr_text);
        if (r < 0)
                return r;
        r = check_name(file, ret_info, reterr_text);
        if (r < 0)
                return r;
        return fab_install(fab, home, ret_dir, NULL, reterr_text);
}

static int install(int argc, char *argv[])
{
        _cleanup_(install_args_done) InstallArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_free_ char *home = NULL, *dir = NULL, *text = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;

        if (args.flwr_dir) {
                home = path_expand_home(args.flwr_dir);
                r = home ? 0 : -ENOMEM;
        } else
                r = flwr_home(&home);
        if (r >= 0)
                r = install_file(positionals[0], home, &dir, &info, &text);
        if (r < 0)
                return report_errno(FORMAT_DEFAULT, r, text);
        report_line(FORMAT_DEFAULT, "🎊 Successfully installed %s to %s.", info.manifest.name, dir);
        return 0;
}

const Command CMD_INSTALL = {"install", NULL, &PROGRAM, install};
