/* Replays files, or all files of the target's corpus when none is named. */
#include <glob.h>
#include <libgen.h>
#include <stdio.h>

#include "base/macro.h"
#include "fuzz.h"

static int replay(const char *path)
{
        _cleanup_free_ uint8_t *data = NULL;
        FILE *f = fopen(path, "re");
        long size;

        if (!f) {
                perror(path);
                return EXIT_FAILURE;
        }
        if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0) {
                rewind(f);
                data = malloc((size_t) size + 1);
                if (data && fread(data, 1, (size_t) size, f) == (size_t) size)
                        LLVMFuzzerTestOneInput(data, (size_t) size);
        }
        fclose(f);
        return EXIT_SUCCESS;
}

static int replay_corpus(char *program)
{
        const char *top = getenv("top_srcdir");
        char *name = basename(program);
        _cleanup_free_ char *pattern = NULL;
        glob_t found;
        int status = EXIT_SUCCESS;

        if (startswith(name, "lt-"))
                name += 3;
        if (asprintf(&pattern, "%s/tests/fuzz/corpus/%s/*", top ? top : ".", name) < 0)
                return EXIT_FAILURE;
        if (glob(pattern, 0, NULL, &found) != 0) {
                fprintf(stderr, "No corpus: %s\n", pattern);
                return EXIT_FAILURE;
        }
        for (size_t i = 0; i < found.gl_pathc && status == EXIT_SUCCESS; i++)
                status = replay(found.gl_pathv[i]);
        globfree(&found);
        return status;
}

int main(int argc, char **argv)
{
        if (argc < 2)
                return replay_corpus(argv[0]);
        for (int i = 1; i < argc; i++)
                if (replay(argv[i]) != EXIT_SUCCESS)
                        return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
