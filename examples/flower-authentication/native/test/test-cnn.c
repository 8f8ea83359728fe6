#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "cnn.h"
#include "random.h"
#include "util.h"

#define N 3

typedef struct Fixture {
        Cnn *cnn;
        float images[N * CNN_PIXELS];
        uint8_t labels[N];
} Fixture;

static int setup(void **state)
{
        Random random = random_seeded(1, 0);
        Fixture *f = calloc(1, sizeof(*f));

        if (!f || cnn_new(N, &f->cnn) < 0)
                return -1;
        cnn_init(cnn_parameters(f->cnn), 42);
        for (size_t i = 0; i < ELEMENTSOF(f->images); i++)
                f->images[i] = (float) (2 * random_unit(&random) - 1);
        for (size_t i = 0; i < N; i++)
                f->labels[i] = (uint8_t) random_below(&random, CNN_CLASSES);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        cnn_free(f->cnn);
        free(f);
        return 0;
}

/* Derivative of the loss along direction by central differences. */
static double slope(Fixture *f, const CnnArray *a, const double *direction, double step)
{
        float *p = cnn_parameters(f->cnn) + a->offset;
        _cleanup_free_ float *kept = malloc(a->n_items * sizeof(*p));
        double loss[2];

        assert_non_null(kept);
        memcpy(kept, p, a->n_items * sizeof(*p));
        for (int side = 0; side < 2; side++) {
                for (size_t k = 0; k < a->n_items; k++)
                        p[k] = (float) (kept[k] + (side == 0 ? -step : step) * direction[k]);
                loss[side] = cnn_forward(f->cnn, f->images, f->labels, N, NULL);
        }
        memcpy(p, kept, a->n_items * sizeof(*p));
        return (loss[1] - loss[0]) / (2 * step);
}

static void test_gradient(void **state)
{
        Fixture *f = *state;

        cnn_forward(f->cnn, f->images, f->labels, N, NULL);
        cnn_backward(f->cnn);
        for (size_t i = 0; i < CNN_N_ARRAYS; i++) {
                const CnnArray *a = cnn_arrays + i;
                const float *g = cnn_gradient(f->cnn) + a->offset;
                Random random = random_seeded(7, i);

                /* Along the gradient; then the same with random parts of it left out, which a wrong part
                 * would not survive. */
                for (int trial = 0; trial < 8; trial++) {
                        _cleanup_free_ double *direction = calloc(a->n_items, sizeof(*direction));
                        double norm = 0, expected = 0, found;

                        assert_non_null(direction);
                        for (size_t k = 0; k < a->n_items; k++) {
                                direction[k] = trial > 0 && random_below(&random, 2) ? 0 : g[k];
                                norm += direction[k] * direction[k];
                        }
                        norm = sqrt(norm);
                        if (norm == 0)
                                continue;
                        for (size_t k = 0; k < a->n_items; k++) {
                                direction[k] /= norm;
                                expected += direction[k] * g[k];
                        }
                        found = slope(f, a, direction, 2e-3);
                        if (fabs(found - expected) > 0.01 * expected + 1e-4)
                                fail_msg("%s, trial %d: %g, but differences say %g", a->name, trial,
                                        expected, found);
                }
        }
}

static void test_arrays_cover_the_parameters(void **state)
{
        size_t next = 0;

        (void) state;
        for (size_t i = 0; i < CNN_N_ARRAYS; i++) {
                const CnnArray *a = cnn_arrays + i;
                uint64_t items = 1;

                for (size_t k = 0; k < a->n_dims; k++)
                        items *= a->shape[k];
                assert_int_equal(a->offset, next);
                assert_int_equal(a->n_items, items);
                next += a->n_items;
        }
        assert_int_equal(next, CNN_PARAMETERS);
}

static void test_init(void **state)
{
        Fixture *f = *state;
        static float again[CNN_PARAMETERS], other[CNN_PARAMETERS];

        cnn_init(again, 42);
        cnn_init(other, 43);
        assert_memory_equal(again, cnn_parameters(f->cnn), sizeof(again));
        assert_memory_not_equal(again, other, sizeof(again));
        for (size_t i = 0; i < CNN_N_ARRAYS; i++) {
                const CnnArray *a = cnn_arrays + i;
                double bound = 1 / sqrt(a->fan_in), sum = 0;

                for (size_t k = 0; k < a->n_items; k++) {
                        assert_true(fabs(again[a->offset + k]) <= bound);
                        sum += fabs(again[a->offset + k]);
                }
                if (a->n_items > 100)
                        assert_true(fabs(sum / (double) a->n_items - bound / 2) < bound / 10);
        }
}

static void test_momentum(void **state)
{
        Fixture *f = *state;
        float *p = cnn_parameters(f->cnn), g, before = p[0];

        cnn_forward(f->cnn, f->images, f->labels, N, NULL);
        cnn_backward(f->cnn);
        g = cnn_gradient(f->cnn)[0];
        assert_true(g != 0);
        cnn_step(f->cnn, 0.5f, 0.9f);
        assert_true(fabsf(p[0] - (before - 0.5f * g)) < 1e-6f);
        before = p[0];
        cnn_step(f->cnn, 0.5f, 0.9f);
        assert_true(fabsf(p[0] - (before - 0.5f * 1.9f * g)) < 1e-6f);
        cnn_forget_momentum(f->cnn);
        before = p[0];
        cnn_step(f->cnn, 0.5f, 0.9f);
        assert_true(fabsf(p[0] - (before - 0.5f * g)) < 1e-6f);
}

/* A batch is nothing but its images: the mean over a batch is the mean over its parts. */
static void test_batches(void **state)
{
        Fixture *f = *state;
        double whole = cnn_forward(f->cnn, f->images, f->labels, N, NULL), sum = 0;
        size_t hits, total = 0;

        for (size_t i = 0; i < N; i++) {
                sum += cnn_forward(f->cnn, f->images + i * CNN_PIXELS, f->labels + i, 1, &hits);
                total += hits;
        }
        assert_true(fabs(whole - sum / N) < 1e-5);
        cnn_forward(f->cnn, f->images, f->labels, N, &hits);
        assert_int_equal(hits, total);
}

static void test_limits(void **state)
{
        Cnn *c = NULL;

        (void) state;
        assert_int_equal(cnn_new(0, &c), -EINVAL);
        assert_int_equal(cnn_new(CNN_BATCH_MAX + 1, &c), -EINVAL);
        assert_null(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arrays_cover_the_parameters),
                cmocka_unit_test_setup_teardown(test_init, setup, teardown),
                cmocka_unit_test_setup_teardown(test_gradient, setup, teardown),
                cmocka_unit_test_setup_teardown(test_momentum, setup, teardown),
                cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
                cmocka_unit_test(test_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
