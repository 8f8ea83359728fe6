/* Descriptors of native apps.
 *
 * A native app is a shared object in the FAB, native/<multiarch triplet>/<object>.so. pyproject.toml names
 * object and descriptor:
 *
 *      [tool.flwr.app.native]
 *      clientapp = "authexample:client_app"
 *      serverapp = "authexample:server_app"
 *
 * One executor process serves a run, message after message: what start() prepares (data, buffers) is there
 * for all of them. */
#ifndef FLWR_APP_H
#define FLWR_APP_H

#include <flwr/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers one message. reply comes with an empty content to be filled. A negative errno makes the reply an
 * error (code 2) with the reason given to flwr_message_fail(), or the errno's text. */
typedef int (*flwr_client_fn)(
        void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply);
#if defined(__GNUC__)
int flwr_message_fail(flwr_message *reply, int error, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
#else
int flwr_message_fail(flwr_message *reply, int error, const char *format, ...);
#endif

typedef struct flwr_client_handler {
        const char *message_type; /* "train", "evaluate", "query", "train.personalise", ... */
        flwr_client_fn handle;
} flwr_client_handler;

typedef struct flwr_client_app {
        uint32_t abi;                        /* FLWR_ABI: checked before anything else is read */
        uint32_t size;                       /* sizeof(flwr_client_app) */
        const flwr_client_handler *handlers; /* ended by a NULL type */
        /* Both optional. start: once, before the first message of the run; its failure answers that message
         * with an error (flwr_message_fail() on reply). */
        int (*start)(const flwr_context *context, flwr_message *reply, void **ret_app_data);
        void (*stop)(void *app_data);
} flwr_client_app;

typedef struct flwr_server_app {
        uint32_t abi;
        uint32_t size;
        /* Runs the whole ServerApp. A negative errno fails the run; say why with flwr_grid_fail(). */
        int (*main)(flwr_grid *grid, flwr_context *context);
} flwr_server_app;

#define FLWR_CLIENT_APP_INIT FLWR_ABI, (uint32_t) sizeof(flwr_client_app)
#define FLWR_SERVER_APP_INIT FLWR_ABI, (uint32_t) sizeof(flwr_server_app)
#if defined(__GNUC__)
#define FLWR_EXPORT __attribute__((visibility("default")))
#else
#define FLWR_EXPORT
#endif

/* The mains of the two executors (flwr-clientapp, flwr-serverapp); for programs that want to be their own.
 */
int flwr_clientapp_main(int argc, char *argv[]);
int flwr_serverapp_main(int argc, char *argv[]);

#ifdef __cplusplus
}
#endif
#endif
