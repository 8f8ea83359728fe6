/* Messages between a ServerApp and the ClientApps of its run, and the context of an app. */
#ifndef FLWR_MESSAGE_H
#define FLWR_MESSAGE_H

#include <flwr/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Message types of Flower; "train.<action>" and the like are possible, too. */
#define FLWR_TRAIN "train"
#define FLWR_EVALUATE "evaluate"
#define FLWR_QUERY "query"

/* A message to a node, with empty content. group: "" or e.g. the round. NULL: out of memory. */
flwr_message *flwr_message_new(const char *type, uint64_t dst_node_id, const char *group);
void flwr_message_free(flwr_message *m);
flwr_record_dict *flwr_message_content(
        const flwr_message *m); /* borrowed; NULL when the message carries an error */
/* Several messages may share one content (a model sent to all nodes): d is shared until all messages are
 * gone. */
int flwr_message_share_content(flwr_message *m, const flwr_message *other);
const char *flwr_message_type(const flwr_message *m);
const char *flwr_message_group(const flwr_message *m);
uint64_t flwr_message_src_node(const flwr_message *m);
uint64_t flwr_message_dst_node(const flwr_message *m);
uint64_t flwr_message_run(const flwr_message *m);
void flwr_message_set_ttl(flwr_message *m, double seconds); /* default 43200 */
/* Errors: code 0 is none (see Flower's ErrorCode); the reason is borrowed. */
int64_t flwr_message_error(const flwr_message *m, const char **ret_reason);

/* The run's and node's configuration (flattened keys, dots between), and state that lasts for the run. */
uint64_t flwr_context_run_id(const flwr_context *c);
uint64_t flwr_context_node_id(const flwr_context *c);
flwr_record_dict *flwr_context_state(const flwr_context *c); /* borrowed, may be changed */
/* [tool.flwr.app.config] with --run-config over it. -ENOENT, -EINVAL as for records; get_double also reads
 * integers. */
int flwr_context_run_config_int(const flwr_context *c, const char *key, int64_t *ret_value);
int flwr_context_run_config_double(const flwr_context *c, const char *key, double *ret_value);
int flwr_context_run_config_bool(const flwr_context *c, const char *key, int *ret_value);
int flwr_context_run_config_string(const flwr_context *c, const char *key, const char **ret_value);
/* --node-config of the SuperNode. */
int flwr_context_node_config_int(const flwr_context *c, const char *key, int64_t *ret_value);
int flwr_context_node_config_double(const flwr_context *c, const char *key, double *ret_value);
int flwr_context_node_config_bool(const flwr_context *c, const char *key, int *ret_value);
int flwr_context_node_config_string(const flwr_context *c, const char *key, const char **ret_value);

#ifdef __cplusplus
}
#endif
#endif
