/* What a node does with the model: train it on its train.bin, measure it on its test.bin.
 *
 * Nothing here depends on ids that differ from run to run: the order of the images follows from the seed,
 * the round and the partition's data. */
#ifndef AUTHEXAMPLE_TRAINING_H
#define AUTHEXAMPLE_TRAINING_H

#include "cnn.h"
#include "dataset.h"

#define TRAINING_MOMENTUM 0.9f
/* One fit of more epochs than this is a mistake in the configuration, and would keep a node busy for hours.
 */
#define TRAINING_EPOCHS_MAX 1000

typedef struct TrainingConfig {
        uint64_t seed, round, partition; /* these three choose the order of the images */
        unsigned epochs;
        float learning_rate;
} TrainingConfig;

/* A network and room for one batch. */
typedef struct Trainer {
        size_t batch_size;
        Cnn *cnn;
        float *images;
        uint8_t *labels;
} Trainer;

/* -EINVAL: batch size 0 or above CNN_BATCH_MAX. */
int trainer_init(Trainer *t, size_t batch_size);
void trainer_done(Trainer *t);
#define _cleanup_trainer_ _cleanup_(trainer_done)

/* Trains the parameters in t->cnn, starting without momentum. *ret_loss: mean of the batches' losses over
 * all epochs. */
int trainer_fit(Trainer *t, const Dataset *d, const TrainingConfig *config, double *ret_loss);
/* *ret_loss: mean of the batches' mean losses (a last short batch weighs as much as a full one). */
void trainer_evaluate(Trainer *t, const Dataset *d, double *ret_loss, double *ret_accuracy);

#endif
