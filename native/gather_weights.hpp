// The gradient of the filters of every other convolution: a product of gathered pixels with the gradient of the output.
#pragma once

#include "gather.hpp"
#include "winograd_weights.hpp"

namespace VARIANT {

// Pixels in a block of the sum: two panels of them take half of an L1 cache, and sums that fit no cache are read and written
// seldom (24 pixels of 256 channels take 1.3 times as long).
constexpr int PIXELS_OF_GRADIENT = 96;
constexpr int64_t COPIES_BYTES = int64_t(64) << 20; // gradients that threads may keep for themselves, all together
constexpr int GATHERED_AT_ONCE = 16;                // pixels, where threads share them out

// Panels of output channels for which inputs that stand row by row are read in place: 1.02 to 1.12 times as fast.  With 16 and
// more, each of which reads them anew across many sets of the cache, AVX2 takes up to 1.6 times as long.
constexpr int PANELS_OF_DIRECT = 8;

// Whether all pixels take less memory than a copy of the gradient.  By pixels, four images of 512 to 2,048 channels at 4x4
// and 7x7 take 1.1 to 2.2 times as long.
inline bool are_few(const Gathering& g) {
    const int64_t channels = g.groups() * PANEL;
    return g.pixels() > 0 && g.pixels() * (channels + g.out_channels) < channels * g.out_channels;
}

// S[k / 16][t][16], the gradient of the output, made here where a norm is behind it.
template <Gate gate>
static void gather_gradient(const real* dz, const NormGradient& norm, int channels, int64_t first, int count, real* s,
                            int64_t group) {
    real* dy = numbers(norm.dy);
    for (int t = 0; t < count; t++) {
        real* to = s + t * PANEL;
        int64_t at = (first + t) * channels;
        for (int c = 0; c < channels; c += PANEL, to += group)
            for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER, at += WIDTH_OF_REGISTER) {
                const vec d = GradientOf<gate>(norm, c + h)(load(dz + at), at);
                if (gate != Gate::NONE) store(dy + at, d);
                store(to + h, d);
            }
    }
}

// One 16 x 16 block of the gradient, summed over threads.
static void sum_gradient(const Gathering& g, const real* parts, int count, int64_t d_size, int group, int panel, real* dw,
                         const Strides& at) {
    const int first = group * PANEL, used = std::min(PANEL, g.taps.count * g.in_channels - first);
    alignas(64) real sum[PANEL * PANEL];
    for (int i = 0; i < PANEL * PANEL; i += WIDTH_OF_REGISTER) {
        vec total = load(parts + i);
        for (int p = 1; p < count; p++) total += load(parts + p * d_size + i);
        store(sum + i, total);
    }
    real* to = dw + panel * PANEL * at.out;
    const auto place = [&](int i) {
        return (first + i) % g.in_channels * at.in + g.taps.weight[(first + i) / g.in_channels];
    };
    if (g.in_channels % PANEL == 0) return write_square(sum, PANEL, to + place(0), at.out, at.in);
    for (int i = 0; i < used; i++)
        for (int k = 0; k < PANEL; k++) to[k * at.out + place(i)] = sum[i * PANEL + k];
}

// What the block of `count` pixels from `first` on will read and write.  Without, 1x1 filters of 16 images take 1.0 to 1.15 times
// as long; of pixels that a stride leaves out it would ask for too much.
inline Soon soon_of_gradient(const Gathering& g, const real* x, const real* dy, const NormGradient& norm, int64_t first,
                             int64_t count) {
    Soon soon;
    const auto add = [&](const void* from, int channels) {
        if (from && g.pixels() * channels * int64_t(sizeof(real)) > IN_CORE_BYTES)
            soon.add(numbers(from) + first * channels, count * channels);
    };
    if (is_row_by_row(g)) add(x, g.in_channels);
    for (const void* image : {static_cast<const void*>(dy), norm.y, norm.gate, static_cast<const void*>(norm.dy)})
        add(image, g.out_channels);
    soon.spread_over(int64_t(g.groups()) * (g.out_channels / PANEL) * KERNELS_OF_OUTER);
    return soon;
}

// The gradient of the weights: a sum over pixels for each thread, then over threads in their order.
template <Gate gate>
static void gather_weights_by_pixels(const Gathering& g, const real* x, const real* dy, real* dw, const Strides& at,
                                     const Prologue& prologue, const NormGradient& norm, int block) {
    const int groups = g.groups(), panels = g.out_channels / PANEL, blocks = divided_up(g.pixels(), block);
    const int64_t group = int64_t(block) * PANEL, v_size = padded(group * groups), s_size = padded(group * panels);
    const int64_t d_size = int64_t(groups) * panels * PANEL * PANEL;
    const int threads = threads_for(std::min<int64_t>(blocks, 1 + COPIES_BYTES / (d_size * int64_t(sizeof(real)))));
    const bool direct = is_row_by_row(g) && !prologue.scale && panels <= PANELS_OF_DIRECT;
    const int64_t input_group = direct ? PANEL : group, input_row = direct ? g.in_channels : PANEL;
    real* tiles = room<real>(TILES, threads * v_size);
    real* gradients = room<real>(GRADIENTS, threads * s_size);
    real* sums = room<real>(PARTIAL, threads * d_size);
#pragma omp parallel num_threads(threads)
    {
        const int thread = omp_get_thread_num();
        real *v = tiles + thread * v_size, *s = gradients + thread * s_size, *d = sums + thread * d_size;
        const int64_t begin = share(blocks, thread, threads), end = share(blocks, thread + 1, threads);
        for (int64_t b = begin; b < end; b++) {
            const int64_t first = b * block;
            const int count = int(std::min<int64_t>(block, g.pixels() - first));
            if (!direct) gather(g, x, prologue, first, count, v, group);
            gather_gradient<gate>(dy, norm, g.out_channels, first, count, s, group);
            const real* const inputs = direct ? x + first * g.in_channels : v;
            const int64_t next = first + block;
            Soon soon = soon_of_gradient(g, x, dy, norm, next, std::min<int64_t>(block, g.pixels() - next));
            for (int i = 0; i < groups; i++)
                for (int k = 0; k < panels; k++)
                    outer(inputs + i * input_group, input_row, s + k * group,
                          d + (int64_t(i) * panels + k) * PANEL * PANEL, count, b > begin, &soon);
        }
#pragma omp barrier
#pragma omp for schedule(static)
        for (int q = 0; q < groups * panels; q++)
            sum_gradient(g, sums + int64_t(q) * PANEL * PANEL, threads, d_size, q / panels, q % panels, dw, at);
    }
}

// Threads gather all pixels together and share out blocks of the gradient: for many channels and few pixels, where copies of
// the gradient are larger than what is gathered.
template <Gate gate>
static void gather_weights_by_channels(const Gathering& g, const real* x, const real* dy, real* dw, const Strides& at,
                                       const Prologue& prologue, const NormGradient& norm, int block) {
    const int groups = g.groups(), panels = g.out_channels / PANEL, pixels = int(g.pixels());
    const int rows = divided_up(groups, SIDE), columns = divided_up(panels, SIDE), pieces = rows * columns;
    const int parts = divided_up(pixels, GATHERED_AT_ONCE), threads = threads_for(pieces);
    const int64_t group = int64_t(pixels) * PANEL;
    real *v = room<real>(TILES, group * groups), *s = room<real>(GRADIENTS, group * panels);
    Shares gathering(parts, threads), multiplying(pieces, threads);
#pragma omp parallel num_threads(threads)
    {
        gathering.each([&](int part) {
            const int first = part * GATHERED_AT_ONCE, count = std::min(GATHERED_AT_ONCE, pixels - first);
            gather(g, x, prologue, first, count, v + first * PANEL, group);
            gather_gradient<gate>(dy, norm, g.out_channels, first, count, s + first * PANEL, group);
        });
#pragma omp barrier
        multiplying.each([&](int piece) {
            alignas(64) real d[SIDE * SIDE * PANEL * PANEL];
            const int i0 = piece / columns * SIDE, i1 = std::min(i0 + SIDE, groups);
            const int k0 = piece % columns * SIDE, k1 = std::min(k0 + SIDE, panels);
            for (int first = 0; first < pixels; first += block)
                for (int i = i0; i < i1; i++)
                    for (int k = k0; k < k1; k++)
                        outer(v + i * group + first * PANEL, PANEL, s + k * group + first * PANEL,
                              d + ((i - i0) * SIDE + k - k0) * PANEL * PANEL, std::min(block, pixels - first), first > 0);
            for (int i = i0; i < i1; i++)
                for (int k = k0; k < k1; k++)
                    sum_gradient(g, d + ((i - i0) * SIDE + k - k0) * PANEL * PANEL, 1, 0, i, k, dw, at);
        });
    }
}

template <Gate gate>
static void gather_weights(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                           const Prologue& prologue, const NormGradient& norm, const Plan& plan) {
    const Gathering g = gathering_of(c, at);
    const int block = int(std::min<int64_t>(plan.tiles ? plan.tiles : PIXELS_OF_GRADIENT, g.pixels()));
    if (plan.tiles ? plan.by_channels : are_few(g))
        return gather_weights_by_channels<gate>(g, x, dy, dw, at, prologue, norm, block);
    gather_weights_by_pixels<gate>(g, x, dy, dw, at, prologue, norm, block);
}

static void gather_weights(const Convolution& c, const real* x, const real* dy, real* dw, const Strides& at,
                           const Prologue& prologue, const NormGradient& norm, const Plan& plan) {
    with_gate(norm, [&](auto gate) { gather_weights<decltype(gate)::value>(c, x, dy, dw, at, prologue, norm, plan); });
}

} // namespace VARIANT
