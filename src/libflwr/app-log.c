/* flwr_log(): the app's own lines, on stdout in the form of genuine Flower's console. */
#include <stdarg.h>
#include <stdio.h>

#include <flwr/base.h>

#include "base/buf.h"
#include "base/log.h"

#define APP_LOG_LEVEL_MAX 3

void flwr_log(int level, const char *format, ...)
{
        static const struct {
                const char *name;
                int syslog;
        } levels[APP_LOG_LEVEL_MAX + 1] = {
                {"DEBUG", LOG_DEBUG},
                {"INFO", LOG_INFO},
                {"WARNING", LOG_WARNING},
                {"ERROR", LOG_ERR},
        };
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        level = CLAMP(level, 0, APP_LOG_LEVEL_MAX);
        if (levels[level].syslog > log_get_level())
                return;
        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return;
        }
        /* One call: lines of several threads do not mix. */
        printf("%s :%*s%s\n", levels[level].name, (int) (10 - strlen(levels[level].name)), "", text);
        fflush(stdout);
}

const char *flwr_version(void)
{
        return PACKAGE_VERSION;
}
