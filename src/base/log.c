#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Without it each line would claim to come from this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/buf.h"

static struct {
        const char *identifier;
        int max_level;
        bool journal, colour, records;
} log_state = {.max_level = LOG_INFO};

/* As in systemd.exec(5): stderr may have been redirected after the variable was set. */
static bool stderr_is_journal(void)
{
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!e || sscanf(e, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *identifier)
{
        const char *level = getenv("FLWR_LOG_LEVEL");
        int r = level ? log_parse_level(level) : LOG_INFO;

        log_state.identifier = identifier;
        log_state.journal = stderr_is_journal();
        log_state.colour = !log_state.journal && isatty(STDERR_FILENO) && !getenv("NO_COLOR");
        log_set_level(r < 0 ? LOG_INFO : r);
        if (r < 0)
                log_warning("FLWR_LOG_LEVEL: unknown level \"%s\", ignoring", level);
}

void log_keep_records(void)
{
        log_state.records = true;
}

void log_set_level(int max_level)
{
        __atomic_store_n(&log_state.max_level, max_level, __ATOMIC_RELAXED);
}

int log_get_level(void)
{
        return __atomic_load_n(&log_state.max_level, __ATOMIC_RELAXED);
}

bool log_is_journal(void)
{
        return log_state.journal;
}

int log_parse_level(const char *s)
{
        static const struct {
                const char *name;
                int level;
        } table[] = {
                {"debug", LOG_DEBUG},
                {"info", LOG_INFO},
                {"warning", LOG_WARNING},
                {"warn", LOG_WARNING},
                {"error", LOG_ERR},
                {"critical", LOG_CRIT},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcasecmp(s, table[i].name) == 0)
                        return table[i].level;
        return -EINVAL;
}

static void level_look(int level, const char **ret_name, const char **ret_colour)
{
        if (level <= LOG_CRIT)
                *ret_name = "CRITICAL", *ret_colour = "\033[95m";
        else if (level == LOG_ERR)
                *ret_name = "ERROR", *ret_colour = "\033[91m";
        else if (level == LOG_WARNING)
                *ret_name = "WARNING", *ret_colour = "\033[93m";
        else if (level == LOG_DEBUG)
                *ret_name = "DEBUG", *ret_colour = "\033[94m";
        else
                *ret_name = "INFO", *ret_colour = "\033[92m";
}

static void write_stderr(int level, const char *text)
{
        const char *name, *colour;
        _cleanup_buf_ Buf b = {};
        size_t start;

        level_look(level, &name, &colour);
        if (buf_printf(&b, "%s%s %s: %*s ", log_state.colour ? colour : "", name,
                    log_state.colour ? "\033[0m" : "", (int) (8 - strlen(name)), "") < 0)
                return;
        start = b.size;
        if (buf_append_str(&b, text) < 0)
                return;
        /* A peer's text must not drive the terminal. */
        for (size_t i = start; i < b.size; i++)
                if ((b.data[i] < ' ' && b.data[i] != '\n' && b.data[i] != '\t') || b.data[i] == 0x7f)
                        b.data[i] = '?';
        if (buf_append_str(&b, "\n") < 0)
                return;
        for (size_t done = 0; done < b.size;) {
                ssize_t n = write(STDERR_FILENO, b.data + done, b.size - done);

                if (n < 0 && errno != EINTR)
                        return;
                done += n > 0 ? (size_t) n : 0;
        }
}

static void write_journal(int level, int error, const LogFields *f, const char *text)
{
        const struct {
                const char *name, *value;
        } rows[] = {
                {"MESSAGE", text},
                {"SYSLOG_IDENTIFIER", log_state.identifier},
                {"FLWR_RUN", f ? f->run : NULL},
                {"FLWR_NODE", f ? f->node : NULL},
                {"FLWR_MSG", f ? f->msg : NULL},
                {"FLWR_APP", f ? f->app : NULL},
                {"FLWR_PEER", f ? f->peer : NULL},
                {"FLWR_EXIT_CODE", f ? f->exit_code : NULL},
                {"MESSAGE_ID", f ? f->message_id : NULL},
        };
        struct iovec iov[ELEMENTSOF(rows) + 2];
        char *owned[ELEMENTSOF(rows) + 2] = {};
        int n = 0, r = 0;

        owned[n++] = xasprintf("PRIORITY=%d", level);
        if (error != 0)
                owned[n++] = xasprintf("ERRNO=%d", error);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].value)
                        owned[n++] = xasprintf("%s=%s", rows[i].name, rows[i].value);
        for (int i = 0; i < n; i++) {
                if (!owned[i])
                        r = -ENOMEM;
                iov[i] = (struct iovec){owned[i], strlen(strempty(owned[i]))};
        }
        if (r >= 0)
                r = sd_journal_sendv(iov, n);
        for (int i = 0; i < n; i++)
                free(owned[i]);
        if (r < 0 && log_state.journal)
                write_stderr(level, text);
}

int log_full(int level, int error, const LogFields *fields, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        int saved = errno;
        va_list ap;

        error = abs(error);
        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text && error != 0) {
                char *longer = xasprintf("%s: %s", text, strerrordesc_np(error) ?: "Unknown error");

                if (longer) {
                        free(text);
                        text = longer;
                }
        }
        if (log_state.journal || (log_state.records && fields && fields->message_id))
                write_journal(level, error, fields, text ? text : fmt);
        if (!log_state.journal)
                write_stderr(level, text ? text : fmt);
        errno = saved;
        return -error;
}
