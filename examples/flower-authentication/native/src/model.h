/* The model as an array record: cnn_arrays under PyTorch's parameter names, or under "0" to "9" as Flower's
 * older API counts them; and as a file that NumPy reads. */
#ifndef AUTHEXAMPLE_MODEL_H
#define AUTHEXAMPLE_MODEL_H

#include <flwr/flwr.h>

/* parameters: CNN_PARAMETERS numbers. -EINVAL: not these ten arrays, or one has another shape or is not
 * float32; *ret_key (borrowed) says which, NULL: one is missing or too many. */
int model_read(const flwr_record *arrays, float *parameters, const char **ret_key);
/* Keys and their order as in like, which model_read() has accepted; NULL: PyTorch's. */
int model_write(const float *parameters, const flwr_record *like, flwr_record *arrays);
/* numpy.load(path) gives the arrays by name. */
int model_save(const float *parameters, const char *path);

#endif
