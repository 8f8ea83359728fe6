#include "base/exit-code.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/message-ids.h"

#define HELP_URL "https://flower.ai/docs/framework/ref-exit-codes/"

static int exit_status(FlwrExitCode code)
{
        switch (code) {
        case FLWR_EXIT_SUCCESS:
                return EX_OK;
        case FLWR_EXIT_SUPERLINK_INVALID_ARGS:
        case FLWR_EXIT_SUPERNODE_REST_ADDRESS_INVALID:
        case FLWR_EXIT_SUPERNODE_NODE_AUTH_KEYS_REQUIRED:
        case FLWR_EXIT_COMMON_ADDRESS_INVALID:
        case FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED:
                return EX_USAGE;
        case FLWR_EXIT_SUPERLINK_DATABASE_SCHEMA_MISMATCH:
        case FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID:
        case FLWR_EXIT_SUPERNODE_AUTH_WITHOUT_TLS:
        case FLWR_EXIT_SUPERNODE_INVALID_TRUSTED_ENTITIES:
        case FLWR_EXIT_SUPEREXEC_INVALID_PLUGIN_CONFIG:
                return EX_CONFIG;
        case FLWR_EXIT_CLI_NODE_AUTH_PUBLIC_KEY_INVALID:
                return EX_DATAERR;
        case FLWR_EXIT_SERVERAPP_RUN_START_REJECTED:
        case FLWR_EXIT_SUPERLINK_THREAD_CRASH:
        case FLWR_EXIT_SERVERAPP_STRATEGY_PRECONDITION_UNMET:
        case FLWR_EXIT_SERVERAPP_EXCEPTION:
        case FLWR_EXIT_SERVERAPP_STRATEGY_AGGREGATION_ERROR:
                break;
        }
        return EX_SOFTWARE;
}

int exit_with_id(FlwrExitCode code, const char *message_id, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        int status = exit_status(code);
        char number[16];
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        (void) snprintf(number, sizeof(number), "%d", (int) code);
        if (!message_id && (status == EX_USAGE || status == EX_CONFIG))
                message_id = FLWR_MESSAGE_CONFIGURATION_REFUSED;
        if (code == FLWR_EXIT_SUCCESS)
                log_info("%s", text ? text : fmt);
        else
                log_with(LOG_ERR, (&(LogFields){.exit_code = number, .message_id = message_id}),
                        "Exit Code: %s\n%s\nSee <" HELP_URL "%s.html>.", number, text ? text : fmt, number);
        return status;
}
