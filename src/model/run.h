/* Runs: statuses, legal transitions, and what is known of one. */
#pragma once

#include "base/time-util.h"
#include "model/config.h"
#include "model/hash.h"

/* pending -> starting -> running -> finished; pending and starting may also finish, but not as completed.
 * Nothing leaves finished. */
typedef enum RunStatus {
        RUN_PENDING,
        RUN_STARTING,
        RUN_RUNNING,
        RUN_FINISHED,
        _RUN_STATUS_MAX,
        _RUN_STATUS_INVALID = -EINVAL,
} RunStatus;

typedef enum RunSubStatus {
        RUN_SUB_NONE,
        RUN_COMPLETED,
        RUN_FAILED,
        RUN_STOPPED,
        _RUN_SUB_STATUS_MAX,
        _RUN_SUB_STATUS_INVALID = -EINVAL,
} RunSubStatus;

const char *run_status_to_string(RunStatus s);
RunStatus run_status_from_string(const char *s);
const char *run_sub_status_to_string(RunSubStatus s); /* RUN_SUB_NONE is "" */
RunSubStatus run_sub_status_from_string(const char *s);
bool run_transition_is_legal(RunStatus from, RunStatus to, RunSubStatus to_sub);

#define RUN_DETAILS_NO_HEARTBEAT "No heartbeat received from the run."

typedef struct Run {
        uint64_t run_id;
        char *fab_id; /* "publisher/name" */
        char *fab_version;
        ObjectId fab_hash; /* SHA-256 of the FAB */
        Config override_config;
        usec_t pending_at, starting_at, running_at, finished_at; /* wall clock, 0 = not yet */
        RunStatus status;
        RunSubStatus sub_status;
        char *details;
        char *flwr_aid;
        char *federation;
        uint64_t bytes_sent, bytes_recv; /* the SuperLink's view towards SuperNodes */
        double clientapp_runtime;        /* seconds */
        char *run_type;                  /* "serverapp" */
} Run;

int run_copy(const Run *r, Run *ret);
void run_done(Run *r);
#define _cleanup_run_ _cleanup_(run_done)
Run *run_free(Run *r); /* of a malloc'ed one */
DEFINE_CLEANUP(Run *, run_free);
