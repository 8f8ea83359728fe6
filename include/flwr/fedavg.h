/* Federated averaging, in memory that does not grow with the number of nodes.
 *
 * Messages and replies follow the conventions of Flower's strategies (flwr.serverapp.strategy): "train" and
 * "evaluate" messages with an array record "arrays" and a config record "config" that also holds
 * "server-round"; replies with one array record (train) and one metric record with "num-examples". The
 * weighted sum is exact: it does not depend on the order in which replies arrive, so equal seeds give equal
 * numbers. */
#ifndef FLWR_FEDAVG_H
#define FLWR_FEDAVG_H

#include <flwr/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Weighted mean of array records, one after the other. Also for strategies of your own. */
typedef struct flwr_average flwr_average;
flwr_average *flwr_average_new(void);
void flwr_average_free(flwr_average *a);
/* The first record fixes keys, shapes and types (float32, float64, float16; integers become float64).
 * -EINVAL: another layout; -ERANGE: a value or weight too large, NaN or infinite; the average is unchanged
 * then, *ret_why (may be NULL; borrowed) says which key. weight >= 0, whole numbers are exact. */
int flwr_average_add(flwr_average *a, const flwr_record *arrays, double weight, const char **ret_why);
double flwr_average_weight(const flwr_average *a);
/* -ENODATA: nothing added, or all weights 0. Same keys, same order, same types as the first record. */
int flwr_average_result(const flwr_average *a, flwr_record *ret_arrays);

typedef struct flwr_round {
        uint32_t round; /* from 1 */
        uint32_t num_rounds;
        uint32_t train_nodes, train_failures;
        uint32_t evaluate_nodes, evaluate_failures;
        double seconds;                      /* the round took */
        const flwr_record *arrays;           /* the new global model */
        const flwr_record *train_metrics;    /* means weighted by num-examples; NULL: no replies */
        const flwr_record *evaluate_metrics; /* NULL: no replies or no evaluation */
} flwr_round;

typedef struct flwr_fedavg {
        uint32_t size;                            /* sizeof(flwr_fedavg); set by flwr_fedavg_init() */
        uint32_t num_rounds;                      /* 3 */
        double fraction_train, fraction_evaluate; /* 1.0, 1.0; 0.0 skips the phase */
        uint32_t min_train_nodes, min_evaluate_nodes, min_available_nodes; /* 2, 2, 2 */
        double timeout;                                                    /* of one phase, seconds: 3600 */
        uint64_t seed; /* of the sampling of nodes; nodes are taken in order of registration first */
        const char *weighted_by_key;           /* "num-examples" */
        const char *arrays_name, *config_name; /* "arrays", "config" */
        /* All optional. Config: added to every message of the phase. */
        int (*train_config)(void *userdata, uint32_t round, flwr_record *config);
        int (*evaluate_config)(void *userdata, uint32_t round, flwr_record *config);
        /* After a reply: for progress. phase "train" or "evaluate"; done of total are in. */
        void (*progress)(void *userdata, uint32_t round, const char *phase, uint32_t done, uint32_t total);
        /* After a round; a negative return ends the run with it. */
        int (*round_done)(void *userdata, const flwr_round *r);
        void *userdata;
} flwr_fedavg;

void flwr_fedavg_init(flwr_fedavg *f);
/* arrays: the initial model, replaced by the final one. A round in which no node answers usably fails with
 * -ENODATA (see flwr_grid_fail()). */
int flwr_fedavg_run(const flwr_fedavg *f, flwr_grid *grid, flwr_record *arrays);

#ifdef __cplusplus
}
#endif
#endif
