/* Federated averaging on the public interface alone: what stands here, an app could have written. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flwr/fedavg.h>

#define LOG_INFO_LEVEL 1
#define LOG_WARNING_LEVEL 2

/* One of the two halves of a round. */
typedef struct Phase {
        const char *type; /* also the message type */
        double fraction;
        uint32_t min_nodes;
        int (*config)(void *userdata, uint32_t round, flwr_record *config);
        flwr_average *arrays; /* NULL: replies have none */
        flwr_average *metrics;
        uint32_t nodes, usable, metrics_usable, done;
} Phase;

typedef struct Job {
        const flwr_fedavg *f;
        flwr_grid *grid;
        flwr_record *arrays;
        uint64_t random;
        uint32_t round;
} Job;

void flwr_fedavg_init(flwr_fedavg *f)
{
        memset(f, 0, sizeof(*f));
        f->size = sizeof(*f);
        f->num_rounds = 3;
        f->fraction_train = f->fraction_evaluate = 1;
        f->min_train_nodes = f->min_evaluate_nodes = f->min_available_nodes = 2;
        f->timeout = 3600;
        f->weighted_by_key = "num-examples";
        f->arrays_name = "arrays";
        f->config_name = "config";
}

static double seconds_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* ---- sampling ---- */

/* splitmix64 (Steele, Lea, Flood 2014): every seed is good, and the sequence is the same on every machine.
 */
static uint64_t random_next(uint64_t *state)
{
        uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

/* The first n of ids become the sample (Fisher-Yates, stopped early). All of them keep the order of
 * registration. */
static void sample(uint64_t *random, uint64_t *ids, size_t total, size_t n)
{
        for (size_t i = 0; i < n && n < total; i++) {
                size_t k = i + (size_t) (random_next(random) % (total - i));
                uint64_t id = ids[i];

                ids[i] = ids[k];
                ids[k] = id;
        }
}

static size_t wanted(const Phase *p, size_t connected)
{
        size_t n = (size_t) ((double) connected * p->fraction);

        return n > p->min_nodes ? n : p->min_nodes;
}

/* *ret_ids: free(). */
static int choose_nodes(Job *j, const Phase *p, uint64_t **ret_ids, uint32_t *ret_n)
{
        for (;;) {
                uint64_t *ids;
                size_t total, n, needed;
                int r;

                r = flwr_grid_nodes(j->grid, &ids, &total);
                if (r < 0)
                        return r;
                n = wanted(p, total);
                needed = n > j->f->min_available_nodes ? n : j->f->min_available_nodes;
                if (total >= needed) {
                        sample(&j->random, ids, total, n);
                        flwr_log(LOG_INFO_LEVEL, "%s: %zu of %zu nodes sampled", p->type, n, total);
                        *ret_ids = ids;
                        *ret_n = (uint32_t) n;
                        return 0;
                }
                free(ids);
                flwr_log(LOG_INFO_LEVEL, "%s: waiting for nodes, %zu of %zu are online", p->type, total,
                        needed);
                r = flwr_grid_wait_nodes(j->grid, needed, -1);
                if (r < 0)
                        return r;
        }
}

/* ---- instructions ---- */

static int fill_content(const Job *j, const Phase *p, flwr_record_dict *content)
{
        flwr_record *arrays, *config;
        int r;

        r = flwr_record_dict_add(content, j->f->arrays_name, FLWR_ARRAY_RECORD, &arrays);
        if (r >= 0)
                r = flwr_record_assign(arrays, j->arrays);
        if (r >= 0)
                r = flwr_record_dict_add(content, j->f->config_name, FLWR_CONFIG_RECORD, &config);
        if (r >= 0 && p->config)
                r = p->config(j->f->userdata, j->round, config);
        return r < 0 ? r : flwr_record_set_int(config, "server-round", j->round);
}

static int make_messages(const Job *j, const Phase *p, const uint64_t *ids, flwr_message **messages)
{
        for (uint32_t i = 0; i < p->nodes; i++) {
                int r;

                messages[i] = flwr_message_new(p->type, ids[i], "");
                if (!messages[i])
                        return -ENOMEM;
                r = i == 0 ? fill_content(j, p, flwr_message_content(messages[0]))
                           : flwr_message_share_content(messages[i], messages[0]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int send_instructions(const Job *j, Phase *p, const uint64_t *ids)
{
        flwr_message **messages = calloc(p->nodes ? p->nodes : 1, sizeof(*messages));
        size_t refused = 0;
        int r;

        if (!messages)
                return -ENOMEM;
        r = make_messages(j, p, ids, messages);
        if (r >= 0)
                r = flwr_grid_push(j->grid, messages, p->nodes, &refused);
        for (uint32_t i = 0; i < p->nodes; i++)
                flwr_message_free(messages[i]);
        free(messages);
        if (r < 0)
                return r;
        if (refused > 0)
                flwr_log(LOG_WARNING_LEVEL, "%s: %zu nodes are gone", p->type, refused);
        p->done = (uint32_t) refused;
        return 0;
}

/* ---- replies ---- */

static flwr_record *only_record(const flwr_record_dict *d, enum flwr_record_type type)
{
        flwr_record *found = NULL;

        for (size_t i = 0; i < flwr_record_dict_size(d); i++) {
                flwr_record *r = flwr_record_dict_at(d, i, NULL);

                if (flwr_record_get_type(r) != type)
                        continue;
                if (found)
                        return NULL;
                found = r;
        }
        return found;
}

static int metric_to_array(const flwr_record *metrics, const char *key, flwr_record *to)
{
        const double *ds;
        const int64_t *is;
        double d, *copy;
        uint64_t n64;
        size_t n;
        int r;

        if (flwr_record_get_double(metrics, key, &d) >= 0)
                return flwr_record_set_array(to, key, FLWR_FLOAT64, NULL, 0, &d);
        if (flwr_record_get_doubles(metrics, key, &ds, &n) >= 0) {
                n64 = n;
                return flwr_record_set_array(to, key, FLWR_FLOAT64, &n64, 1, ds);
        }
        r = flwr_record_get_ints(metrics, key, &is, &n);
        if (r < 0)
                return r;
        copy = calloc(n ? n : 1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                copy[i] = (double) is[i];
        n64 = n;
        r = flwr_record_set_array(to, key, FLWR_FLOAT64, &n64, 1, copy);
        free(copy);
        return r;
}

/* Metrics are averaged as arrays are, and so do not depend on the order of replies either. */
static int add_metrics(
        const Job *j, Phase *p, const flwr_record *metrics, double weight, const char **ret_why)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *arrays;
        int r;

        if (!d)
                return -ENOMEM;
        r = flwr_record_dict_add(d, "metrics", FLWR_ARRAY_RECORD, &arrays);
        for (size_t i = 0; r >= 0 && i < flwr_record_size(metrics); i++) {
                const char *key = flwr_record_key(metrics, i);

                if (strcmp(key, j->f->weighted_by_key) == 0)
                        continue;
                r = metric_to_array(metrics, key, arrays);
                if (r < 0)
                        *ret_why = "a metric is neither a number nor a list of numbers";
        }
        if (r >= 0)
                r = flwr_average_add(p->metrics, arrays, weight, ret_why);
        flwr_record_dict_free(d);
        return r;
}

static int take_content(const Job *j, Phase *p, const flwr_message *reply, const char **ret_why)
{
        const flwr_record_dict *content = flwr_message_content(reply);
        const flwr_record *arrays = only_record(content, FLWR_ARRAY_RECORD);
        const flwr_record *metrics = only_record(content, FLWR_METRIC_RECORD);
        const char *why = "";
        double weight;
        int r;

        *ret_why = "the reply has not exactly one metric record";
        if (!metrics)
                return -EINVAL;
        *ret_why = "the reply has not exactly one array record";
        if (p->arrays && !arrays)
                return -EINVAL;
        *ret_why = "the metric record has no number that weighs the reply";
        r = flwr_record_get_double(metrics, j->f->weighted_by_key, &weight);
        if (r < 0)
                return r;
        *ret_why = "out of memory";
        if (p->arrays) {
                r = flwr_average_add(p->arrays, arrays, weight, ret_why);
                if (r < 0)
                        return r;
        }
        r = add_metrics(j, p, metrics, weight, &why);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                flwr_log(LOG_WARNING_LEVEL, "%s: metrics of node %" PRIu64 " left out: %s", p->type,
                        flwr_message_src_node(reply), why);
        else if (weight > 0)
                p->metrics_usable++;
        p->usable += weight > 0;
        return 0;
}

/* Only what concerns ourselves is an error; a bad reply is a failure of its node. */
static int take_reply(const Job *j, Phase *p, const flwr_message *reply)
{
        const char *why;
        int64_t code = flwr_message_error(reply, &why);
        int r;

        if (!flwr_message_content(reply)) {
                flwr_log(LOG_WARNING_LEVEL, "%s: node %" PRIu64 " failed with error %" PRId64 ": %s",
                        p->type, flwr_message_src_node(reply), code, why);
                return 0;
        }
        r = take_content(j, p, reply, &why);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                flwr_log(LOG_WARNING_LEVEL, "%s: reply of node %" PRIu64 " is not used: %s", p->type,
                        flwr_message_src_node(reply), why);
        return 0;
}

static int collect_replies(const Job *j, Phase *p)
{
        double deadline = seconds_now() + j->f->timeout;

        while (p->done < p->nodes) {
                double left = j->f->timeout < 0 ? -1 : deadline - seconds_now();
                flwr_message *reply;
                int r;

                r = flwr_grid_next_reply(j->grid, j->f->timeout >= 0 && left < 0 ? 0 : left, &reply);
                if (r == -ETIMEDOUT || r == -ENODATA) {
                        flwr_log(LOG_WARNING_LEVEL, "%s: %u nodes did not answer in time", p->type,
                                p->nodes - p->done);
                        flwr_grid_forget(j->grid);
                        return 0;
                }
                if (r < 0)
                        return r;
                r = take_reply(j, p, reply);
                flwr_message_free(reply);
                if (r < 0)
                        return r;
                p->done++;
                if (j->f->progress)
                        j->f->progress(j->f->userdata, j->round, p->type, p->done, p->nodes);
        }
        return 0;
}

/* ---- rounds ---- */

static int phase_run(Job *j, Phase *p)
{
        uint64_t *ids;
        int r;

        if (p->fraction <= 0)
                return 0;
        r = choose_nodes(j, p, &ids, &p->nodes);
        if (r < 0)
                return r;
        r = send_instructions(j, p, ids);
        free(ids);
        if (r >= 0)
                r = collect_replies(j, p);
        if (r < 0)
                return r;
        flwr_log(LOG_INFO_LEVEL, "%s: %u results, %u failures", p->type, p->usable, p->nodes - p->usable);
        return 0;
}

static int phase_metrics(const Phase *p, flwr_record_dict *d, const flwr_record **ret_metrics)
{
        flwr_record *means, *metrics;
        int r;

        if (p->metrics_usable == 0)
                return 0;
        r = flwr_record_dict_add(d, "means", FLWR_ARRAY_RECORD, &means);
        if (r >= 0)
                r = flwr_record_dict_add(d, "metrics", FLWR_METRIC_RECORD, &metrics);
        if (r >= 0)
                r = flwr_average_result(p->metrics, means);
        for (size_t i = 0; r >= 0 && i < flwr_record_size(means); i++) {
                const char *key;
                flwr_array a;

                r = flwr_record_array_at(means, i, &key, &a);
                if (r >= 0)
                        r = a.n_dims == 0 ? flwr_record_set_double(metrics, key, *(const double *) a.data)
                                          : flwr_record_set_doubles(metrics, key, a.data, a.n_items);
        }
        if (r < 0)
                return r;
        *ret_metrics = metrics;
        return 0;
}

static int fail_empty(const Job *j, const Phase *p)
{
        return flwr_grid_fail(j->grid, ENODATA, "Round %u: none of %u nodes gave a usable reply to \"%s\"",
                j->round, p->nodes, p->type);
}

static int run_phases(Job *j, Phase *train, Phase *evaluate)
{
        int r;

        r = phase_run(j, train);
        if (r < 0)
                return r;
        if (train->fraction > 0 && train->usable == 0)
                return fail_empty(j, train);
        if (train->usable > 0) {
                r = flwr_average_result(train->arrays, j->arrays);
                if (r < 0)
                        return r;
        }
        flwr_average_free(train->arrays); /* the largest thing here: not needed while nodes evaluate */
        train->arrays = NULL;
        r = phase_run(j, evaluate);
        if (r < 0)
                return r;
        return evaluate->fraction > 0 && evaluate->usable == 0 && train->usable == 0
                       ? fail_empty(j, evaluate)
                       : 0;
}

static int finish_round(const Job *j, const Phase *train, const Phase *evaluate, double seconds)
{
        flwr_record_dict *of_train = flwr_record_dict_new(), *of_evaluate = flwr_record_dict_new();
        flwr_round round = {
                .round = j->round,
                .num_rounds = j->f->num_rounds,
                .train_nodes = train->nodes,
                .train_failures = train->nodes - train->usable,
                .evaluate_nodes = evaluate->nodes,
                .evaluate_failures = evaluate->nodes - evaluate->usable,
                .seconds = seconds,
                .arrays = j->arrays,
        };
        int r = of_train && of_evaluate ? 0 : -ENOMEM;

        if (r >= 0)
                r = phase_metrics(train, of_train, &round.train_metrics);
        if (r >= 0)
                r = phase_metrics(evaluate, of_evaluate, &round.evaluate_metrics);
        if (r >= 0 && j->f->round_done)
                r = j->f->round_done(j->f->userdata, &round);
        flwr_record_dict_free(of_train);
        flwr_record_dict_free(of_evaluate);
        return r < 0 ? r : 0;
}

static int run_round(Job *j)
{
        Phase train = {
                .type = FLWR_TRAIN,
                .fraction = j->f->fraction_train,
                .min_nodes = j->f->min_train_nodes,
                .config = j->f->train_config,
                .arrays = flwr_average_new(),
                .metrics = flwr_average_new(),
        };
        Phase evaluate = {
                .type = FLWR_EVALUATE,
                .fraction = j->f->fraction_evaluate,
                .min_nodes = j->f->min_evaluate_nodes,
                .config = j->f->evaluate_config,
                .metrics = flwr_average_new(),
        };
        double start = seconds_now();
        int r = train.arrays && train.metrics && evaluate.metrics ? 0 : -ENOMEM;

        flwr_log(LOG_INFO_LEVEL, "[ROUND %u/%u]", j->round, j->f->num_rounds);
        if (r >= 0)
                r = run_phases(j, &train, &evaluate);
        if (r >= 0)
                r = finish_round(j, &train, &evaluate, seconds_now() - start);
        flwr_average_free(train.arrays);
        flwr_average_free(train.metrics);
        flwr_average_free(evaluate.metrics);
        return r;
}

int flwr_fedavg_run(const flwr_fedavg *f, flwr_grid *grid, flwr_record *arrays)
{
        Job j = {.f = f, .grid = grid, .arrays = arrays, .random = f->seed};

        if (f->size != sizeof(*f))
                return flwr_grid_fail(
                        grid, EINVAL, "flwr_fedavg of another size: call flwr_fedavg_init() first");
        if (flwr_record_get_type(arrays) != FLWR_ARRAY_RECORD ||
                !(f->fraction_train >= 0 && f->fraction_train <= 1) ||
                !(f->fraction_evaluate >= 0 && f->fraction_evaluate <= 1))
                return flwr_grid_fail(
                        grid, EINVAL, "Fractions are between 0 and 1, the model is an array record");
        for (j.round = 1; j.round <= f->num_rounds; j.round++) {
                int r = run_round(&j);

                if (r < 0)
                        return r;
        }
        return 0;
}
