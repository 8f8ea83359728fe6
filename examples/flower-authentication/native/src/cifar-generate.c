#include <math.h>

#include "cifar.h"
#include "cnn.h"
#include "random.h"

#define N_RECORDS 5000 /* enough to learn from, and a demonstration of ten rounds takes seconds */
#define EDGE 32
#define N_WAVES 3
#define NOISE 60.0

typedef struct Wave {
        double fx, fy, phase, amplitude;
} Wave;

/* A class is three waves in each colour. */
typedef Wave Pattern[3][N_WAVES];

static void make_pattern(Random *random, Pattern *p)
{
        for (size_t colour = 0; colour < 3; colour++)
                for (size_t w = 0; w < N_WAVES; w++)
                        (*p)[colour][w] = (Wave){
                                .fx = (random_unit(random) - 0.5) * 0.8,
                                .fy = (random_unit(random) - 0.5) * 0.8,
                                .phase = random_unit(random) * 2 * M_PI,
                                .amplitude = 10 + random_unit(random) * 15,
                        };
}

/* An image shows its class moved, lighter or darker, weaker or stronger, and under noise. */
static void make_image(Random *random, const Pattern *p, uint8_t *pixels)
{
        double dx = random_unit(random) * 8, dy = random_unit(random) * 8;
        double light = 128 + (random_unit(random) - 0.5) * 80, strength = 0.5 + random_unit(random);

        for (size_t colour = 0; colour < 3; colour++)
                for (unsigned y = 0; y < EDGE; y++)
                        for (unsigned x = 0; x < EDGE; x++) {
                                double v = light + (random_unit(random) - 0.5) * 2 * NOISE;

                                for (size_t w = 0; w < N_WAVES; w++) {
                                        const Wave *wave = &(*p)[colour][w];

                                        v += strength * wave->amplitude *
                                             sin(wave->fx * (x + dx) + wave->fy * (y + dy) + wave->phase);
                                }
                                *pixels++ = (uint8_t) fmin(fmax(v, 0), 255);
                        }
}

int cifar_generate(uint64_t seed, Dataset *ret)
{
        Random random = random_seeded(seed, 0);
        Pattern patterns[CNN_CLASSES];
        uint8_t *records;

        records = malloc((size_t) N_RECORDS * DATASET_RECORD);
        if (!records)
                return -ENOMEM;
        for (size_t i = 0; i < CNN_CLASSES; i++)
                make_pattern(&random, patterns + i);
        for (size_t i = 0; i < N_RECORDS; i++) {
                uint8_t *record = records + i * DATASET_RECORD;

                record[0] = (uint8_t) random_below(&random, CNN_CLASSES);
                make_image(&random, patterns + record[0], record + 1);
        }
        *ret = (Dataset){.n = N_RECORDS, .records = records};
        return 0;
}
