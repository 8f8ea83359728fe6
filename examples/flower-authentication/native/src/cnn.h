/* The network of the example: two 5x5 convolutions, each with ReLU and 2x2 max-pooling, and three dense
 * layers; 62,006 parameters that have the names, shapes and order of the PyTorch model of Flower's example,
 * so that native and Python nodes can train the same model.
 *
 * A Cnn owns its parameters, their gradient, the momentum, and the buffers for one batch. Equal parameters
 * and equal batches give equal numbers on the same kind of processor: cnn_new() keeps OpenBLAS to one
 * thread, and all sums run in a fixed order. Images are float32, channel first (3x32x32), as dataset_batch()
 * makes them. */
#ifndef AUTHEXAMPLE_CNN_H
#define AUTHEXAMPLE_CNN_H

#include <stddef.h>
#include <stdint.h>

#define CNN_PIXELS 3072
#define CNN_CLASSES 10
#define CNN_PARAMETERS 62006
#define CNN_N_ARRAYS 10
#define CNN_DIMS_MAX 4
/* 16 MB of buffers here and 13 MB of images; larger batches do not train better, and the number is a run's
 * to choose. */
#define CNN_BATCH_MAX 1024

/* One parameter array: where it lies in the vector of parameters. */
typedef struct CnnArray {
        const char *name;
        size_t n_dims;
        uint64_t shape[CNN_DIMS_MAX];
        size_t offset, n_items;
        unsigned fan_in; /* of its layer: bounds the initial values */
} CnnArray;
extern const CnnArray cnn_arrays[CNN_N_ARRAYS];

typedef struct Cnn Cnn;

/* -EINVAL: batch_max is 0 or above CNN_BATCH_MAX. -ENOMEM. Parameters are zero until they are set. */
int cnn_new(size_t batch_max, Cnn **ret);
Cnn *cnn_free(Cnn *c);

/* CNN_PARAMETERS numbers each, borrowed, may be changed. */
float *cnn_parameters(Cnn *c);
const float *cnn_gradient(const Cnn *c);
/* PyTorch's default distribution: uniform within +-1/sqrt(fan-in of the layer). */
void cnn_init(float *parameters, uint64_t seed);

/* Mean cross entropy of n images (at most batch_max; n > 0); *ret_correct (may be NULL): how many were
 * classified rightly. */
double cnn_forward(Cnn *c, const float *images, const uint8_t *labels, size_t n, size_t *ret_correct);
/* Gradient of the loss of the last cnn_forward(), whose images and labels must still be there. */
void cnn_backward(Cnn *c);

/* Stochastic gradient descent with momentum: v = momentum * v + gradient, parameters -= rate * v. */
void cnn_step(Cnn *c, float rate, float momentum);
void cnn_forget_momentum(Cnn *c);

#endif
