#include "model/run.h"

static const char *const status_names[_RUN_STATUS_MAX] = {
        [RUN_PENDING] = "pending",
        [RUN_STARTING] = "starting",
        [RUN_RUNNING] = "running",
        [RUN_FINISHED] = "finished",
};

static const char *const sub_status_names[_RUN_SUB_STATUS_MAX] = {
        [RUN_SUB_NONE] = "",
        [RUN_COMPLETED] = "completed",
        [RUN_FAILED] = "failed",
        [RUN_STOPPED] = "stopped",
};

const char *run_status_to_string(RunStatus s)
{
        return s >= 0 && s < _RUN_STATUS_MAX ? status_names[s] : NULL;
}

RunStatus run_status_from_string(const char *s)
{
        for (RunStatus i = 0; s && i < _RUN_STATUS_MAX; i++)
                if (streq(status_names[i], s))
                        return i;
        return _RUN_STATUS_INVALID;
}

const char *run_sub_status_to_string(RunSubStatus s)
{
        return s >= 0 && s < _RUN_SUB_STATUS_MAX ? sub_status_names[s] : NULL;
}

RunSubStatus run_sub_status_from_string(const char *s)
{
        for (RunSubStatus i = 0; s && i < _RUN_SUB_STATUS_MAX; i++)
                if (streq(sub_status_names[i], s))
                        return i;
        return _RUN_SUB_STATUS_INVALID;
}

bool run_transition_is_legal(RunStatus from, RunStatus to, RunSubStatus to_sub)
{
        switch (to) {
        case RUN_STARTING:
                return from == RUN_PENDING && to_sub == RUN_SUB_NONE;
        case RUN_RUNNING:
                return from == RUN_STARTING && to_sub == RUN_SUB_NONE;
        case RUN_FINISHED:
                if (to_sub == RUN_COMPLETED)
                        return from == RUN_RUNNING;
                return (to_sub == RUN_FAILED || to_sub == RUN_STOPPED) && from != RUN_FINISHED;
        default:
                return false;
        }
}

int run_copy(const Run *r, Run *ret)
{
        _cleanup_run_ Run copy = *r;
        int k;

        copy.fab_id = copy.fab_version = copy.details = copy.flwr_aid = copy.federation = copy.run_type =
                NULL;
        copy.override_config = (Config){};

        if (free_and_strdup(&copy.fab_id, r->fab_id) < 0 ||
                free_and_strdup(&copy.fab_version, r->fab_version) < 0 ||
                free_and_strdup(&copy.details, r->details) < 0 ||
                free_and_strdup(&copy.flwr_aid, r->flwr_aid) < 0 ||
                free_and_strdup(&copy.federation, r->federation) < 0 ||
                free_and_strdup(&copy.run_type, r->run_type) < 0)
                return -ENOMEM;
        k = config_copy(&r->override_config, &copy.override_config);
        if (k < 0)
                return k;
        *ret = copy;
        copy = (Run){};
        return 0;
}

void run_done(Run *r)
{
        free(r->fab_id);
        free(r->fab_version);
        config_done(&r->override_config);
        free(r->details);
        free(r->flwr_aid);
        free(r->federation);
        free(r->run_type);
        *r = (Run){};
}

Run *run_free(Run *r)
{
        if (!r)
                return NULL;
        run_done(r);
        return mfree(r);
}
