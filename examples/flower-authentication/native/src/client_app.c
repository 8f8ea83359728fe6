/* The ClientApp: trains and evaluates on the data that the SuperNode's --node-config names with
 * dataset-path. */
#include <math.h>

#include "cnn.h"
#include "dataset.h"
#include "legacy.h"
#include "model.h"
#include "training.h"
#include "util.h"

/* What one run needs again and again: read once, when its first message comes. */
typedef struct ClientData {
        Dataset train, test;
        Trainer trainer;
        TrainingConfig config;
} ClientData;

/* What an instruction asks for, in either convention. */
typedef struct Instruction {
        bool legacy;
        const flwr_record *arrays;
        uint64_t round;
} Instruction;

static void client_data_free(ClientData *c)
{
        dataset_done(&c->train);
        dataset_done(&c->test);
        trainer_done(&c->trainer);
        free(c);
}
DEFINE_CLEANUP(ClientData *, client_data_free)

static int config_int(const flwr_context *context, flwr_message *reply, const char *key, int64_t min,
        int64_t max, int64_t *ret)
{
        int64_t v;
        int r;

        r = flwr_context_run_config_int(context, key, &v);
        if (r < 0)
                return flwr_message_fail(
                        reply, r, "the run's configuration has no whole number \"%s\"", key);
        if (v < min || v > max)
                return flwr_message_fail(reply, -ERANGE, "\"%s\" must be between %jd and %jd", key,
                        (intmax_t) min, (intmax_t) max);
        *ret = v;
        return 0;
}

static int read_config(ClientData *c, const flwr_context *context, flwr_message *reply)
{
        int64_t seed, epochs, batch_size;
        double rate;
        int r;

        if ((r = config_int(context, reply, "seed", INT64_MIN, INT64_MAX, &seed)) < 0 ||
                (r = config_int(context, reply, "local-epochs", 1, TRAINING_EPOCHS_MAX, &epochs)) < 0 ||
                (r = config_int(context, reply, "batch-size", 1, CNN_BATCH_MAX, &batch_size)) < 0)
                return r;
        r = flwr_context_run_config_double(context, "learning-rate", &rate);
        if (r < 0 || !(rate > 0 && isfinite((float) rate)))
                return flwr_message_fail(
                        reply, -EINVAL, "the run's configuration has no \"learning-rate\" above zero");
        r = trainer_init(&c->trainer, (size_t) batch_size);
        if (r < 0)
                return r;
        c->config = (TrainingConfig){
                .seed = (uint64_t) seed, .epochs = (unsigned) epochs, .learning_rate = (float) rate};
        return 0;
}

/* The number at the end of the path ("datasets/cifar10_part_2"), else 0: the same in every run, which a node
 * id is not. */
static uint64_t partition_of(const char *path)
{
        size_t end = strlen(path), start;

        while (end > 0 && path[end - 1] == '/')
                end--;
        for (start = end; start > 0 && path[start - 1] >= '0' && path[start - 1] <= '9';)
                start--;
        return strtoull(path + start, NULL, 10);
}

static int read_data(ClientData *c, const flwr_context *context, flwr_message *reply)
{
        const char *path;
        int r;

        r = flwr_context_node_config_string(context, "dataset-path", &path);
        if (r < 0)
                return flwr_message_fail(reply, r,
                        "this node's --node-config has no text \"dataset-path\": where its data lies");
        c->config.partition = partition_of(path);
        if ((r = dataset_load(path, "train.bin", &c->train)) < 0 ||
                (r = dataset_load(path, "test.bin", &c->test)) < 0)
                return flwr_message_fail(reply, r,
                        "cannot read the data in %s: %s (prepare_dataset makes it)", path,
                        r == -EBADMSG ? "not records of CIFAR-10" : strerror(-r));
        return 0;
}

static int on_start(const flwr_context *context, flwr_message *reply, void **ret_app_data)
{
        _cleanup_(client_data_freep) ClientData *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        if ((r = read_config(c, context, reply)) < 0 || (r = read_data(c, context, reply)) < 0)
                return r;
        *ret_app_data = TAKE_PTR(c);
        return 0;
}

static void on_stop(void *app_data)
{
        if (app_data)
                client_data_free(app_data);
}

/* Finds the parts of an instruction, and takes its model over into the network. */
static int take_instruction(ClientData *c, const flwr_message *message, const char *legacy_arrays,
        const char *legacy_config, flwr_message *reply, Instruction *ret)
{
        const flwr_record_dict *content = flwr_message_content(message);
        Instruction i = {.arrays = flwr_record_dict_get(content, legacy_arrays)};
        const flwr_record *config;
        const char *key = NULL;
        int64_t round;
        int r;

        i.legacy = i.arrays != NULL;
        if (!i.legacy)
                i.arrays = flwr_record_dict_first(content, FLWR_ARRAY_RECORD);
        if (!i.arrays || flwr_record_get_type(i.arrays) != FLWR_ARRAY_RECORD)
                return flwr_message_fail(reply, -EINVAL, "the message has no array record");
        config = i.legacy ? flwr_record_dict_get(content, legacy_config)
                          : flwr_record_dict_first(content, FLWR_CONFIG_RECORD);
        if (config && flwr_record_get_int(config, "server-round", &round) >= 0)
                i.round = (uint64_t) round;
        else
                i.round = strtoull(flwr_message_group(message), NULL, 10); /* the older API has it here */

        r = model_read(i.arrays, cnn_parameters(c->trainer.cnn), &key);
        if (r < 0)
                return flwr_message_fail(
                        reply, r, "the message's model is another one: %s", key ?: "other arrays");
        *ret = i;
        return 0;
}

static int reply_train(flwr_message *reply, const Instruction *i, const float *parameters,
        int64_t num_examples, const Metric *metrics, size_t n_metrics)
{
        flwr_record_dict *content = flwr_message_content(reply);
        flwr_record *arrays, *record;
        int r;

        if (i->legacy)
                return legacy_reply_fit(content, parameters, i->arrays, num_examples, metrics, n_metrics);
        if ((r = flwr_record_dict_add(content, "arrays", FLWR_ARRAY_RECORD, &arrays)) < 0 ||
                (r = model_write(parameters, i->arrays, arrays)) < 0 ||
                (r = flwr_record_dict_add(content, "metrics", FLWR_METRIC_RECORD, &record)) < 0 ||
                (r = flwr_record_set_int(record, "num-examples", num_examples)) < 0)
                return r;
        for (size_t k = 0; k < n_metrics && r >= 0; k++)
                r = flwr_record_set_double(record, metrics[k].name, metrics[k].value);
        return r;
}

static int on_train(void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        double train_loss, val_loss, val_accuracy;
        ClientData *c = app_data;
        Instruction i;
        int r;

        (void) context;
        r = take_instruction(c, message, LEGACY_FIT_ARRAYS, LEGACY_FIT_CONFIG, reply, &i);
        if (r < 0)
                return r;
        c->config.round = i.round;
        r = trainer_fit(&c->trainer, &c->train, &c->config, &train_loss);
        if (r < 0)
                return r;
        trainer_evaluate(&c->trainer, &c->test, &val_loss, &val_accuracy);
        flwr_log(1,
                "round %ju: trained on %zu images, loss %.4f; on own test images: loss %.4f, accuracy %.4f",
                (uintmax_t) i.round, c->train.n, train_loss, val_loss, val_accuracy);

        const Metric metrics[] = {
                {"train_loss", train_loss}, {"val_loss", val_loss}, {"val_accuracy", val_accuracy}};
        return reply_train(reply, &i, cnn_parameters(c->trainer.cnn), (int64_t) c->train.n, metrics,
                ELEMENTSOF(metrics));
}

static int on_evaluate(
        void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        flwr_record_dict *content = flwr_message_content(reply);
        ClientData *c = app_data;
        flwr_record *metrics;
        double loss, accuracy;
        Instruction i;
        int r;

        (void) context;
        r = take_instruction(c, message, LEGACY_EVALUATE_ARRAYS, LEGACY_EVALUATE_CONFIG, reply, &i);
        if (r < 0)
                return r;
        trainer_evaluate(&c->trainer, &c->test, &loss, &accuracy);
        flwr_log(1, "round %ju: evaluated on %zu images: loss %.4f, accuracy %.4f", (uintmax_t) i.round,
                c->test.n, loss, accuracy);

        if (i.legacy)
                return legacy_reply_evaluate(
                        content, loss, (int64_t) c->test.n, &(Metric){"accuracy", accuracy}, 1);
        if ((r = flwr_record_dict_add(content, "metrics", FLWR_METRIC_RECORD, &metrics)) < 0 ||
                (r = flwr_record_set_int(metrics, "num-examples", (int64_t) c->test.n)) < 0 ||
                (r = flwr_record_set_double(metrics, "loss", loss)) < 0)
                return r;
        return flwr_record_set_double(metrics, "accuracy", accuracy);
}

static int on_get_parameters(
        void *app_data, flwr_context *context, const flwr_message *message, flwr_message *reply)
{
        ClientData *c = app_data;
        float *parameters = cnn_parameters(c->trainer.cnn);

        (void) context;
        (void) message;
        cnn_init(parameters, c->config.seed);
        return legacy_reply_parameters(flwr_message_content(reply), parameters);
}

static const flwr_client_handler handlers[] = {
        {FLWR_TRAIN, on_train},
        {FLWR_EVALUATE, on_evaluate},
        {LEGACY_GET_PARAMETERS, on_get_parameters},
        {},
};

FLWR_EXPORT const flwr_client_app client_app = {
        FLWR_CLIENT_APP_INIT, .handlers = handlers, .start = on_start, .stop = on_stop};
