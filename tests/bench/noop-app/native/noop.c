/* An app that computes next to nothing. It prints when things happened, for the benchmark to read:
 *
 *      BEGIN <realtime>                        main() of the ServerApp was called
 *      ROUND <n> <seconds> <realtime>          a round of "fedavg" is over
 *      TRANSFER <n> <seconds down> <seconds up>
 *
 * Down: from before the ServerApp sends the model until the ClientApp has it; up: the way back. All
 * processes are on one machine, whose monotonic clock they share. */
#include <errno.h>
#include <flwr/flwr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_BYTES_MAX (INT64_C(1) << 30)
/* One value in so many changes: every object of a model is another one on its way back, and nothing of it is
 * known to anybody. */
#define CHANGE_STEP 65536

static double seconds_of(clockid_t clock)
{
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* ---- ClientApp ---- */

static int add_changed(flwr_record *to, const char *key, const flwr_array *a)
{
        float *changed = malloc(a->size);
        int r;

        if (!changed)
                return -ENOMEM;
        memcpy(changed, a->data, a->size);
        for (size_t i = 0; i < a->n_items; i += CHANGE_STEP)
                changed[i] += 1;
        r = flwr_record_set_array(to, key, a->dtype, a->shape, a->n_dims, changed);
        free(changed);
        return r;
}

static int add_metrics(flwr_message *reply, double received)
{
        flwr_record *metrics;
        int r = flwr_record_dict_add(flwr_message_content(reply), "metrics", FLWR_METRIC_RECORD, &metrics);

        if (r >= 0)
                r = flwr_record_set_int(metrics, "num-examples", 1);
        if (r >= 0)
                r = flwr_record_set_double(metrics, "received", received);
        /* Last of all: from here on the reply is on its way. */
        return r < 0 ? r : flwr_record_set_double(metrics, "answered", seconds_of(CLOCK_MONOTONIC));
}

static int train(void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        double received = seconds_of(CLOCK_MONOTONIC);
        const flwr_record *arrays = flwr_record_dict_first(flwr_message_content(message), FLWR_ARRAY_RECORD);
        flwr_record *changed;
        int r;

        (void) app_data;
        (void) context;
        if (!arrays)
                return flwr_message_fail(reply, EINVAL, "a train message without arrays");
        r = flwr_record_dict_add(flwr_message_content(reply), "arrays", FLWR_ARRAY_RECORD, &changed);
        for (size_t i = 0; r >= 0 && i < flwr_record_size(arrays); i++) {
                const char *key;
                flwr_array a;

                r = flwr_record_array_at(arrays, i, &key, &a);
                if (r >= 0)
                        r = add_changed(changed, key, &a);
        }
        return r < 0 ? r : add_metrics(reply, received);
}

static int evaluate(void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        (void) app_data;
        (void) context;
        (void) message;
        return add_metrics(reply, seconds_of(CLOCK_MONOTONIC));
}

static const flwr_client_handler handlers[] = {{FLWR_TRAIN, train}, {FLWR_EVALUATE, evaluate}, {NULL, NULL}};

FLWR_EXPORT const flwr_client_app client_app = {FLWR_CLIENT_APP_INIT, .handlers = handlers};

/* ---- ServerApp ---- */

static int make_model(flwr_record *arrays, int64_t bytes, unsigned round)
{
        int64_t rest = bytes;
        int r = 0;

        for (unsigned i = 0; r >= 0 && rest > 0; i++) {
                int64_t size = rest < ARRAY_BYTES_MAX ? rest : ARRAY_BYTES_MAX;
                const uint64_t shape[] = {(uint64_t) size / sizeof(float)};
                float *values = calloc(shape[0] + 1, sizeof(*values));
                char key[16];

                if (!values)
                        return -ENOMEM;
                for (size_t k = 0; k < shape[0]; k += CHANGE_STEP)
                        values[k] = (float) (1000 * round + 100 * i) + (float) k / CHANGE_STEP;
                (void) snprintf(key, sizeof(key), "%u", i);
                r = flwr_record_set_array(arrays, key, FLWR_FLOAT32, shape, 1, values);
                free(values);
                rest -= size;
        }
        return r;
}

static int on_round_done(void *userdata, const flwr_round *round)
{
        (void) userdata;
        printf("ROUND %u %.6f %.6f\n", round->round, round->seconds, seconds_of(CLOCK_REALTIME));
        return round->train_failures + round->evaluate_failures > 0 ? -EIO : 0;
}

static int run_fedavg(flwr_grid *grid, int64_t rounds, int64_t bytes)
{
        flwr_record_dict *dict = flwr_record_dict_new();
        flwr_record *arrays;
        flwr_fedavg fedavg;
        int r;

        r = dict ? flwr_record_dict_add(dict, "arrays", FLWR_ARRAY_RECORD, &arrays) : -ENOMEM;
        if (r >= 0)
                r = make_model(arrays, bytes, 0);
        flwr_fedavg_init(&fedavg);
        fedavg.num_rounds = (uint32_t) rounds;
        fedavg.round_done = on_round_done;
        if (r >= 0)
                r = flwr_fedavg_run(&fedavg, grid, arrays);
        flwr_record_dict_free(dict);
        return r;
}

static int report(flwr_grid *grid, unsigned round, const flwr_message *reply, double begin, double end)
{
        const flwr_record_dict *content = flwr_message_content(reply);
        const flwr_record *metrics = content ? flwr_record_dict_first(content, FLWR_METRIC_RECORD) : NULL;
        double received, answered;

        if (!metrics || flwr_record_get_double(metrics, "received", &received) < 0 ||
                flwr_record_get_double(metrics, "answered", &answered) < 0) {
                const char *reason = "no metrics";

                (void) flwr_message_error(reply, &reason);
                return flwr_grid_fail(grid, EIO, "The node's reply: %s", reason);
        }
        printf("TRANSFER %u %.6f %.6f\n", round, received - begin, end - answered);
        return 0;
}

static int transfer(flwr_grid *grid, unsigned round, uint64_t node, int64_t bytes)
{
        flwr_message *m = flwr_message_new(FLWR_TRAIN, node, ""), *reply = NULL;
        flwr_record *arrays;
        double begin;
        int r;

        r = m ? flwr_record_dict_add(flwr_message_content(m), "arrays", FLWR_ARRAY_RECORD, &arrays)
              : -ENOMEM;
        if (r >= 0)
                r = make_model(arrays, bytes, round);
        begin = seconds_of(CLOCK_MONOTONIC);
        if (r >= 0)
                r = flwr_grid_push(grid, &m, 1, NULL);
        if (r >= 0)
                r = flwr_grid_next_reply(grid, -1, &reply);
        if (r >= 0)
                r = report(grid, round, reply, begin, seconds_of(CLOCK_MONOTONIC));
        flwr_message_free(reply);
        flwr_message_free(m);
        return r;
}

static int run_transfers(flwr_grid *grid, int64_t rounds, int64_t bytes)
{
        uint64_t *ids;
        size_t n;
        int r;

        r = flwr_grid_wait_nodes(grid, 1, 60);
        if (r >= 0)
                r = flwr_grid_nodes(grid, &ids, &n);
        if (r < 0)
                return r;
        for (unsigned round = 1; r >= 0 && round <= rounds; round++)
                r = transfer(grid, round, ids[0], bytes);
        free(ids);
        return r;
}

static int run(flwr_grid *grid, flwr_context *context)
{
        const char *mode = "";
        int64_t rounds = 0, bytes = 0;

        printf("BEGIN %.6f\n", seconds_of(CLOCK_REALTIME));
        (void) flwr_context_run_config_string(context, "mode", &mode);
        (void) flwr_context_run_config_int(context, "num-server-rounds", &rounds);
        (void) flwr_context_run_config_int(context, "bytes", &bytes);
        return strcmp(mode, "transfer") == 0 ? run_transfers(grid, rounds, bytes)
                                             : run_fedavg(grid, rounds, bytes);
}

FLWR_EXPORT const flwr_server_app server_app = {FLWR_SERVER_APP_INIT, .main = run};
