// The gradient of the filters by the adjoint of Winograd's algorithm: dg = G^T [sum over tiles of (B^T d B) * (A dy A^T)] G.
#pragma once

#include "winograd.hpp"

namespace VARIANT {

constexpr int64_t PRIVATE_BYTES = 6 << 20;      // gradients that each thread may keep for itself
constexpr int64_t ALL_PRIVATE_BYTES = 64 << 20; // and all threads together
constexpr int SIDE = 4;                         // panels along a side of the blocks that threads share out instead

// Whether a point before this one has the same filter.
template <class F> constexpr bool is_again(int p) { return p / F::POINTS >= F::FILTERS || p % F::POINTS >= F::FILTERS; }

// Threads share out the tiles, and each sums a gradient of its own.  Tiles are dealt out evenly and in order: the parts
// are then the same in every run with so many threads.
template <class F, Gate gate>
static void weights_by_tiles(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                             const Prologue& prologue, const NormGradient& norm, int block) {
    constexpr int POINTS = F::POINTS * F::POINTS, FILTERS = F::FILTERS * F::FILTERS;
    const Tiling<F> tiling(c);
    const int groups = c.channels / PANEL, panels = c.out_channels / PANEL;
    const int blocks = divided_up(tiling.count, block), threads = threads_for(blocks);
    const int64_t group = int64_t(block) * PANEL, v_point = padded(group * groups), s_point = padded(group * panels);
    const int64_t d_point = padded(int64_t(groups) * panels * PANEL * PANEL);
    real* tiles = room<real>(TILES, threads * POINTS * v_point);
    real* gradients = room<real>(GRADIENTS, threads * POINTS * s_point);
    real* sums = room<real>(PARTIAL, threads * FILTERS * d_point);
#pragma omp parallel num_threads(threads)
    {
        const int thread = omp_get_thread_num();
        real *v = tiles + thread * POINTS * v_point, *s = gradients + thread * POINTS * s_point;
        real* d = sums + thread * FILTERS * d_point;
        const int64_t begin = share(blocks, thread, threads), end = share(blocks, thread + 1, threads);
        for (int64_t b = begin; b < end; b++) {
            const int64_t first = b * block;
            const int count = int(std::min<int64_t>(block, tiling.count - first));
            auto tile = tiling[first];
            for (int t = 0; t < count; t++, tile = tiling.after(tile)) {
                transform_input<F>(x, tiling, tile, c.channels, 0, c.channels, prologue, v + t * PANEL, v_point, group);
                transform_gradient<F, gate>(dy, norm, tiling, tile, c.out_channels, 0, c.out_channels, s + t * PANEL,
                                            s_point, group);
            }
            Soon soon = soon_under(tiling, first + block, block, int64_t(POINTS) * groups * panels * KERNELS_OF_OUTER,
                                   {{x, c.channels, true},
                                    {dy, c.out_channels},
                                    {norm.y, c.out_channels},
                                    {norm.gate, c.out_channels},
                                    {norm.dy, c.out_channels}});
            for (int p = 0; p < POINTS; p++)
                for (int i = 0; i < groups; i++)
                    for (int k = 0; k < panels; k++)
                        outer(v + p * v_point + i * group, PANEL, s + p * s_point + k * group,
                              d + filter_of<F>(p) * d_point + (int64_t(i) * panels + k) * PANEL * PANEL, count,
                              b > begin || is_again<F>(p), &soon);
        }
#pragma omp barrier
#pragma omp for schedule(static)
        for (int q = 0; q < groups * panels; q++) {
            const real* parts[MOST_THREADS];
            for (int i = 0; i < threads; i++) parts[i] = sums + i * FILTERS * d_point + int64_t(q) * PANEL * PANEL;
            transform_filter_gradient<F>(parts, threads, d_point,
                                         dw + q % panels * PANEL * at.out + q / panels * PANEL * at.in, at);
        }
    }
}

// Threads share out blocks of the gradient: for many channels, whose gradients fit no cache.
template <class F, Gate gate>
static void weights_by_channels(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                                const Prologue& prologue, const NormGradient& norm, int block) {
    constexpr int POINTS = F::POINTS * F::POINTS, FILTERS = F::FILTERS * F::FILTERS;
    const Tiling<F> tiling(c);
    const int groups = c.channels / PANEL, panels = c.out_channels / PANEL;
    const int rows = divided_up(groups, SIDE), columns = divided_up(panels, SIDE), pieces = rows * columns;
    const int blocks = divided_up(tiling.count, block), threads = threads_for(pieces);
    const int64_t group = int64_t(block) * PANEL, v_point = padded(group * groups), s_point = padded(group * panels);
    const int64_t d_point = padded(SIDE * SIDE * PANEL * PANEL);
    real *v = room<real>(TILES, POINTS * v_point), *s = room<real>(GRADIENTS, POINTS * s_point);
    real* sums = room<real>(PARTIAL, pieces * FILTERS * d_point);
    const int slice = 64, v_slices = divided_up(c.channels, slice), s_slices = divided_up(c.out_channels, slice);
#pragma omp parallel num_threads(threads)
    for (int b = 0; b < blocks; b++) {
        const int64_t first = int64_t(b) * block;
        const int count = int(std::min<int64_t>(block, tiling.count - first));
#pragma omp for schedule(dynamic, 4) nowait
        for (int q = 0; q < count * v_slices; q++) {
            const int t = q / v_slices, from = q % v_slices * slice;
            transform_input<F>(x, tiling, tiling[first + t], c.channels, from, std::min(from + slice, c.channels), prologue,
                               v + t * PANEL, v_point, group);
        }
#pragma omp for schedule(dynamic, 4)
        for (int q = 0; q < count * s_slices; q++) {
            const int t = q / s_slices, from = q % s_slices * slice;
            transform_gradient<F, gate>(dy, norm, tiling, tiling[first + t], c.out_channels, from,
                                        std::min(from + slice, c.out_channels), s + t * PANEL, s_point, group);
        }
#pragma omp for schedule(dynamic, 1)
        for (int piece = 0; piece < pieces; piece++) {
            const int i0 = piece / columns * SIDE, i1 = std::min(i0 + SIDE, groups);
            const int k0 = piece % columns * SIDE, k1 = std::min(k0 + SIDE, panels);
            real* d = sums + piece * FILTERS * d_point;
            for (int p = 0; p < POINTS; p++)
                for (int i = i0; i < i1; i++)
                    for (int k = k0; k < k1; k++)
                        outer(v + p * v_point + i * group, PANEL, s + p * s_point + k * group,
                              d + filter_of<F>(p) * d_point + ((i - i0) * SIDE + k - k0) * PANEL * PANEL, count,
                              b > 0 || is_again<F>(p));
            if (b < blocks - 1) continue;
            for (int i = i0; i < i1; i++)
                for (int k = k0; k < k1; k++) {
                    const real* part = d + ((i - i0) * SIDE + k - k0) * PANEL * PANEL;
                    transform_filter_gradient<F>(&part, 1, d_point, dw + k * PANEL * at.out + i * PANEL * at.in, at);
                }
        }
    }
}

template <class F, Gate gate>
static void winograd_weights(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                             const Prologue& prologue, const NormGradient& norm, const Plan& plan) {
    const int64_t count = Tiling<F>(c).count;
    const int64_t bytes = winograd_packed_size<F>(c) * int64_t(sizeof(real));
    const bool large = bytes > PRIVATE_BYTES || bytes * threads_for(count) > ALL_PRIVATE_BYTES;
    if (plan.tiles ? plan.by_channels : large) {
        const int block = plan.tiles ? plan.tiles : 64;
        return weights_by_channels<F, gate>(c, x, dy, dw, at, prologue, norm, int(std::min<int64_t>(block, count)));
    }
    const int fit = tiles_in_block<F>((c.channels + c.out_channels) / 2, count);
    const int block = plan.tiles ? plan.tiles : std::max(12, fit / 24 * 12);
    weights_by_tiles<F, gate>(c, x, dy, dw, at, prologue, norm, int(std::min<int64_t>(block, count)));
}

template <class F>
static void winograd_weights(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                             const Prologue& prologue, const NormGradient& norm, const Plan& plan) {
    with_gate(norm, [&](auto gate) {
        winograd_weights<F, decltype(gate)::value>(c, x, dy, dw, at, prologue, norm, plan);
    });
}

} // namespace VARIANT
