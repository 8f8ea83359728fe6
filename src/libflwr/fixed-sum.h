/* Sums of weight times value that do not depend on the order of the terms: 128-bit fixed-point numbers,
 * added as integers.
 *
 * A term is the exact product, rounded once to a multiple of 2^-64. Why 64: it splits the word in the
 * middle. Sums may reach 2^63 (9.2e18: a counter of 1e9 times ten thousand nodes of a hundred thousand
 * examples); float16 is exact with whole weights, and so is every float32 of magnitude 2^-41 (4.5e-13) and
 * more; what is smaller has an absolute error of 2^-65 a term, before the mean divides it by the sum of the
 * weights. 8 bytes more an element than a double would need, and no term is ever lost to a large one. */
#pragma once

#include "base/macro.h"

typedef __int128 fixed_t;
typedef unsigned __int128 ufixed_t;

#define FIXED_FRACTION_BITS 64

/* A positive finite double as mantissa * 2^exponent, the mantissa odd: whole weights stay small. */
typedef struct FixedWeight {
        uint64_t mantissa; /* 0: the weight is 0 */
        int exponent;
} FixedWeight;

FixedWeight fixed_weight(double w); /* w >= 0 and finite */
/* |w * x| rounded to the grid, half away from zero. false: 2^63 or more, or x is not finite. */
bool fixed_magnitude(FixedWeight w, double x, ufixed_t *ret);
/* The same with the sign of x; magnitude has been checked to fit. */
fixed_t fixed_term(FixedWeight w, double x);

/* The binary formats that a quotient is rounded to. */
typedef struct FixedFormat {
        int precision;    /* bits of the significand with the hidden one */
        int exponent_min; /* of the smallest normal number, as 2^exponent_min */
} FixedFormat;
extern const FixedFormat FIXED_FLOAT16, FIXED_FLOAT32, FIXED_FLOAT64;
/* sum / weight, rounded once to the nearest of that format, ties to even. weight > 0. */
double fixed_quotient(fixed_t sum, fixed_t weight, const FixedFormat *format);

/* float16 by its bits. The double must be representable. */
double half_to_double(uint16_t half);
uint16_t half_from_double(double d);
