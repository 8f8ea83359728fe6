#include "libflwr/fixed-sum.h"

#include <math.h>

#define DOUBLE_MANTISSA_BITS 52
#define DOUBLE_EXPONENT_BIAS (1023 + DOUBLE_MANTISSA_BITS)
#define DOUBLE_EXPONENT_SPECIAL 0x7ff

const FixedFormat FIXED_FLOAT16 = {11, -14}, FIXED_FLOAT32 = {24, -126}, FIXED_FLOAT64 = {53, -1022};

/* |x| = mantissa * 2^exponent; false: not finite. */
static inline bool split(double x, uint64_t *mantissa, int *exponent)
{
        uint64_t bits;
        int e;

        memcpy(&bits, &x, sizeof(bits));
        e = (int) (bits >> DOUBLE_MANTISSA_BITS) & DOUBLE_EXPONENT_SPECIAL;
        *mantissa = bits & ((UINT64_C(1) << DOUBLE_MANTISSA_BITS) - 1);
        if (e == DOUBLE_EXPONENT_SPECIAL)
                return false;
        if (e > 0)
                *mantissa |= UINT64_C(1) << DOUBLE_MANTISSA_BITS;
        *exponent = MAX(e, 1) - DOUBLE_EXPONENT_BIAS;
        return true;
}

FixedWeight fixed_weight(double w)
{
        FixedWeight f = {};
        int zeros;

        if (!split(w, &f.mantissa, &f.exponent) || f.mantissa == 0)
                return (FixedWeight){};
        zeros = __builtin_ctzll(f.mantissa);
        f.mantissa >>= zeros;
        f.exponent += zeros;
        return f;
}

bool fixed_magnitude(FixedWeight w, double x, ufixed_t *ret)
{
        uint64_t mantissa;
        ufixed_t product;
        int exponent, shift;

        if (!split(x, &mantissa, &exponent))
                return false;
        product = (ufixed_t) w.mantissa * mantissa; /* 106 bits at most */
        shift = w.exponent + exponent + FIXED_FRACTION_BITS;
        if (product == 0)
                *ret = 0;
        else if (shift >= 0) {
                if (shift >= 127 || product >> (127 - shift) != 0)
                        return false;
                *ret = product << shift;
        } else if (shift > -128)
                *ret = (product >> -shift) + ((product >> (-shift - 1)) & 1);
        else
                *ret = 0;
        return true;
}

fixed_t fixed_term(FixedWeight w, double x)
{
        ufixed_t magnitude = 0;

        (void) fixed_magnitude(w, x, &magnitude);
        return signbit(x) ? -(fixed_t) magnitude : (fixed_t) magnitude;
}

static int highest_bit(ufixed_t v) /* v > 0 */
{
        uint64_t high = (uint64_t) (v >> 64);

        return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t) v);
}

/* a / w = (quotient + less than one) * 2^*ret_exponent with at least 64 bits in the quotient; the lowest one
 * is set when something remains, so that rounding sees it. */
static ufixed_t divide(ufixed_t a, ufixed_t w, int *ret_exponent)
{
        int la = 127 - highest_bit(a), zeros;
        ufixed_t q = 0;

        zeros = (uint64_t) w ? __builtin_ctzll((uint64_t) w) : 64 + __builtin_ctzll((uint64_t) (w >> 64));
        w >>= zeros;
        if (w >> 63 == 0) {
                a <<= la;
                q = a / w;
                *ret_exponent = -la - zeros;
                return q | (q * w != a);
        }
        /* Sums of fractional weights only: bit by bit. Both have their highest bit at 126, one more must
         * fit. */
        int lw = 126 - highest_bit(w);

        a <<= la - 1; /* a < 2^127, so la > 0 */
        w <<= lw;
        for (unsigned i = 0; i < 66; i++) {
                q <<= 1;
                if (a >= w) {
                        a -= w;
                        q |= 1;
                }
                a <<= 1;
        }
        *ret_exponent = lw - zeros - (la - 1) - 65;
        return q | (a != 0);
}

double fixed_quotient(fixed_t sum, fixed_t weight, const FixedFormat *format)
{
        ufixed_t a = sum < 0 ? -(ufixed_t) sum : (ufixed_t) sum, q, rest, half;
        int exponent, top, drop;
        uint64_t significand;

        if (a == 0)
                return 0;
        q = divide(a, (ufixed_t) weight, &exponent);
        top = highest_bit(q) + exponent;
        /* Below the normal range, precision ends at the smallest subnormal. */
        drop = MAX(top, format->exponent_min) - format->precision + 1 - exponent;
        if (drop > 127)
                return sum < 0 ? -0.0 : 0.0;
        significand = (uint64_t) (q >> drop);
        rest = q & (((ufixed_t) 1 << drop) - 1);
        half = (ufixed_t) 1 << (drop - 1);
        if (rest > half || (rest == half && (significand & 1)))
                significand++;
        return ldexp(sum < 0 ? -(double) significand : (double) significand, exponent + drop);
}

double half_to_double(uint16_t half)
{
        int exponent = (half >> 10) & 0x1f;
        int mantissa = half & 0x3ff;
        double d;

        if (exponent == 0x1f)
                d = mantissa ? NAN : INFINITY;
        else if (exponent == 0)
                d = ldexp(mantissa, -24);
        else
                d = ldexp(mantissa | 0x400, exponent - 25);
        return half & 0x8000 ? -d : d;
}

uint16_t half_from_double(double d)
{
        uint16_t sign = signbit(d) ? 0x8000 : 0;
        int exponent;
        double fraction = frexp(fabs(d), &exponent); /* 0.5 <= fraction < 1 */

        if (fraction == 0)
                return sign;
        if (exponent <= -14)
                return sign | (uint16_t) ldexp(fraction, exponent + 24);
        return sign | (uint16_t) ((exponent + 14) << 10) | ((uint16_t) ldexp(fraction, 11) & 0x3ff);
}
