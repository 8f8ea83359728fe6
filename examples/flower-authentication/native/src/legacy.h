/* Instructions of Flower's older API (flwr.server.ServerApp with a strategy, as in Flower's own example):
 * other names of records, parameters counted instead of named, a status in every reply. Translated here, so
 * that a Python ServerApp of that API can use a native node. */
#ifndef AUTHEXAMPLE_LEGACY_H
#define AUTHEXAMPLE_LEGACY_H

#include <flwr/flwr.h>

#define LEGACY_GET_PARAMETERS "get_parameters"

/* Record names by which "train" and "evaluate" instructions are recognised. */
#define LEGACY_FIT_ARRAYS "fitins.parameters"
#define LEGACY_FIT_CONFIG "fitins.config"
#define LEGACY_EVALUATE_ARRAYS "evaluateins.parameters"
#define LEGACY_EVALUATE_CONFIG "evaluateins.config"

typedef struct Metric {
        const char *name;
        double value;
} Metric;

/* The replies; content is empty before. */
int legacy_reply_parameters(flwr_record_dict *content, const float *parameters);
int legacy_reply_fit(flwr_record_dict *content, const float *parameters, const flwr_record *like,
        int64_t num_examples, const Metric *metrics, size_t n_metrics);
int legacy_reply_evaluate(flwr_record_dict *content, double loss, int64_t num_examples,
        const Metric *metrics, size_t n_metrics);

#endif
