#include "cnn.h"

#include <cblas.h>
#include <math.h>

#include "random.h"
#include "util.h"

enum {
        KERNEL = 5,
        C1 = 6,
        S1 = 28,
        P1 = S1 / 2,
        C2 = 16,
        S2 = P1 - KERNEL + 1,
        P2 = S2 / 2,
        FLAT = C2 * P2 * P2,
        F1 = 120,
        F2 = 84,
        W_CONV1 = 0,
        B_CONV1 = W_CONV1 + C1 * 3 * KERNEL * KERNEL,
        W_CONV2 = B_CONV1 + C1,
        B_CONV2 = W_CONV2 + C2 * C1 * KERNEL * KERNEL,
        W_FC1 = B_CONV2 + C2,
        B_FC1 = W_FC1 + F1 * FLAT,
        W_FC2 = B_FC1 + F1,
        B_FC2 = W_FC2 + F2 * F1,
        W_FC3 = B_FC2 + F2,
        B_FC3 = W_FC3 + CNN_CLASSES * F2,
};
_Static_assert(B_FC3 + CNN_CLASSES == CNN_PARAMETERS, "arrays fill the vector of parameters");

const CnnArray cnn_arrays[CNN_N_ARRAYS] = {
        {"conv1.weight", 4, {C1, 3, KERNEL, KERNEL}, W_CONV1, B_CONV1 - W_CONV1, 75},
        {"conv1.bias", 1, {C1}, B_CONV1, C1, 75},
        {"conv2.weight", 4, {C2, C1, KERNEL, KERNEL}, W_CONV2, B_CONV2 - W_CONV2, 150},
        {"conv2.bias", 1, {C2}, B_CONV2, C2, 150},
        {"fc1.weight", 2, {F1, FLAT}, W_FC1, B_FC1 - W_FC1, 400},
        {"fc1.bias", 1, {F1}, B_FC1, F1, 400},
        {"fc2.weight", 2, {F2, F1}, W_FC2, B_FC2 - W_FC2, 120},
        {"fc2.bias", 1, {F2}, B_FC2, F2, 120},
        {"fc3.weight", 2, {CNN_CLASSES, F2}, W_FC3, B_FC3 - W_FC3, 84},
        {"fc3.bias", 1, {CNN_CLASSES}, B_FC3, CNN_CLASSES, 84},
};

/* One convolution with ReLU and pooling. */
typedef struct Conv {
        unsigned c_in, c_out, size_in, size_out; /* channels, edge before and after the convolution */
        size_t weight, bias;
} Conv;

static const Conv conv1 = {3, C1, 32, S1, W_CONV1, B_CONV1};
static const Conv conv2 = {C1, C2, P1, S2, W_CONV2, B_CONV2};

struct Cnn {
        size_t batch_max;
        float parameters[CNN_PARAMETERS], gradient[CNN_PARAMETERS], momentum[CNN_PARAMETERS];

        /* The batch of the last forward pass. */
        size_t n;
        const float *images;
        const uint8_t *labels;
        float *pool1, *pool2, *fc1, *fc2, *fc3; /* outputs of the layers, image after image */
        uint8_t *winner1, *winner2;             /* which of its four inputs a pool took, or NO_WINNER */
        float *d_pool1, *d_pool2, *d_fc1, *d_fc2, *d_fc3; /* gradients of the same */

        /* One image at a time; both convolutions take turns. */
        float columns[3 * KERNEL * KERNEL * S1 * S1], d_columns[C1 * KERNEL * KERNEL * S2 * S2],
                plane[C1 * S1 * S1];
        float *memory; /* all of the arrays by pointer */
};
_Static_assert(C1 *KERNEL *KERNEL *S2 *S2 <= 3 * KERNEL * KERNEL * S1 * S1, "columns hold either layer");
_Static_assert(C2 *S2 *S2 <= C1 * S1 * S1, "plane holds either layer");

#define NO_WINNER 4 /* ReLU cut all four off */

int cnn_new(size_t batch_max, Cnn **ret)
{
        _cleanup_free_ Cnn *c = NULL;
        float *p;

        if (batch_max == 0 || batch_max > CNN_BATCH_MAX)
                return -EINVAL;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        struct {
                float **where;
                size_t items;
        } parts[] = {
                {&c->pool1, C1 * P1 * P1},
                {&c->pool2, FLAT},
                {&c->fc1, F1},
                {&c->fc2, F2},
                {&c->fc3, CNN_CLASSES},
                {&c->d_pool1, C1 * P1 * P1},
                {&c->d_pool2, FLAT},
                {&c->d_fc1, F1},
                {&c->d_fc2, F2},
                {&c->d_fc3, CNN_CLASSES},
        };
        size_t floats = 0, bytes = C1 * P1 * P1 + FLAT;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                floats += parts[i].items;
        p = c->memory = calloc(batch_max, floats * sizeof(float) + bytes);
        if (!p)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                *parts[i].where = p;
                p += batch_max * parts[i].items;
        }
        c->winner1 = (uint8_t *) p;
        c->winner2 = c->winner1 + batch_max * C1 * P1 * P1;
        c->batch_max = batch_max;

        openblas_set_num_threads(1);
        *ret = TAKE_PTR(c);
        return 0;
}

Cnn *cnn_free(Cnn *c)
{
        if (c)
                free(c->memory);
        free(c);
        return NULL;
}

float *cnn_parameters(Cnn *c)
{
        return c->parameters;
}

const float *cnn_gradient(const Cnn *c)
{
        return c->gradient;
}

void cnn_init(float *parameters, uint64_t seed)
{
        for (size_t i = 0; i < CNN_N_ARRAYS; i++) {
                const CnnArray *a = cnn_arrays + i;
                Random random = random_seeded(seed, i);
                double bound = 1 / sqrt(a->fan_in);

                for (size_t k = 0; k < a->n_items; k++)
                        parameters[a->offset + k] = (float) ((2 * random_unit(&random) - 1) * bound);
        }
}

/* Row (channel, ky, kx), column (y, x): the pixel that this weight meets at this place of the output. */
static void unfold(const Conv *v, const float *in, float *columns)
{
        for (unsigned ch = 0; ch < v->c_in; ch++)
                for (unsigned ky = 0; ky < KERNEL; ky++)
                        for (unsigned kx = 0; kx < KERNEL; kx++)
                                for (unsigned y = 0; y < v->size_out; y++, columns += v->size_out)
                                        memcpy(columns, in + (ch * v->size_in + y + ky) * v->size_in + kx,
                                                v->size_out * sizeof(float));
}

/* The transpose of unfold(): adds every column entry to its pixel. */
static void fold(const Conv *v, const float *columns, float *in)
{
        memset(in, 0, (size_t) v->c_in * v->size_in * v->size_in * sizeof(float));
        for (unsigned ch = 0; ch < v->c_in; ch++)
                for (unsigned ky = 0; ky < KERNEL; ky++)
                        for (unsigned kx = 0; kx < KERNEL; kx++)
                                for (unsigned y = 0; y < v->size_out; y++, columns += v->size_out) {
                                        float *row = in + (ch * v->size_in + y + ky) * v->size_in + kx;

                                        for (unsigned x = 0; x < v->size_out; x++)
                                                row[x] += columns[x];
                                }
}

/* ReLU and max-pooling in one: the largest of four, nothing when it is not above zero. Of equal ones the
 * first wins. */
static void pool(const Conv *v, const float *plane, float *out, uint8_t *winner)
{
        unsigned s = v->size_out;

        for (unsigned row = 0; row < v->c_out * s; row += 2)
                for (unsigned x = 0; x < s; x += 2) {
                        const float *p = plane + row * s + x;
                        float four[4] = {p[0], p[1], p[s], p[s + 1]}, best = 0;
                        uint8_t which = NO_WINNER;

                        for (uint8_t k = 0; k < 4; k++)
                                if (four[k] > best) {
                                        best = four[k];
                                        which = k;
                                }
                        *out++ = best;
                        *winner++ = which;
                }
}

static void unpool(const Conv *v, const float *d_out, const uint8_t *winner, float *d_plane)
{
        unsigned s = v->size_out;

        memset(d_plane, 0, (size_t) v->c_out * s * s * sizeof(float));
        for (unsigned row = 0; row < v->c_out * s; row += 2)
                for (unsigned x = 0; x < s; x += 2, d_out++, winner++)
                        if (*winner != NO_WINNER)
                                d_plane[(row + *winner / 2) * s + x + *winner % 2] = *d_out;
}

static void conv_forward(Cnn *c, const Conv *v, const float *in, float *out, uint8_t *winner)
{
        int area = (int) (v->size_out * v->size_out), taps = (int) (v->c_in * KERNEL * KERNEL);

        unfold(v, in, c->columns);
        for (unsigned ch = 0; ch < v->c_out; ch++)
                for (int k = 0; k < area; k++)
                        c->plane[ch * (unsigned) area + (unsigned) k] = c->parameters[v->bias + ch];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) v->c_out, area, taps, 1,
                c->parameters + v->weight, taps, c->columns, area, 1, c->plane, area);
        pool(v, c->plane, out, winner);
}

/* Adds to the gradients of weight and bias; d_in may be NULL. */
static void conv_backward(
        Cnn *c, const Conv *v, const float *in, const float *d_out, const uint8_t *winner, float *d_in)
{
        int area = (int) (v->size_out * v->size_out), taps = (int) (v->c_in * KERNEL * KERNEL);

        unpool(v, d_out, winner, c->plane);
        unfold(v, in, c->columns);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int) v->c_out, taps, area, 1, c->plane, area,
                c->columns, area, 1, c->gradient + v->weight, taps);
        for (unsigned ch = 0; ch < v->c_out; ch++) {
                float sum = 0;

                for (int k = 0; k < area; k++)
                        sum += c->plane[ch * (unsigned) area + (unsigned) k];
                c->gradient[v->bias + ch] += sum;
        }
        if (!d_in)
                return;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, taps, area, (int) v->c_out, 1,
                c->parameters + v->weight, taps, c->plane, area, 0, c->d_columns, area);
        fold(v, c->d_columns, d_in);
}

static void dense_forward(Cnn *c, size_t weight, int n_in, int n_out, const float *in, float *out, bool relu)
{
        const float *bias = c->parameters + weight + (size_t) n_in * (size_t) n_out;
        size_t items = c->n * (size_t) n_out;

        for (size_t i = 0; i < c->n; i++)
                memcpy(out + i * (size_t) n_out, bias, (size_t) n_out * sizeof(float));
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int) c->n, n_out, n_in, 1, in, n_in,
                c->parameters + weight, n_in, 1, out, n_out);
        if (relu)
                for (size_t i = 0; i < items; i++)
                        out[i] = out[i] > 0 ? out[i] : 0;
}

/* in is the output of the layer before, whose ReLU passes a gradient on only where it let a value through.
 */
static void dense_backward(
        Cnn *c, size_t weight, int n_in, int n_out, const float *in, const float *d_out, float *d_in)
{
        float *d_bias = c->gradient + weight + (size_t) n_in * (size_t) n_out;

        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n_out, n_in, (int) c->n, 1, d_out, n_out, in,
                n_in, 0, c->gradient + weight, n_in);
        for (size_t i = 0; i < c->n; i++)
                for (int k = 0; k < n_out; k++)
                        d_bias[k] += *d_out++;
        d_out -= c->n * (size_t) n_out;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) c->n, n_in, n_out, 1, d_out, n_out,
                c->parameters + weight, n_in, 0, d_in, n_in);
        for (size_t i = 0; i < c->n * (size_t) n_in; i++)
                d_in[i] = in[i] > 0 ? d_in[i] : 0;
}

/* Loss of one image; leaves the gradient of the logits, divided by the batch size, in d. */
static double cross_entropy(const float *logits, uint8_t label, size_t n, float *d, bool *ret_correct)
{
        double e[CNN_CLASSES], sum = 0;
        unsigned best = 0;

        for (unsigned k = 1; k < CNN_CLASSES; k++)
                if (logits[k] > logits[best])
                        best = k;
        for (unsigned k = 0; k < CNN_CLASSES; k++)
                sum += e[k] = exp((double) logits[k] - logits[best]);
        for (unsigned k = 0; k < CNN_CLASSES; k++)
                d[k] = (float) ((e[k] / sum - (k == label)) / (double) n);
        *ret_correct = best == label;
        return log(sum) - ((double) logits[label] - logits[best]);
}

double cnn_forward(Cnn *c, const float *images, const uint8_t *labels, size_t n, size_t *ret_correct)
{
        double loss = 0;
        size_t correct = 0;

        c->n = n;
        c->images = images;
        c->labels = labels;
        for (size_t i = 0; i < n; i++) {
                conv_forward(c, &conv1, images + i * CNN_PIXELS, c->pool1 + i * C1 * P1 * P1,
                        c->winner1 + i * C1 * P1 * P1);
                conv_forward(
                        c, &conv2, c->pool1 + i * C1 * P1 * P1, c->pool2 + i * FLAT, c->winner2 + i * FLAT);
        }
        dense_forward(c, W_FC1, FLAT, F1, c->pool2, c->fc1, true);
        dense_forward(c, W_FC2, F1, F2, c->fc1, c->fc2, true);
        dense_forward(c, W_FC3, F2, CNN_CLASSES, c->fc2, c->fc3, false);
        for (size_t i = 0; i < n; i++) {
                bool hit;

                loss += cross_entropy(
                        c->fc3 + i * CNN_CLASSES, labels[i], n, c->d_fc3 + i * CNN_CLASSES, &hit);
                correct += hit;
        }
        if (ret_correct)
                *ret_correct = correct;
        return loss / (double) n;
}

void cnn_backward(Cnn *c)
{
        memset(c->gradient, 0, sizeof(c->gradient));
        dense_backward(c, W_FC3, F2, CNN_CLASSES, c->fc2, c->d_fc3, c->d_fc2);
        dense_backward(c, W_FC2, F1, F2, c->fc1, c->d_fc2, c->d_fc1);
        dense_backward(c, W_FC1, FLAT, F1, c->pool2, c->d_fc1, c->d_pool2);
        for (size_t i = 0; i < c->n; i++) {
                conv_backward(c, &conv2, c->pool1 + i * C1 * P1 * P1, c->d_pool2 + i * FLAT,
                        c->winner2 + i * FLAT, c->d_pool1 + i * C1 * P1 * P1);
                conv_backward(c, &conv1, c->images + i * CNN_PIXELS, c->d_pool1 + i * C1 * P1 * P1,
                        c->winner1 + i * C1 * P1 * P1, NULL);
        }
}

void cnn_step(Cnn *c, float rate, float momentum)
{
        for (size_t i = 0; i < CNN_PARAMETERS; i++) {
                c->momentum[i] = momentum * c->momentum[i] + c->gradient[i];
                c->parameters[i] -= rate * c->momentum[i];
        }
}

void cnn_forget_momentum(Cnn *c)
{
        memset(c->momentum, 0, sizeof(c->momentum));
}
