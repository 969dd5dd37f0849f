// Winograd's minimal filtering in one dimension: m outputs of a filter with 3 taps from fewer than 3 m products.
//
// With stride 1, m + 2 products for m outputs: in two dimensions 2.25 times fewer than 9 m^2 for m = 2, 4 times for m = 4. Each
// function is one dimension of a transform of y = A^T [(G g G^T) * (B^T d B)] A.      [Winograd 1980; Lavin 2016, section 4]
//
// A tile of OUT outputs reads READ inputs, the first of them BEFORE its place, and the place of the next is STEP inputs
// further.  Of its POINTS products the last may share a filter: there are FILTERS different ones.
#pragma once

#include <algorithm>

#include "vector.hpp"

namespace VARIANT {

// Points 0, 1, -1 and infinity.
struct F2 {
    static constexpr int OUT = 2, READ = 4, BEFORE = 1, STEP = 2, POINTS = 4, FILTERS = 4;

    INLINE void input(const vec* d, vec* t) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
    }
    INLINE void output(const vec* m, vec* y) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] - m[3];
    }
    INLINE void output_adjoint(const vec* y, vec* s) {
        s[0] = y[0];
        s[1] = y[0] + y[1];
        s[2] = y[0] - y[1];
        s[3] = -y[1];
    }
    INLINE void filter(const vec* g, vec* u) {
        const vec half = (g[0] + g[2]) * real(0.5), middle = g[1] * real(0.5);
        u[0] = g[0];
        u[1] = half + middle;
        u[2] = half - middle;
        u[3] = g[2];
    }
    INLINE void filter_adjoint(const vec* u, vec* g) {
        const vec half = (u[1] + u[2]) * real(0.5);
        g[0] = u[0] + half;
        g[1] = (u[1] - u[2]) * real(0.5);
        g[2] = half + u[3];
    }
};

// Points 0, 1/sqrt 2, -1/sqrt 2, sqrt 2, -sqrt 2 and infinity.  The usual 0, 1, -1, 2, -2 take as many operations, but their
// powers spread further: with 64 channels these have a fifth of the largest error and half of the mean one, as
// tools/winograd_points.py prints.
struct F4 {
    static constexpr int OUT = 4, READ = 6, BEFORE = 1, STEP = 4, POINTS = 6, FILTERS = 6;
    static constexpr real A = 0.70710678118654752, B = 1.4142135623730950; // the points; A A = 1/2, B B = 2, A B = 1

    INLINE void input(const vec* d, vec* t) {
        const vec even = d[4] - d[2] * real(2), odd = d[3] - d[1] * real(2);
        const vec even2 = d[4] - d[2] * real(0.5), odd2 = d[3] - d[1] * real(0.5);
        t[0] = d[0] + (d[4] - d[2] * real(2.5));
        t[1] = even + odd * A;
        t[2] = even - odd * A;
        t[3] = even2 + odd2 * B;
        t[4] = even2 - odd2 * B;
        t[5] = d[1] + (d[5] - d[3] * real(2.5));
    }
    INLINE void output(const vec* m, vec* y) {
        const vec s = m[1] + m[2], d = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
        y[0] = m[0] + s + s2;
        y[1] = d * A + d2 * B;
        y[2] = s * real(0.5) + s2 * real(2);
        y[3] = d * (A / 2) + (d2 * (B * 2) + m[5]);
    }
    INLINE void output_adjoint(const vec* y, vec* s) {
        const vec even = y[0] + y[2] * real(0.5), odd = y[1] * A + y[3] * (A / 2);
        const vec even2 = y[0] + y[2] * real(2), odd2 = y[1] * B + y[3] * (B * 2);
        s[0] = y[0];
        s[1] = even + odd;
        s[2] = even - odd;
        s[3] = even2 + odd2;
        s[4] = even2 - odd2;
        s[5] = y[3];
    }
    INLINE void filter(const vec* g, vec* u) {
        const vec even = (g[0] + g[2] * real(0.5)) * real(-2. / 3), odd = g[1] * real(-2. / 3 * A);
        const vec even2 = (g[0] + g[2] * real(2)) * real(1. / 6), odd2 = g[1] * real(1. / 6 * B);
        u[0] = g[0];
        u[1] = even + odd;
        u[2] = even - odd;
        u[3] = even2 + odd2;
        u[4] = even2 - odd2;
        u[5] = g[2];
    }
    INLINE void filter_adjoint(const vec* u, vec* g) {
        const vec s = (u[1] + u[2]) * real(-2. / 3), d = (u[1] - u[2]) * real(-2. / 3 * A);
        const vec s2 = (u[3] + u[4]) * real(1. / 6), d2 = (u[3] - u[4]) * real(1. / 6 * B);
        g[0] = u[0] + s + s2;
        g[1] = d + d2;
        g[2] = s * real(0.5) + s2 * real(2) + u[5];
    }
};

// With stride 2 filters are split by the phase of the inputs that they meet: those with an odd number meet two taps, which take
// 3 products for two outputs (points 0, 1 and infinity), and those with an even one the middle tap.  So 5 products do for 6,
// in two dimensions 25 for 36, with nothing but sums and differences.      [Huang 2020]
struct ByPhase {
    static constexpr int POINTS = 5, FILTERS = 4;

    INLINE void filter(const vec* g, vec* u) {
        u[0] = g[0];
        u[1] = g[0] + g[2];
        u[2] = g[2];
        u[3] = g[1];
    }
    INLINE void filter_adjoint(const vec* u, vec* g) {
        g[0] = u[0] + u[1];
        g[1] = u[3];
        g[2] = u[1] + u[2];
    }
};

// Two outputs y[n] = g0 x[2n - 1] + g1 x[2n] + g2 x[2n + 1].
struct Halving : ByPhase {
    static constexpr int OUT = 2, READ = 5, BEFORE = 1, STEP = 4;

    INLINE void input(const vec* d, vec* t) {
        t[0] = d[0] - d[2];
        t[1] = d[2];
        t[2] = d[4] - d[2];
        t[3] = d[1];
        t[4] = d[3];
    }
    INLINE void output(const vec* m, vec* y) {
        y[0] = m[0] + m[1] + m[3];
        y[1] = m[1] + m[2] + m[4];
    }
    INLINE void output_adjoint(const vec* y, vec* s) {
        s[0] = y[0];
        s[1] = y[0] + y[1];
        s[2] = y[1];
        s[3] = y[0];
        s[4] = y[1];
    }
};

// The gradient of its input, with the filter turned round: x[2n] = g1 y[n],  x[2n + 1] = g0 y[n] + g2 y[n + 1].
struct Doubling : ByPhase {
    static constexpr int OUT = 4, READ = 3, BEFORE = 0, STEP = 2;

    INLINE void input(const vec* d, vec* t) {
        t[0] = d[0] - d[1];
        t[1] = d[1];
        t[2] = d[2] - d[1];
        t[3] = d[0];
        t[4] = d[1];
    }
    INLINE void output(const vec* m, vec* y) {
        y[0] = m[3];
        y[1] = m[0] + m[1];
        y[2] = m[4];
        y[3] = m[1] + m[2];
    }
};

// Among the filters, the one of point p of a tile.
template <class F> constexpr int filter_of(int p) {
    return std::min(p / F::POINTS, F::FILTERS - 1) * F::FILTERS + std::min(p % F::POINTS, F::FILTERS - 1);
}

} // namespace VARIANT
