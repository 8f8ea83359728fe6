/* What the two executors have in common: their command line, and the calls at the beginning and the end. */
#pragma once

#include "base/options.h"
#include "libflwr/app-io.h"

typedef struct ExecutorArgs {
        bool insecure;
        char *address;
        char *token;
        uint64_t parent_pid;
        bool run_once;
        char *flwr_dir;
} ExecutorArgs;

void executor_args_done(ExecutorArgs *a);
#define _cleanup_executor_args_ _cleanup_(executor_args_done)
/* Parses and checks. 0: go on with *ret; 1: end with *ret_status. address: what to take where none is given.
 */
int executor_parse(
        const Program *p, const char *address, int argc, char *argv[], ExecutorArgs *ret, int *ret_status);
/* Where apps are installed. */
int executor_home(const ExecutorArgs *a, char **ret);

/* The rows. option_name names the address, "serverappio-api-address" or the like. */
#define EXECUTOR_OPTIONS(option_name, default_address, peer)                                                \
        {OPTION_FLAG, "insecure", .help = "Connect without TLS. Required: AppIo is for local peers.",       \
                .offset = offsetof(ExecutorArgs, insecure)},                                                \
                {OPTION_STRING, option_name, .metavar = "ADDRESS", .fallback = default_address,             \
                        .help = "Address of the " peer ", host:port or unix:/path.",                        \
                        .offset = offsetof(ExecutorArgs, address)},                                         \
                {OPTION_STRING, "token", .metavar = "TOKEN",                                                \
                        .help = "The run's token, from RequestToken. Default: $FLWR_APP_TOKEN.",            \
                        .offset = offsetof(ExecutorArgs, token)},                                           \
                {OPTION_UINT, "parent-pid", .metavar = "PID", .help = "End when this process has ended.",   \
                        .offset = offsetof(ExecutorArgs, parent_pid)},                                      \
                {OPTION_FLAG, "run-once", .help = "Without a token: end after one run.",                    \
                        .offset = offsetof(ExecutorArgs, run_once)},                                        \
        {                                                                                                   \
                OPTION_STRING, "flwr-dir", .metavar = "DIR", .fallback = "$FLWR_HOME, else ~/.flwr",        \
                                           .help = "Flower's home, where apps are installed.",              \
                                           .offset = offsetof(ExecutorArgs, flwr_dir)                       \
        }
