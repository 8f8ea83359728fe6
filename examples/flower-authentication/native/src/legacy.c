#include "legacy.h"

#include "cnn.h"
#include "model.h"

/* Code 0: the older API's strategies count any other as a failure. */
static int add_status(flwr_record_dict *content, const char *name)
{
        flwr_record *status;
        int r;

        if ((r = flwr_record_dict_add(content, name, FLWR_CONFIG_RECORD, &status)) < 0 ||
                (r = flwr_record_set_int(status, "code", 0)) < 0)
                return r;
        return flwr_record_set_string(status, "message", "Success");
}

static int add_metrics(flwr_record_dict *content, const char *name, const Metric *metrics, size_t n)
{
        flwr_record *record;
        int r;

        r = flwr_record_dict_add(content, name, FLWR_CONFIG_RECORD, &record);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = flwr_record_set_double(record, metrics[i].name, metrics[i].value);
        return r;
}

static int add_num_examples(flwr_record_dict *content, const char *name, int64_t num_examples)
{
        flwr_record *record;
        int r;

        r = flwr_record_dict_add(content, name, FLWR_METRIC_RECORD, &record);
        return r < 0 ? r : flwr_record_set_int(record, "num_examples", num_examples);
}

static int add_numbered(flwr_record_dict *content, const char *name, const float *parameters)
{
        flwr_record *arrays;
        int r;

        r = flwr_record_dict_add(content, name, FLWR_ARRAY_RECORD, &arrays);
        for (size_t i = 0; i < CNN_N_ARRAYS && r >= 0; i++) {
                const CnnArray *a = cnn_arrays + i;
                char key[] = {(char) ('0' + i), '\0'};

                r = flwr_record_set_array(
                        arrays, key, FLWR_FLOAT32, a->shape, a->n_dims, parameters + a->offset);
        }
        return r;
}

int legacy_reply_parameters(flwr_record_dict *content, const float *parameters)
{
        int r;

        r = add_numbered(content, "getparametersres.parameters", parameters);
        return r < 0 ? r : add_status(content, "getparametersres.status");
}

int legacy_reply_fit(flwr_record_dict *content, const float *parameters, const flwr_record *like,
        int64_t num_examples, const Metric *metrics, size_t n_metrics)
{
        flwr_record *arrays;
        int r;

        if ((r = add_metrics(content, "fitres.metrics", metrics, n_metrics)) < 0 ||
                (r = add_num_examples(content, "fitres.num_examples", num_examples)) < 0 ||
                (r = flwr_record_dict_add(content, "fitres.parameters", FLWR_ARRAY_RECORD, &arrays)) < 0 ||
                (r = model_write(parameters, like, arrays)) < 0)
                return r;
        return add_status(content, "fitres.status");
}

int legacy_reply_evaluate(flwr_record_dict *content, double loss, int64_t num_examples,
        const Metric *metrics, size_t n_metrics)
{
        flwr_record *record;
        int r;

        if ((r = flwr_record_dict_add(content, "evaluateres.loss", FLWR_METRIC_RECORD, &record)) < 0 ||
                (r = flwr_record_set_double(record, "loss", loss)) < 0 ||
                (r = add_num_examples(content, "evaluateres.num_examples", num_examples)) < 0 ||
                (r = add_metrics(content, "evaluateres.metrics", metrics, n_metrics)) < 0)
                return r;
        return add_status(content, "evaluateres.status");
}
