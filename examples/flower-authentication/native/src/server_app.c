/* The ServerApp: federated averaging over the run's rounds, then the table, the picture and the model.
 *
 * The last two are files: in the folder that FLWR_RESULTS_DIR of the executor's environment names, else in
 * "results" below its working directory, which is the SuperLink's. A run whose results cannot be written has
 * still succeeded. */
#include <math.h>
#include <sys/stat.h>

#include "cnn.h"
#include "history.h"
#include "model.h"
#include "util.h"

#define ROUNDS_MAX 100000 /* a row of the table each */

typedef struct Progress {
        History history;
        double learning_rate;
        double seconds; /* of all rounds so far */
} Progress;

static void progress_done(Progress *p)
{
        history_done(&p->history);
}

static inline void record_dict_freep(flwr_record_dict **d)
{
        flwr_record_dict_free(*d);
}

static double metric(const flwr_record *metrics, const char *key)
{
        double v;

        return metrics && flwr_record_get_double(metrics, key, &v) >= 0 ? v : NAN;
}

/* Every reply of a few nodes, each tenth of many. */
static void on_progress(void *userdata, uint32_t round, const char *phase, uint32_t done, uint32_t total)
{
        uint32_t step = total / 10 + 1;

        (void) userdata;
        if (done == total || done % step == 0)
                flwr_log(1, "round %u: %s: %u of %u nodes", round, phase, done, total);
}

static int on_round_done(void *userdata, const flwr_round *r)
{
        Progress *p = userdata;
        HistoryRow row = {
                .round = r->round,
                .train_loss = metric(r->train_metrics, "train_loss"),
                .loss = metric(r->evaluate_metrics, "loss"),
                .accuracy = metric(r->evaluate_metrics, "accuracy"),
        };

        p->seconds += r->seconds;
        flwr_log(1,
                "round %u of %u: train loss %.4f, loss %.4f, accuracy %.4f (%.1f s, %u nodes failed), about "
                "%.0f s left",
                r->round, r->num_rounds, row.train_loss, row.loss, row.accuracy, r->seconds,
                r->train_failures + r->evaluate_failures,
                p->seconds / r->round * (r->num_rounds - r->round));
        return history_add(&p->history, &row);
}

static int read_config(flwr_grid *grid, const flwr_context *context, flwr_fedavg *fedavg, Progress *progress,
        uint64_t *ret_seed)
{
        int64_t rounds, seed;

        if (flwr_context_run_config_int(context, "num-server-rounds", &rounds) < 0 || rounds < 1 ||
                rounds > ROUNDS_MAX)
                return flwr_grid_fail(grid, EINVAL,
                        "the run's configuration has no \"num-server-rounds\" between 1 and %d", ROUNDS_MAX);
        if (flwr_context_run_config_double(context, "fraction-evaluate", &fedavg->fraction_evaluate) < 0 ||
                !(fedavg->fraction_evaluate >= 0 && fedavg->fraction_evaluate <= 1))
                return flwr_grid_fail(grid, EINVAL,
                        "the run's configuration has no \"fraction-evaluate\" between 0 and 1");
        if (flwr_context_run_config_int(context, "seed", &seed) < 0)
                return flwr_grid_fail(grid, EINVAL, "the run's configuration has no whole number \"seed\"");
        if (flwr_context_run_config_double(context, "learning-rate", &progress->learning_rate) < 0)
                return flwr_grid_fail(
                        grid, EINVAL, "the run's configuration has no number \"learning-rate\"");
        fedavg->num_rounds = (uint32_t) rounds;
        fedavg->seed = (uint64_t) seed;
        *ret_seed = (uint64_t) seed;
        return 0;
}

/* *ret_arrays belongs to dict. */
static int initial_model(flwr_record_dict *dict, uint64_t seed, flwr_record **ret_arrays)
{
        _cleanup_free_ float *parameters = NULL;
        flwr_record *arrays;
        int r;

        parameters = calloc(CNN_PARAMETERS, sizeof(*parameters));
        if (!dict || !parameters)
                return -ENOMEM;
        cnn_init(parameters, seed);
        if ((r = flwr_record_dict_add(dict, "arrays", FLWR_ARRAY_RECORD, &arrays)) < 0 ||
                (r = model_write(parameters, NULL, arrays)) < 0)
                return r;
        *ret_arrays = arrays;
        return 0;
}

static int write_results(const History *history, const flwr_record *arrays)
{
        const char *folder = getenv("FLWR_RESULTS_DIR") ?: "results", *key;
        _cleanup_free_ char *absolute = NULL, *plot = NULL, *model = NULL;
        _cleanup_free_ float *parameters = NULL;
        int r;

        if (mkdir(folder, 0777) < 0 && errno != EEXIST)
                return -errno;
        absolute = realpath(folder, NULL);
        parameters = calloc(CNN_PARAMETERS, sizeof(*parameters));
        if (!absolute || !parameters)
                return -errno;
        if (asprintf(&plot, "%s/accuracy.svg", absolute) < 0) {
                plot = NULL;
                return -ENOMEM;
        }
        if (asprintf(&model, "%s/final-model.npz", absolute) < 0) {
                model = NULL;
                return -ENOMEM;
        }
        if ((r = history_plot(history, plot)) < 0 || (r = model_read(arrays, parameters, &key)) < 0 ||
                (r = model_save(parameters, model)) < 0)
                return r;
        flwr_log(1, "picture: %s", plot);
        flwr_log(1, "model: %s", model);
        return 0;
}

static int run(flwr_grid *grid, flwr_context *context)
{
        _cleanup_(record_dict_freep) flwr_record_dict *dict = flwr_record_dict_new();
        _cleanup_(progress_done) Progress progress = {};
        flwr_fedavg fedavg;
        flwr_record *arrays;
        uint64_t seed = 0;
        int r;

        flwr_fedavg_init(&fedavg);
        fedavg.progress = on_progress;
        fedavg.round_done = on_round_done;
        fedavg.userdata = &progress;
        if ((r = read_config(grid, context, &fedavg, &progress, &seed)) < 0 ||
                (r = initial_model(dict, seed, &arrays)) < 0)
                return r;

        flwr_log(1, "%u rounds of federated averaging, learning rate %g, seed %ju", fedavg.num_rounds,
                progress.learning_rate, (uintmax_t) seed);
        r = flwr_fedavg_run(&fedavg, grid, arrays);
        if (r < 0)
                return r;

        history_print(&progress.history);
        r = write_results(&progress.history, arrays);
        if (r < 0)
                flwr_log(2, "the results cannot be written: %s, ignoring", strerror(-r));
        return 0;
}

FLWR_EXPORT const flwr_server_app server_app = {FLWR_SERVER_APP_INIT, .main = run};
