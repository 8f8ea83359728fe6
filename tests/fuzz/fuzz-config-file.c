/* A configuration file against a table with every kind of row. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/config-file.h"
#include "fuzz.h"

typedef struct Args {
        bool flag;
        char *text, *choice, *number, *pairs;
        char **list;
        uint64_t count;
        double rate;
} Args;

static const char *const choices[] = {"a", "b", NULL};

static const Option options[] = {
        {OPTION_GROUP, .help = "All kinds"},
        {OPTION_FLAG, "flag", .help = "A flag.", .offset = offsetof(Args, flag)},
        {OPTION_STRING, "text", .fallback = "x", .help = "A text.", .offset = offsetof(Args, text)},
        {OPTION_STRINGS, "list", .help = "A list.", .offset = offsetof(Args, list)},
        {OPTION_CHOICE, "choice", .choices = choices, .help = "A choice.", .offset = offsetof(Args, choice)},
        {OPTION_UINT, "count", .help = "A count.", .offset = offsetof(Args, count)},
        {OPTION_DOUBLE, "rate", .help = "A rate.", .offset = offsetof(Args, rate)},
        {OPTION_STRING, "number", .help = "A number.", .offset = offsetof(Args, number),
                .flags = OPTION_NUMBER},
        {OPTION_STRING, "pairs", .help = "Pairs.", .offset = offsetof(Args, pairs), .flags = OPTION_TABLE},
        {OPTION_IGNORED, "old", .metavar = "X", .help = "has no effect"},
        {},
};

static const Program program = {
        .name = "fuzz",
        .summary = "is fuzzed",
        .options = options,
        .config_file = "/etc/fuzz.toml",
};

static void args_done(Args *a)
{
        free(a->text);
        free(a->choice);
        free(a->number);
        free(a->pairs);
        options_free_strings(a->list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        OptionOrigin origins[ELEMENTSOF(options)] = {0};
        _cleanup_free_ char *problems = NULL;
        _cleanup_(args_done) Args args = {0};
        char path[64];
        int fd, r;

        fd = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t) size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = config_files_load(&program, path, &args, origins, &problems);
        close(fd);
        fuzz_check(r == 0 || (r == -EBADMSG && problems && *problems));
        for (size_t i = 0; i < ELEMENTSOF(origins); i++)
                free(origins[i].file);
        return 0;
}
