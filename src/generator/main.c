/* A systemd generator: see systemd.generator(7). It runs before almost everything and never fails the boot,
 * so it uses nothing but the C library and the TOML parser, and always ends with 0. */
#include <stdio.h>
#include <unistd.h>

#include "generator/generator.h"

/* The journal is not there yet; by hand there may be no kernel log, so standard error gets it, too. */
static void log_kernel(void *userdata, const char *text)
{
        FILE *f = fopen("/dev/kmsg", "we");

        (void) userdata;
        if (f) {
                fprintf(f, "<4>flwr-generator: %s\n", text);
                (void) fclose(f);
        }
        if (isatty(STDERR_FILENO))
                fprintf(stderr, "%s\n", text);
}

int main(int argc, char *argv[])
{
        int r;

        if (argc < 2) {
                fprintf(stderr, "usage: %s NORMAL-DIR [EARLY-DIR LATE-DIR]\n", argv[0]);
                return 2;
        }
        r = generator_run(FLWR_CONFDIR, FLWR_UNITDIR, argv[1], log_kernel, NULL);
        if (r < 0)
                log_kernel(NULL, strerror(-r));
        return 0;
}
