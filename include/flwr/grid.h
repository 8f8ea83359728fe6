/* The ServerApp's view of the federation: nodes, messages to them, replies. Nothing polls: calls wait on the
 * SuperLink. */
#ifndef FLWR_GRID_H
#define FLWR_GRID_H

#include <flwr/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ids of the nodes that are online, in the order of their registration. *ret_ids: free(). */
int flwr_grid_nodes(flwr_grid *g, uint64_t **ret_ids, size_t *ret_n);
/* Waits until at least n nodes are online. seconds < 0: no limit. -ETIMEDOUT. */
int flwr_grid_wait_nodes(flwr_grid *g, size_t n, double seconds);
/* Sends messages; contents that several share are uploaded once. Messages stay the caller's. -EHOSTUNREACH
 * in *ret_refused (may be NULL) counts those whose node is gone. */
int flwr_grid_push(flwr_grid *g, flwr_message *const *messages, size_t n, size_t *ret_refused);
/* Waits for the next reply to anything pushed, in order of arrival: one reply is in memory at a time. Error
 * replies are replies, too. seconds < 0: no limit. 0 with *ret_reply (flwr_message_free()), -ETIMEDOUT,
 * -ENODATA: nothing is outstanding. */
int flwr_grid_next_reply(flwr_grid *g, double seconds, flwr_message **ret_reply);
/* Forgets what is outstanding; later replies are dropped. */
void flwr_grid_forget(flwr_grid *g);
/* What the run's end will say when main() returns a failure. Returns -abs(error). */
#if defined(__GNUC__)
int flwr_grid_fail(flwr_grid *g, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
#else
int flwr_grid_fail(flwr_grid *g, int error, const char *format, ...);
#endif

#ifdef __cplusplus
}
#endif
#endif
