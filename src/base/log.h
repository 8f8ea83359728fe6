/* Log lines of the daemons and tools.
 *
 * Layers up to state, and libflwr, log at debug only; programs log each error once, where the decision is
 * taken. To the journal (native protocol) when stderr is connected to it, else to stderr as Flower prints
 * it: "INFO :      text". FLWR_LOG_LEVEL (debug, info, warning, error) sets the threshold; default info.
 * Thread-safe.
 *
 * Fields (FLWR_RUN=, FLWR_NODE=, FLWR_MSG=, FLWR_APP=, FLWR_PEER=, FLWR_EXIT_CODE=, MESSAGE_ID=) are an API;
 * see doc/logging.md. */
#pragma once

#include <syslog.h>

#include "base/macro.h"

typedef struct LogFields {
        const char *run, *node, *msg, *app, *peer, *message_id, *exit_code;
} LogFields;

void log_open(const char *identifier); /* once, first thing in main */
/* Lines with a message id go to the journal as well when standard error is something else: for a tool whose
 * doings an administrator wants to find there, wherever it was called from. */
void log_keep_records(void);
void log_set_level(int max_level);
int log_get_level(void);
int log_parse_level(const char *s); /* -EINVAL */
/* Whether lines go to the journal: for who passes on lines that are not its own. */
bool log_is_journal(void);

/* "error" is an errno value (sign ignored, 0 = none); its text is appended ": %m"-like. Returns -abs(error),
 * so "return log_error_errno(r, ...)" reads as usual. */
int log_full(int level, int error, const LogFields *fields, const char *fmt, ...) _printf_(4, 5);

#define log_at(level, error, fields, ...)                                                                   \
        ({                                                                                                  \
                int _e = (error);                                                                           \
                (level) <= log_get_level() ? log_full((level), _e, (fields), __VA_ARGS__) : -abs(_e);       \
        })
#define log_debug(...) log_at(LOG_DEBUG, 0, NULL, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, 0, NULL, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, 0, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, 0, NULL, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERR, 0, NULL, __VA_ARGS__)
#define log_debug_errno(e, ...) log_at(LOG_DEBUG, (e), NULL, __VA_ARGS__)
#define log_warning_errno(e, ...) log_at(LOG_WARNING, (e), NULL, __VA_ARGS__)
#define log_error_errno(e, ...) log_at(LOG_ERR, (e), NULL, __VA_ARGS__)
#define log_oom() log_error_errno(ENOMEM, "Out of memory")
/* With fields: log_with(LOG_INFO, &(LogFields) { .run = id }, "...") */
#define log_with(level, fields, ...) log_at((level), 0, (fields), __VA_ARGS__)
