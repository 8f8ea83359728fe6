/* How our programs end.
 *
 * Process status: 0 after a graceful end, else a sysexits(3) number. The text says "Exit Code: NNN" with
 * genuine Flower's own number, so that its documentation stays useful. */
#pragma once

#include "base/macro.h"

typedef enum FlwrExitCode {
        FLWR_EXIT_SUCCESS = 0,
        FLWR_EXIT_SUPERLINK_THREAD_CRASH = 100,
        FLWR_EXIT_SUPERLINK_INVALID_ARGS = 104,
        FLWR_EXIT_SUPERLINK_DATABASE_SCHEMA_MISMATCH = 105,
        FLWR_EXIT_SERVERAPP_STRATEGY_PRECONDITION_UNMET = 200,
        FLWR_EXIT_SERVERAPP_EXCEPTION = 201,
        FLWR_EXIT_SERVERAPP_STRATEGY_AGGREGATION_ERROR = 202,
        FLWR_EXIT_SERVERAPP_RUN_START_REJECTED = 203,
        FLWR_EXIT_SUPERNODE_REST_ADDRESS_INVALID = 300,
        FLWR_EXIT_SUPERNODE_NODE_AUTH_KEYS_REQUIRED = 301,
        FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID = 302,
        FLWR_EXIT_SUPERNODE_AUTH_WITHOUT_TLS = 303,
        FLWR_EXIT_SUPERNODE_INVALID_TRUSTED_ENTITIES = 304,
        FLWR_EXIT_SUPEREXEC_INVALID_PLUGIN_CONFIG = 400,
        FLWR_EXIT_CLI_NODE_AUTH_PUBLIC_KEY_INVALID = 500,
        FLWR_EXIT_COMMON_ADDRESS_INVALID = 600,
        FLWR_EXIT_COMMON_TLS_NOT_SUPPORTED = 602,
} FlwrExitCode;

/* Logs "Exit Code: NNN" with the explanation (what, where, what to try) at error and returns the sysexits
 * status for it, so that main can say "return exit_with(FLWR_EXIT_..., "...")". message_id is one of
 * base/message-ids.h; NULL: FLWR_MESSAGE_CONFIGURATION_REFUSED for an error of flags and configuration, none
 * for others. */
int exit_with_id(FlwrExitCode code, const char *message_id, const char *fmt, ...) _printf_(3, 4);
#define exit_with(code, ...) exit_with_id((code), NULL, __VA_ARGS__)
