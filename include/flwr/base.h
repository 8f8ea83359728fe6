/* Common declarations of libflwr, the SDK for native Flower apps.
 *
 * Functions return 0 or a positive number on success and a negative errno value on failure, unless they say
 * otherwise; results are written only on success. Strings are UTF-8 without embedded NUL. "borrowed"
 * pointers belong to the object they came from and live until it changes or is freed; everything else that
 * you get, you free with the function named beside it. Nothing here is thread-safe by itself: use one object
 * from one thread at a time. */
#ifndef FLWR_BASE_H
#define FLWR_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the interface between an app object and the executor that loads it. It changes when a
 * structure below changes in a way that old objects would misread. */
#define FLWR_ABI 1u

typedef struct flwr_record_dict flwr_record_dict;
typedef struct flwr_record flwr_record;
typedef struct flwr_message flwr_message;
typedef struct flwr_context flwr_context;
typedef struct flwr_grid flwr_grid;

/* A line in the app's log: of a ServerApp it reaches `flwr log`, of a ClientApp its node's log. level: 0
 * debug, 1 info, 2 warning, 3 error. */
#if defined(__GNUC__)
void flwr_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#else
void flwr_log(int level, const char *format, ...);
#endif

const char *flwr_version(void);

#ifdef __cplusplus
}
#endif
#endif
