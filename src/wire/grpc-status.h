/* How gRPC writes outcomes and deadlines: numbers, percent-encoded texts, "grpc-timeout". Pure functions. */
#pragma once

#include "base/macro.h"
#include "base/rpc-error.h"
#include "base/time-util.h"

/* Encoded bytes of one grpc-message. C-core refuses header lists beyond 8 KiB (soft) and then loses status
 * and text alike. */
#define GRPC_MESSAGE_MAX 4096

/* "grpc-timeout" has at most eight digits and a unit. */
#define GRPC_TIMEOUT_TEXT_MAX 16

int grpc_status_from_class(RpcClass c);
/* RPC_UNKNOWN for numbers that nobody defined, as the specification wants it. */
RpcClass grpc_status_to_class(int status);
/* Parses the decimal text of "grpc-status"; -EINVAL. */
int grpc_status_parse(const char *s, RpcClass *ret);

/* For answers that do not come from a gRPC server (proxies): by gRPC's own table. */
RpcClass grpc_class_from_http_status(unsigned status);
/* For streams that end by RST_STREAM, without grpc-status. */
RpcClass grpc_class_from_h2_error(uint32_t error_code);

/* Percent-encodes; cut at GRPC_MESSAGE_MAX, never inside a character. NULL when out of memory. */
char *grpc_message_encode(const char *text);
/* Tolerant: what is not a valid escape stays as it is; the result is valid UTF-8. NULL when out of memory.
 */
char *grpc_message_decode(const char *text, size_t size);

/* -EINVAL. */
int grpc_timeout_parse(const char *s, usec_t *ret);
char *grpc_timeout_format(usec_t timeout, char buf[static GRPC_TIMEOUT_TEXT_MAX]);
