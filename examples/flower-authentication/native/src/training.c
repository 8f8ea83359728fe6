#include "training.h"

#include "random.h"

int trainer_init(Trainer *t, size_t batch_size)
{
        int r;

        *t = (Trainer){.batch_size = batch_size};
        r = cnn_new(batch_size, &t->cnn);
        if (r < 0)
                return r;
        t->images = calloc(batch_size, CNN_PIXELS * sizeof(float));
        t->labels = calloc(batch_size, 1);
        if (!t->images || !t->labels) {
                trainer_done(t);
                return -ENOMEM;
        }
        return 0;
}

void trainer_done(Trainer *t)
{
        t->cnn = cnn_free(t->cnn);
        free(t->images);
        free(t->labels);
        *t = (Trainer){};
}

int trainer_fit(Trainer *t, const Dataset *d, const TrainingConfig *config, double *ret_loss)
{
        Random random = random_seeded(config->seed, (config->round << 32) + config->partition);
        _cleanup_free_ uint32_t *order = NULL;
        size_t batches = 0;
        double loss = 0;

        order = calloc(d->n, sizeof(*order));
        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < d->n; i++)
                order[i] = (uint32_t) i;

        cnn_forget_momentum(t->cnn);
        for (unsigned epoch = 0; epoch < config->epochs; epoch++) {
                random_shuffle(&random, order, d->n);
                for (size_t i = 0; i < d->n; i += t->batch_size, batches++) {
                        size_t n = MIN(t->batch_size, d->n - i);

                        dataset_batch(d, order + i, 0, n, t->images, t->labels);
                        loss += cnn_forward(t->cnn, t->images, t->labels, n, NULL);
                        cnn_backward(t->cnn);
                        cnn_step(t->cnn, config->learning_rate, TRAINING_MOMENTUM);
                }
        }
        *ret_loss = batches > 0 ? loss / (double) batches : 0;
        return 0;
}

void trainer_evaluate(Trainer *t, const Dataset *d, double *ret_loss, double *ret_accuracy)
{
        size_t batches = 0, correct = 0;
        double loss = 0;

        for (size_t i = 0; i < d->n; i += t->batch_size, batches++) {
                size_t n = MIN(t->batch_size, d->n - i), hits;

                dataset_batch(d, NULL, i, n, t->images, t->labels);
                loss += cnn_forward(t->cnn, t->images, t->labels, n, &hits);
                correct += hits;
        }
        *ret_loss = loss / (double) batches;
        *ret_accuracy = (double) correct / (double) d->n;
}
