// Winograd's transforms of a tile, both dimensions:  y = A^T [(G g G^T) * (B^T d B)] A.
//
// The gradients are the exact adjoints: of the input with turned filters, of the filter
// dg = G^T [(B^T d B) * (A dy A^T)] G.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "minimal.hpp"
#include "norm_gradient.hpp"
#include "tiling.hpp"
#include "vector.hpp"

namespace VARIANT {

// V = B^T d B for one tile and the channels first..last; V[point][c / 16][t][16].  What lies outside the image is zero, and not
// read: its address might not be ours.
template <class F, bool inside, bool prologue>
INLINE void transform_input(const real* x, const Tiling<F>& tiling, const typename Tiling<F>::Place& at, int channels,
                            int first, int last, const real* scale, const real* shift, real* v, int64_t v_point,
                            int64_t v_group) {
    constexpr int READ = F::READ, POINTS = F::POINTS;
    const int64_t line = int64_t(tiling.in_width) * channels, corner = at.source * channels - F::BEFORE * (line + channels);
    const auto is_in = [](int i, int place, int size) {
        return inside || (i < F::BEFORE ? place > 0 : place + i - F::BEFORE < size);
    };
    for (int c = first; c < last; c += WIDTH_OF_REGISTER) {
        vec half[POINTS][READ], scales = {}, shifts = {};
        if (prologue) scales = load(scale + c), shifts = load(shift + c);
        const real* from = opaque(x + (corner + c));
#pragma GCC unroll 6
        for (int j = 0; j < READ; j++, from += channels) {
            vec d[READ] = {}, t[POINTS] = {};
            if (is_in(j, at.in_left, tiling.in_width)) {
#pragma GCC unroll 6
                for (int i = 0; i < READ; i++) {
                    if (!is_in(i, at.in_top, tiling.in_height)) continue;
                    d[i] = load(from + i * line);
                    if (prologue) d[i] = rectified(d[i] * scales + shifts);
                }
                F::input(d, t);
            }
#pragma GCC unroll 6
            for (int i = 0; i < POINTS; i++) half[i][j] = t[i];
        }
        real* to = opaque(v + c / PANEL * v_group + c % PANEL);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++, to += POINTS * v_point) {
            vec t[POINTS];
            F::input(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < POINTS; j++) store(to + j * v_point, t[j]);
        }
    }
}

template <class F>
static void transform_input(const real* x, const Tiling<F>& tiling, const typename Tiling<F>::Place& at, int channels,
                            int first, int last, const Prologue& prologue, real* v, int64_t v_point, int64_t v_group) {
    const auto is_inside = [](int place, int size) {
        return place >= F::BEFORE && place - F::BEFORE + F::READ <= size;
    };
    const bool inside = is_inside(at.in_top, tiling.in_height) && is_inside(at.in_left, tiling.in_width);
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
    constexpr int POINTS = F::POINTS, OUT = F::OUT;
    const int64_t line = int64_t(tiling.width) * channels;
    real* dy = numbers(norm.dy);
    for (int c = first; c < last; c += WIDTH_OF_REGISTER) {
        const GradientOf<gate> gradient(norm, c);
        int64_t column = opaque(at.pixel * channels + c);
        vec half[POINTS][OUT];
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++, column += channels) {
            vec d[OUT], t[POINTS];
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
            for (int i = 0; i < POINTS; i++) half[i][j] = t[i];
        }
        real* to = s + c / PANEL * s_group + c % PANEL;
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++) {
            vec t[POINTS];
            F::output_adjoint(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < POINTS; j++) store(to + (i * POINTS + j) * s_point, t[j]);
        }
    }
}

// to[c * to_row + k] = w[k * out + c * in] for 16 output channels and `channels` input channels, at most 16.  Along the channels
// that lie side by side in memory: along the others, the cache lines of 16 filters fall into few sets of the cache and each
// is fetched 16 times; the transform of 512 x 512 filters takes 1.4 to 1.9 times as long.
INLINE void read_square(const real* w, int64_t out, int64_t in, int channels, real* to, int64_t to_row) {
    if (out == 1)
        for (int c = 0; c < channels; c++) std::memcpy(to + c * to_row, w + c * in, sizeof(real) * PANEL);
    else if (in == 1 && channels == PANEL)
        transpose(w, out, to, to_row);
    else
        for (int k = 0; k < PANEL; k++)
            for (int c = 0; c < channels; c++) to[c * to_row + k] = w[k * out + c * in];
}

// The same back, for 16 input channels.
INLINE void write_square(const real* from, int64_t from_row, real* w, int64_t out, int64_t in) {
    if (in == 1) return transpose(from, from_row, w, out);
    for (int k = 0; k < PANEL; k++)
        for (int c = 0; c < PANEL; c++) w[k * out + c * in] = from[c * from_row + k];
}

// 3x3 filters of 16 output channels and up to 16 input channels.
struct Filters {
    alignas(64) real taps[PANEL][9][PANEL]; // [c][tap][k]

    INLINE int64_t place(const Strides& at, int q) { return q / 3 * at.row + q % 3 * at.column; }

    void read(const real* w, const Strides& at, int channels) {
        for (int q = 0; q < 9; q++) read_square(w + place(at, q), at.out, at.in, channels, taps[0][q], 9 * PANEL);
    }
    void write(real* w, const Strides& at) const {
        for (int q = 0; q < 9; q++) write_square(taps[0][q], 9 * PANEL, w + place(at, q), at.out, at.in);
    }
};

// U = G g G^T for one panel of output channels and the input channels first..last; U[filter][c][16].
template <class F>
static void transform_filters(const real* w, const Strides& at, int first, int last, int64_t u_point, real* u) {
    constexpr int FILTERS = F::FILTERS;
    Filters filters;
    for (int c = first; c < last; c++) {
        const int within = (c - first) % PANEL;
        if (within == 0) filters.read(w + c * at.in, at, std::min(PANEL, last - c));
        const auto& taps = filters.taps[within];
        for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) {
            vec half[FILTERS][3];
            for (int j = 0; j < 3; j++) {
                const vec g[3] = {load(taps[j] + h), load(taps[3 + j] + h), load(taps[6 + j] + h)};
                vec t[FILTERS];
                F::filter(g, t);
                for (int i = 0; i < FILTERS; i++) half[i][j] = t[i];
            }
            for (int i = 0; i < FILTERS; i++) {
                vec t[FILTERS];
                F::filter(half[i], t);
                for (int j = 0; j < FILTERS; j++) store(u + (i * FILTERS + j) * u_point + c * PANEL + h, t[j]);
            }
        }
    }
}

// dg = G^T D G for a 16 x 16 block of channels; D[filter][c][16], where those of `parts` threads are summed in order.
template <class F>
static void transform_filter_gradient(const real* const* parts, int count, int64_t d_point, real* dw, const Strides& at) {
    constexpr int FILTERS = F::FILTERS;
    Filters filters;
    for (int c = 0; c < PANEL; c++)
        for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) {
            vec half[3][FILTERS];
            for (int j = 0; j < FILTERS; j++) {
                vec u[FILTERS], g[3];
                for (int i = 0; i < FILTERS; i++) {
                    const int64_t from = (i * FILTERS + j) * d_point + c * PANEL + h;
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
