// The transforms of Winograd's minimal filtering F(m x m, 3 x 3):  y = A^T [(G g G^T) * (B^T d B)] A.
//
// m x m outputs from (m + 2) x (m + 2) inputs with (m + 2)^2 multiplications instead of 9 m^2: 2.25 times fewer for m = 2, 4 times
// for m = 4.  Each function is one dimension of a transform.      [Winograd 1980; Lavin 2016, section 4]
//
// The gradients are the exact adjoints: of the input with turned filters, of the filter
// dg = G^T [(B^T d B) * (A dy A^T)] G.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "norm_gradient.hpp"
#include "tiling.hpp"
#include "vector.hpp"

namespace VARIANT {

// Points 0, 1, -1 and infinity.
struct F2 {
    static constexpr int OUT = 2, IN = 4;

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
    static constexpr int OUT = 4, IN = 6;
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

// V = B^T d B for one tile and the channels first..last; V[point][c / 16][t][16].  What lies outside the image is zero, and not
// read: its address might not be ours.
template <class F, bool inside, bool prologue>
INLINE void transform_input(const real* x, const Tiling<F>& tiling, const typename Tiling<F>::Place& at, int channels,
                            int first, int last, const real* scale, const real* shift, real* v, int64_t v_point,
                            int64_t v_group) {
    constexpr int IN = F::IN;
    const int64_t line = int64_t(tiling.width) * channels, corner = at.pixel * channels - line - channels;
    const auto is_in = [](int i, int begin, int size) { return inside || (i == 0 ? begin > 0 : begin + i - 1 < size); };
    for (int c = first; c < last; c += WIDTH_OF_REGISTER) {
        vec half[IN][IN], scales = {}, shifts = {};
        if (prologue) scales = load(scale + c), shifts = load(shift + c);
        const real* from = opaque(x + (corner + c));
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++, from += channels) {
            vec d[IN] = {}, t[IN] = {};
            if (is_in(j, at.left, tiling.width)) {
#pragma GCC unroll 6
                for (int i = 0; i < IN; i++) {
                    if (!is_in(i, at.top, tiling.height)) continue;
                    d[i] = load(from + i * line);
                    if (prologue) d[i] = rectified(d[i] * scales + shifts);
                }
                F::input(d, t);
            }
#pragma GCC unroll 6
            for (int i = 0; i < IN; i++) half[i][j] = t[i];
        }
        real* to = opaque(v + c / PANEL * v_group + c % PANEL);
#pragma GCC unroll 6
        for (int i = 0; i < IN; i++, to += IN * v_point) {
            vec t[IN];
            F::input(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < IN; j++) store(to + j * v_point, t[j]);
        }
    }
}

template <class F>
static void transform_input(const real* x, const Tiling<F>& tiling, const typename Tiling<F>::Place& at, int channels,
                            int first, int last, const Prologue& prologue, real* v, int64_t v_point, int64_t v_group) {
    const bool inside =
        at.top > 0 && at.left > 0 && at.top + F::OUT < tiling.height && at.left + F::OUT < tiling.width;
    const real *scale = static_cast<const real*>(prologue.scale), *shift = static_cast<const real*>(prologue.shift);
    if (inside && scale)
        transform_input<F, true, true>(x, tiling, at, channels, first, last, scale, shift, v, v_point, v_group);
    else if (inside)
        transform_input<F, true, false>(x, tiling, at, channels, first, last, scale, shift, v, v_point, v_group);
    else if (scale)
        transform_input<F, false, true>(x, tiling, at, channels, first, last, scale, shift, v, v_point, v_group);
    else
        transform_input<F, false, false>(x, tiling, at, channels, first, last, scale, shift, v, v_point, v_group);
}

// S = A dy A^T for one tile and the channels first..last; S[point][k / 16][t][16].  Behind a norm, dy is made of dz here and
// written; each pixel is in one tile, so it happens once.
template <class F, Gate gate>
static void transform_gradient(const real* dz, const NormGradient& norm, const Tiling<F>& tiling,
                               const typename Tiling<F>::Place& at, int channels, int first, int last, real* s,
                               int64_t s_point, int64_t s_group) {
    constexpr int IN = F::IN, OUT = F::OUT;
    const int64_t line = int64_t(tiling.width) * channels;
    real* dy = numbers(norm.dy);
    for (int c = first; c < last; c += WIDTH_OF_REGISTER) {
        const GradientOf<gate> gradient(norm, c);
        int64_t column = opaque(at.pixel * channels + c);
        vec half[IN][OUT];
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++, column += channels) {
            vec d[OUT], t[IN];
#pragma GCC unroll 4
            for (int i = 0; i < OUT; i++) {
                d[i] = vec{};
                if (i >= at.rows || j >= at.cols) continue;
                const int64_t pixel = column + i * line;
                d[i] = gradient(load(dz + pixel), pixel);
                if (gate != Gate::NONE) store(dy + pixel, d[i]);
            }
            F::output_adjoint(d, t);
#pragma GCC unroll 6
            for (int i = 0; i < IN; i++) half[i][j] = t[i];
        }
        real* to = s + c / PANEL * s_group + c % PANEL;
#pragma GCC unroll 6
        for (int i = 0; i < IN; i++) {
            vec t[IN];
            F::output_adjoint(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < IN; j++) store(to + (i * IN + j) * s_point, t[j]);
        }
    }
}

// 3x3 filters of 16 output channels and up to 16 input channels.
struct Filters {
    alignas(64) real taps[PANEL][9][PANEL]; // [c][tap][k]

    INLINE int64_t place(const Strides& at, int q) { return q / 3 * at.row + q % 3 * at.column; }

    // Along the channels that lie side by side in memory. Along the others, the 144 cache lines of 16 filters fall into few sets
    // of the cache and each is fetched 16 times: the transform of 512 x 512 filters takes 1.4 to 1.9 times as long.
    void read(const real* w, const Strides& at, int channels) {
        if (at.out == 1)
            for (int c = 0; c < channels; c++)
                for (int q = 0; q < 9; q++) std::memcpy(taps[c][q], w + c * at.in + place(at, q), sizeof taps[c][q]);
        else
            for (int k = 0; k < PANEL; k++)
                for (int q = 0; q < 9; q++) {
                    const real* from = w + k * at.out + place(at, q);
                    for (int c = 0; c < channels; c++) taps[c][q][k] = from[c * at.in];
                }
    }
    void write(real* w, const Strides& at) const {
        for (int k = 0; k < PANEL; k++)
            for (int q = 0; q < 9; q++) {
                real* to = w + k * at.out + place(at, q);
                for (int c = 0; c < PANEL; c++) to[c * at.in] = taps[c][q][k];
            }
    }
};

// U = G g G^T for one panel of output channels and the input channels first..last; U[point][c][16].
template <class F>
static void transform_filters(const real* w, const Strides& at, int first, int last, int64_t u_point, real* u) {
    constexpr int IN = F::IN;
    Filters filters;
    for (int c = first; c < last; c++) {
        const int within = (c - first) % PANEL;
        if (within == 0) filters.read(w + c * at.in, at, std::min(PANEL, last - c));
        const auto& taps = filters.taps[within];
        for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) {
            vec half[IN][3];
            for (int j = 0; j < 3; j++) {
                const vec g[3] = {load(taps[j] + h), load(taps[3 + j] + h), load(taps[6 + j] + h)};
                vec t[IN];
                F::filter(g, t);
                for (int i = 0; i < IN; i++) half[i][j] = t[i];
            }
            for (int i = 0; i < IN; i++) {
                vec t[IN];
                F::filter(half[i], t);
                for (int j = 0; j < IN; j++) store(u + (i * IN + j) * u_point + c * PANEL + h, t[j]);
            }
        }
    }
}

// dg = G^T D G for a 16 x 16 block of channels; D[point][c][16], where the points of `parts` threads are summed in order.
template <class F>
static void transform_filter_gradient(const real* const* parts, int count, int64_t d_point, real* dw, const Strides& at) {
    constexpr int IN = F::IN;
    Filters filters;
    for (int c = 0; c < PANEL; c++)
        for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) {
            vec half[3][IN];
            for (int j = 0; j < IN; j++) {
                vec u[IN], g[3];
                for (int i = 0; i < IN; i++) {
                    const int64_t from = (i * IN + j) * d_point + c * PANEL + h;
                    u[i] = load(parts[0] + from);
                    for (int p = 1; p < count; p++) u[i] += load(parts[p] + from);
                }
                F::filter_adjoint(u, g);
                for (int i = 0; i < 3; i++) half[i][j] = g[i];
            }
            for (int i = 0; i < 3; i++) {
                vec g[3];
                F::filter_adjoint(half[i], g);
                for (int j = 0; j < 3; j++) store(filters.taps[c][i * 3 + j] + h, g[j]);
            }
        }
    filters.write(dw, at);
}

} // namespace VARIANT
