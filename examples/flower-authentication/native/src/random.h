/* A small seeded generator (SplitMix64): the same numbers on every machine, which the C library does not
 * promise. */
#ifndef AUTHEXAMPLE_RANDOM_H
#define AUTHEXAMPLE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct Random {
        uint64_t state;
} Random;

/* Generators with different streams of the same seed are independent. */
Random random_seeded(uint64_t seed, uint64_t stream);
uint64_t random_next(Random *r);
/* Uniform below n, without bias; n > 0. */
uint64_t random_below(Random *r, uint64_t n);
/* Uniform in [0, 1). */
double random_unit(Random *r);
/* Puts items into random order. */
void random_shuffle(Random *r, uint32_t *items, size_t n);

#endif
