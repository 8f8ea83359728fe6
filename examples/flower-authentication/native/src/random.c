#include "random.h"

/* Each step adds an odd constant, so the state walks through all 2^64 values; the output is a bijective mix
 * of it. */
static uint64_t mix(uint64_t z)
{
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

Random random_seeded(uint64_t seed, uint64_t stream)
{
        return (Random){.state = mix(mix(seed) + stream * UINT64_C(0xd6e8feb86659fd93))};
}

uint64_t random_next(Random *r)
{
        r->state += UINT64_C(0x9e3779b97f4a7c15);
        return mix(r->state);
}

uint64_t random_below(Random *r, uint64_t n)
{
        uint64_t too_few = -n % n; /* 2^64 mod n: values below it would make small remainders likelier */
        uint64_t v;

        do
                v = random_next(r);
        while (v < too_few);
        return v % n;
}

double random_unit(Random *r)
{
        return (double) (random_next(r) >> 11) * 0x1p-53;
}

void random_shuffle(Random *r, uint32_t *items, size_t n)
{
        for (size_t i = n; i > 1; i--) {
                size_t j = random_below(r, i);
                uint32_t t = items[i - 1];

                items[i - 1] = items[j];
                items[j] = t;
        }
}
