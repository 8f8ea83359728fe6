/* The test app, native: new = factor * old + round * weight, as heavy as the node's weight says. It can also
 * be told to crash. Its Python sibling is tests/interop/app; both print the same lines. */
#include <errno.h>
#include <flwr/flwr.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VALUES_MAX 1000000 /* of one array: a test needs no more */

static void crash(const flwr_context *context, const char *who, int64_t round, int64_t weight)
{
        const char *crasher = "";
        int64_t crash_round = 0, crash_weight = 0;

        (void) flwr_context_run_config_string(context, "crash", &crasher);
        (void) flwr_context_run_config_int(context, "crash-round", &crash_round);
        (void) flwr_context_run_config_int(context, "crash-weight", &crash_weight);
        if (strcmp(crasher, who) == 0 && round == crash_round && (weight < 0 || weight == crash_weight))
                raise(SIGKILL);
}

static double value_at(const flwr_array *a, size_t i)
{
        return a->dtype == FLWR_FLOAT32 ? (double) ((const float *) a->data)[i]
                                        : ((const double *) a->data)[i];
}

static double sum_of(const flwr_array *a)
{
        double sum = 0;

        for (size_t i = 0; i < a->n_items; i++)
                sum += value_at(a, i);
        return sum;
}

/* The sum over all arrays or the mean of their means, and the very first value. */
static void summarize(const flwr_record *arrays, double *ret_sum, double *ret_mean, double *ret_first)
{
        double sum = 0, means = 0, first = 0;
        size_t n = flwr_record_size(arrays);

        for (size_t i = 0; i < n; i++) {
                const char *key;
                flwr_array a;

                if (flwr_record_array_at(arrays, i, &key, &a) < 0)
                        continue;
                sum += sum_of(&a);
                means += sum_of(&a) / (double) a.n_items;
                first = i == 0 ? value_at(&a, 0) : first;
        }
        *ret_sum = sum;
        *ret_mean = means / (double) n;
        *ret_first = first;
}

/* ---- ClientApp ---- */

static int move_array(const flwr_array *a, const char *key, double factor, double step, flwr_record *ret)
{
        void *moved;
        int r;

        if ((a->dtype != FLWR_FLOAT32 && a->dtype != FLWR_FLOAT64) || a->n_items > VALUES_MAX)
                return -EINVAL;
        moved = malloc(a->size);
        if (!moved)
                return -ENOMEM;
        for (size_t i = 0; i < a->n_items; i++)
                if (a->dtype == FLWR_FLOAT32)
                        ((float *) moved)[i] = (float) (factor * value_at(a, i) + step);
                else
                        ((double *) moved)[i] = factor * value_at(a, i) + step;
        r = flwr_record_set_array(ret, key, a->dtype, a->shape, a->n_dims, moved);
        free(moved);
        return r;
}

static void pause_for(const flwr_context *context)
{
        double seconds = 0;
        struct timespec t;

        (void) flwr_context_run_config_double(context, "seconds", &seconds);
        t.tv_sec = (time_t) seconds;
        t.tv_nsec = (long) ((seconds - (double) t.tv_sec) * 1e9);
        if (seconds > 0)
                flwr_log(1, "working for %g s", seconds);
        (void) nanosleep(&t, NULL);
}

static int add_metrics(flwr_message *reply, int64_t weight, const char *name, double value)
{
        flwr_record *metrics;
        int r;

        r = flwr_record_dict_add(flwr_message_content(reply), "metrics", FLWR_METRIC_RECORD, &metrics);
        if (r >= 0)
                r = flwr_record_set_int(metrics, "num-examples", weight);
        return r < 0 ? r : flwr_record_set_double(metrics, name, value);
}

static int train(void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        const flwr_record *arrays = flwr_record_dict_first(flwr_message_content(message), FLWR_ARRAY_RECORD);
        const flwr_record *config =
                flwr_record_dict_first(flwr_message_content(message), FLWR_CONFIG_RECORD);
        flwr_record *moved;
        int64_t weight, round;
        double factor;
        int r;

        (void) app_data;
        if (!arrays || !config || flwr_record_get_int(config, "server-round", &round) < 0)
                return flwr_message_fail(reply, -EINVAL, "a train message without arrays or round");
        if (flwr_context_node_config_int(context, "weight", &weight) < 0)
                return flwr_message_fail(reply, -EINVAL, "this node has no weight");
        r = flwr_context_run_config_double(context, "factor", &factor);
        if (r < 0)
                return r;
        pause_for(context);
        crash(context, "client", round, weight);
        r = flwr_record_dict_add(flwr_message_content(reply), "arrays", FLWR_ARRAY_RECORD, &moved);
        for (size_t i = 0; r >= 0 && i < flwr_record_size(arrays); i++) {
                const char *key;
                flwr_array a;

                r = flwr_record_array_at(arrays, i, &key, &a);
                if (r >= 0)
                        r = move_array(&a, key, factor, (double) (round * weight), moved);
        }
        return r < 0 ? r : add_metrics(reply, weight, "weight", (double) weight);
}

static int evaluate(void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        const flwr_record *arrays = flwr_record_dict_first(flwr_message_content(message), FLWR_ARRAY_RECORD);
        double sum, mean, first;
        int64_t weight;

        (void) app_data;
        if (!arrays || flwr_context_node_config_int(context, "weight", &weight) < 0)
                return flwr_message_fail(reply, -EINVAL, "an evaluate message without arrays, or no weight");
        summarize(arrays, &sum, &mean, &first);
        return add_metrics(reply, weight, "loss", mean * (double) weight);
}

static const flwr_client_handler handlers[] = {{FLWR_TRAIN, train}, {FLWR_EVALUATE, evaluate}, {NULL, NULL}};

FLWR_EXPORT const flwr_client_app client_app = {FLWR_CLIENT_APP_INIT, .handlers = handlers};

/* ---- ServerApp ---- */

static int on_round_done(void *userdata, const flwr_round *r)
{
        const flwr_context *context = userdata;
        double sum, mean, first, loss = 0;

        summarize(r->arrays, &sum, &mean, &first);
        printf("ROUND %u failures=%u first=%.6f sum=%.6f\n", r->round, r->train_failures, first, sum);
        if (r->evaluate_metrics && flwr_record_get_double(r->evaluate_metrics, "loss", &loss) >= 0)
                printf("EVALUATE %u loss=%.6f\n", r->round, loss);
        (void) fflush(stdout);
        crash(context, "server", r->round, -1);
        return 0;
}

static int initial(flwr_record *arrays, int64_t elements)
{
        const uint64_t shape0[] = {(uint64_t) elements}, shape1[] = {3, 4};
        const double two = 2;
        double *zeros;
        float ones[12];
        int r;

        if (elements < 1 || elements > VALUES_MAX)
                return -EINVAL;
        zeros = calloc((size_t) elements, sizeof(*zeros));
        if (!zeros)
                return -ENOMEM;
        for (size_t i = 0; i < 12; i++)
                ones[i] = 1;
        if ((r = flwr_record_set_array(arrays, "0", FLWR_FLOAT64, shape0, 1, zeros)) >= 0 &&
                (r = flwr_record_set_array(arrays, "1", FLWR_FLOAT32, shape1, 2, ones)) >= 0)
                r = flwr_record_set_array(arrays, "2", FLWR_FLOAT64, NULL, 0, &two);
        free(zeros);
        return r;
}

static int run(flwr_grid *grid, flwr_context *context)
{
        flwr_record_dict *dict = flwr_record_dict_new();
        const char *fail = "";
        int64_t rounds = 0, elements = 0;
        flwr_record *arrays;
        flwr_fedavg fedavg;
        int r;

        (void) flwr_context_run_config_string(context, "fail", &fail);
        (void) flwr_context_run_config_int(context, "num-server-rounds", &rounds);
        (void) flwr_context_run_config_int(context, "elements", &elements);
        if (*fail)
                r = flwr_grid_fail(grid, EINVAL, "%s", fail);
        else
                r = dict ? flwr_record_dict_add(dict, "arrays", FLWR_ARRAY_RECORD, &arrays) : -ENOMEM;
        if (r >= 0)
                r = initial(arrays, elements);
        flwr_fedavg_init(&fedavg);
        fedavg.num_rounds = (uint32_t) rounds;
        fedavg.round_done = on_round_done;
        fedavg.userdata = context;
        if (r >= 0)
                r = flwr_fedavg_run(&fedavg, grid, arrays);
        flwr_record_dict_free(dict);
        return r;
}

FLWR_EXPORT const flwr_server_app server_app = {FLWR_SERVER_APP_INIT, .main = run};
