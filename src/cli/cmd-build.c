#include <sysexits.h>

#include "base/fs-util.h"
#include "cli/command.h"
#include "cli/report.h"
#include "model/fab.h"

typedef struct BuildArgs {
        char *app;
} BuildArgs;

static void build_args_done(BuildArgs *a)
{
        free(a->app);
}

static const Option OPTIONS[] = {
        {OPTION_STRING, "app", .metavar = "PATH", .fallback = ".", .offset = offsetof(BuildArgs, app),
                .help = "Directory of the Flower app to bundle."},
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr build",
        .summary = "Build a Flower App Bundle (FAB) from an app directory, in the current directory.",
        .description = "Bundles pyproject.toml (without its federations), the app's .py, .toml and .md "
                       "files, LICENSE, and the "
                       "shared objects that [tool.flwr.app.native] names, from native/<triplet>/. Files "
                       "named by .gitignore are "
                       "left out. The same inputs give the same bytes.",
        .options = OPTIONS,
        .examples = "  flwr build --app ./apps/authentication\n",
};

/* The FAB, written beside us; *ret_name is its file. */
static int build_into(const char *app, FabInfo *ret_info, char **ret_name, char **reterr_text)
{
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_free_ char *name = NULL;
        int r;

        r = fab_build(app, &fab, &info, reterr_text);
        if (r < 0)
                return r;
        r = fab_file_name(&info, &name);
        if (r < 0)
                return r;
        r = write_file_atomic(name, fab->data, fab->size, 0644, false);
        if (r < 0) {
                *reterr_text = xasprintf("Cannot write %s: %s", name, strerror(-r));
                return r;
        }

        *ret_info = info;
        info = (FabInfo){};
        *ret_name = TAKE_PTR(name);
        return 0;
}

static int build(int argc, char *argv[])
{
        _cleanup_(build_args_done) BuildArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_free_ char *name = NULL, *text = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;

        r = build_into(args.app ? args.app : ".", &info, &name, &text);
        if (r < 0)
                return report_errno(FORMAT_DEFAULT, r, text);
        if (*info.native_triplets)
                report_line(FORMAT_DEFAULT, "Native objects for %s", info.native_triplets);
        report_line(FORMAT_DEFAULT, "🎊 Successfully built %s", name);
        return 0;
}

const Command CMD_BUILD = {"build", NULL, &PROGRAM, build};
