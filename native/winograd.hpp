// 3x3 convolution by Winograd's algorithm: transform tiles, multiply point by point, transform back.
//
// A block of tiles and its products stay in the L2 cache; only images are read from and written to memory.
#pragma once

#include "epilogue.hpp"
#include "multiply.hpp"
#include "threads.hpp"
#include "transforms.hpp"
#include "workspace.hpp"

namespace VARIANT {

constexpr int64_t TILES_BYTES = 224 << 10; // transformed tiles of a block: a quarter of a 1 MB L2 cache

// The size of a block, at most `most`, with which all blocks are about as large, and as many for each thread.  A small rest
// would read all filters too: 192 of the 196 pixels of a 14x14 image would leave 4; ResNet-50 answers one image 5 % sooner.
// And three blocks keep two threads busy for as long as four: 256 tiles in blocks of 96 took 1.3 times as long as of 64.
inline int even_block(int64_t count, int64_t most, int threads) {
    const int blocks = divided_up(divided_up(count, most), threads) * threads;
    return std::max(1, divided_up(count, std::max(1, blocks)));
}

// Tiles in a block: as many as fit, full kernels, between 12 and 48.
template <class F> int tiles_in_block(int channels, int64_t count) {
    const int64_t fit = TILES_BYTES / (int64_t(sizeof(real)) * F::POINTS * F::POINTS * channels) / 12 * 12;
    return int(std::min<int64_t>(std::max<int64_t>(12, std::min<int64_t>(48, fit)), count));
}

// Numbers between the filters of a panel, transformed for one point and the next.
inline int64_t filter_point(int channels) { return int64_t(channels) * PANEL; }

// Filters that take more fit no L2 cache of 1 MB beside the tiles; they are asked for beforehand.  To ask for less costs
// ResNet-20's training 1 %.
constexpr int64_t ASKED_FOR_BYTES = 512 << 10;

inline bool are_asked_for(int64_t filters) { return filters * int64_t(sizeof(real)) > ASKED_FOR_BYTES; }

// y = A^T M A for one tile and one panel of output channels.
template <class F, Ending ending>
INLINE void transform_output(const real* m, int64_t m_point, const typename Tiling<F>::Place& at, int64_t line,
                             int channels, int first_channel, real* y, Finish<ending>& finish) {
    constexpr int POINTS = F::POINTS, OUT = F::OUT;
    vec half[REGISTERS][OUT][POINTS];
#pragma GCC unroll 2
    for (int h = 0; h < REGISTERS; h++) {
        const real* from = opaque(m + h * WIDTH_OF_REGISTER);
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++, from += m_point) {
            vec column[POINTS], t[OUT];
#pragma GCC unroll 6
            for (int i = 0; i < POINTS; i++) column[i] = load(from + i * POINTS * m_point);
            F::output(column, t);
#pragma GCC unroll 4
            for (int i = 0; i < OUT; i++) half[h][i][j] = t[i];
        }
    }
    // A pixel's registers are written together: half a cache line that goes past the caches alone costs a whole one.
    int64_t row = opaque(at.pixel * channels + first_channel);
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++, row += line) {
        if (i >= at.rows) break;
        vec t[REGISTERS][OUT];
#pragma GCC unroll 2
        for (int h = 0; h < REGISTERS; h++) F::output(half[h][i], t[h]);
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) {
            if (j >= at.cols) break;
            const int64_t to = row + j * int64_t(channels);
#pragma GCC unroll 2
            for (int h = 0; h < REGISTERS; h++)
                Finish<ending>::put(finish, t[h][j], h, first_channel + h * WIDTH_OF_REGISTER, y,
                                    to + h * WIDTH_OF_REGISTER);
        }
    }
}

// For `some` panels of output channels from `panel` on, whose products stand `group` numbers apart.
template <class F, Ending ending>
static void outputs_of_panels(const real* m, int64_t group, int64_t m_point, const Tiling<F>& tiling, int64_t first_tile,
                              int tiles, int channels, int panel, int some, real* y, const Epilogue& epilogue,
                              double* sums) {
    if constexpr (ending == Ending::FINISHED)
        if (is_answer(epilogue))
            return with_answer(epilogue, [&](auto found) {
                outputs_of_panels<F, decltype(found)::value>(m, group, m_point, tiling, first_tile, tiles, channels, panel,
                                                             some, y, epilogue, sums);
            });
    const int64_t line = int64_t(tiling.width) * channels;
    const int together = panels_together(ending, some);
    for (int i = 0; i < some; i += together, m += together * group, panel += together) {
        Finish<ending> finish(epilogue, panel * PANEL, past_caches(y, tiling.pixels() * channels));
        auto at = tiling[first_tile];
        for (int t = 0; t < tiles; t++, at = tiling.after(at))
            for (int p = 0; p < together; p++)
                transform_output<F, ending>(m + p * group + t * PANEL, m_point, at, line, channels, (panel + p) * PANEL, y,
                                            finish);
        if (has_sums(ending)) finish.count(sums + panel * PANEL, sums + channels + panel * PANEL);
    }
}

// M = V U, point by point, for some panels of output channels; `next` are the filters that come after these, if they are to
// be asked for.
template <class F>
static void multiply_points(const real* v, int64_t v_point, int64_t group, int groups, const real* u, int64_t u_panel,
                            int64_t u_point, real* m, int64_t m_point, int tiles, int panels, const real* next, Soon* soon) {
    constexpr int POINTS = F::POINTS * F::POINTS;
    for (int p = 0; p < POINTS; p++) {
        const real* const asked = next && p + 1 < POINTS ? u + filter_of<F>(p + 1) * u_point : next;
        multiply(v + p * v_point, InPanels{group}, groups, u + filter_of<F>(p) * u_point, u_panel, m + p * m_point, group,
                 tiles, panels, {}, soon, asked);
    }
}

// Threads share out the tiles; each block runs through all output channels.
template <class F, Ending ending>
static void winograd_by_tiles(const Convolution& c, const real* x, const real* u, real* y, const Prologue& prologue,
                              const Epilogue& epilogue, int block, int panels_in_block) {
    constexpr int POINTS = F::POINTS * F::POINTS, FILTERS = F::FILTERS * F::FILTERS;
    const Tiling<F> tiling(c);
    const int groups = c.channels / PANEL, panels = c.out_channels / PANEL;
    const int blocks = divided_up(tiling.count, block), threads = threads_for(blocks);
    const int64_t group = int64_t(block) * PANEL, u_point = filter_point(c.channels), u_panel = FILTERS * u_point;
    const int64_t v_point = padded(group * groups), m_point = padded(group * panels_in_block);
    const bool asks = are_asked_for(panels * u_panel);
    real* tiles = room<real>(TILES, threads * POINTS * v_point);
    real* products = room<real>(PRODUCTS, threads * POINTS * m_point);
    const int64_t width = has_sums(ending) ? 2 * int64_t(c.out_channels) : 0;
    double* sums = room<double>(SUMS, blocks * width);
    std::memset(sums, 0, sizeof(double) * blocks * width);
    Shares shares(blocks, threads);
#pragma omp parallel num_threads(threads)
    {
        real* v = tiles + omp_get_thread_num() * POINTS * v_point;
        real* m = products + omp_get_thread_num() * POINTS * m_point;
        shares.each([&](int b) {
            const int64_t first = int64_t(b) * block;
            const int count = int(std::min<int64_t>(block, tiling.count - first));
            auto at = tiling[first];
            for (int t = 0; t < count; t++, at = tiling.after(at))
                transform_input<F>(x, tiling, at, c.channels, 0, c.channels, prologue, v + t * PANEL, v_point, group);
            const int64_t kernels = POINTS * divided_up(panels, PANELS_AT_ONCE) * kernels_of_product(groups, block);
            Soon soon = soon_under(tiling, first + block, block, kernels,
                                   {{x, c.channels, true},
                                    {y, c.out_channels},
                                    {epilogue.value, c.out_channels},
                                    {epilogue.residual, c.out_channels},
                                    {epilogue.residual_mask, c.out_channels}});
            for (int k = 0; k < panels; k += panels_in_block) {
                const int some = std::min(panels_in_block, panels - k);
                multiply_points<F>(v, v_point, group, groups, u + k * u_panel, u_panel, u_point, m, m_point, count, some,
                                   !asks ? nullptr : k + some < panels ? u + (k + some) * u_panel : u, &soon);
                outputs_of_panels<F, ending>(m, group, m_point, tiling, first, count, c.out_channels, k, some, y, epilogue,
                                             sums + b * width);
            }
        });
    }
    if (has_sums(ending)) sum_parts(sums, blocks, width, epilogue.sums);
}

// Threads share out the output channels of one large block of tiles: for small images with many channels, where each
// thread then reads only its part of the filters.  Where `w` is given, filters are transformed just before their use:
// the transformed ones of 512 x 512 channels (38 MB) fit no cache.
template <class F, Ending ending>
static void winograd_by_channels(const Convolution& c, const real* x, const real* u, const real* w, const Strides& at,
                                 real* y, const Prologue& prologue, const Epilogue& epilogue, int block,
                                 int panels_in_round) {
    constexpr int POINTS = F::POINTS * F::POINTS, FILTERS = F::FILTERS * F::FILTERS;
    const Tiling<F> tiling(c);
    const int groups = c.channels / PANEL, panels = c.out_channels / PANEL, some = std::min(panels_in_round, panels);
    const int blocks = divided_up(tiling.count, block), rounds = divided_up(panels, some), threads = threads_for(rounds);
    const int64_t group = int64_t(block) * PANEL, u_point = filter_point(c.channels), u_panel = FILTERS * u_point;
    const int64_t v_point = padded(group * groups), m_point = padded(group * some);
    const bool asks = !w && are_asked_for(panels * u_panel);
    real* v = room<real>(TILES, POINTS * v_point);
    real* products = room<real>(PRODUCTS, threads * POINTS * m_point);
    real* filters = w ? room<real>(WEIGHTS, threads * some * u_panel) : nullptr;
    const int64_t width = has_sums(ending) ? 2 * int64_t(c.out_channels) : 0;
    double* sums = room<double>(SUMS, blocks * width);
    std::memset(sums, 0, sizeof(double) * blocks * width);
    const int slice = std::min(c.channels, 64), slices = divided_up(c.channels, slice);
    for (int b = 0; b < blocks; b++) {
        const int64_t first = int64_t(b) * block;
        const int count = int(std::min<int64_t>(block, tiling.count - first));
        Shares transforming(count * slices, threads), multiplying(rounds, threads);
#pragma omp parallel num_threads(threads)
        {
            real* m = products + omp_get_thread_num() * POINTS * m_point;
            transforming.each([&](int q) {
                const int t = q / slices, from = q % slices * slice;
                transform_input<F>(x, tiling, tiling[first + t], c.channels, from, std::min(from + slice, c.channels), prologue,
                                   v + t * PANEL, v_point, group);
            });
#pragma omp barrier
            multiplying.each([&](int r) {
                const int k = r * some, here = std::min(some, panels - k);
                const real* factors = u + k * u_panel;
                if (w) {
                    real* own = filters + omp_get_thread_num() * some * u_panel;
                    for (int i = 0; i < here; i++)
                        transform_filters<F>(w + (k + i) * PANEL * at.out, at, 0, c.channels, u_point, own + i * u_panel);
                    factors = own;
                }
                multiply_points<F>(v, v_point, group, groups, factors, u_panel, u_point, m, m_point, count, here,
                                   !asks ? nullptr : k + here < panels ? u + (k + here) * u_panel : u, nullptr);
                outputs_of_panels<F, ending>(m, group, m_point, tiling, first, count, c.out_channels, k, here, y, epilogue,
                                             sums + b * width);
            });
        }
    }
    if (has_sums(ending)) sum_parts(sums, blocks, width, epilogue.sums);
}

// All filters transformed: U[k / 16][filter][c][16].
template <class F>
static void winograd_pack(const Convolution& c, const real* w, const Strides& at, real* u) {
    const int panels = c.out_channels / PANEL, slice = std::min(c.channels, 32), slices = divided_up(c.channels, slice);
    const int64_t u_point = filter_point(c.channels);
#pragma omp parallel for schedule(static) num_threads(threads_for(int64_t(panels) * slices / 4))
    for (int q = 0; q < panels * slices; q++) {
        const int k = q / slices, first = q % slices * slice;
        transform_filters<F>(w + k * PANEL * at.out, at, first, std::min(first + slice, c.channels), u_point,
                             u + k * F::FILTERS * F::FILTERS * u_point);
    }
}

template <class F> int64_t winograd_packed_size(const Convolution& c) {
    return F::FILTERS * F::FILTERS * filter_point(c.channels) * (c.out_channels / PANEL);
}

constexpr int TILES_AT_ONCE = 128; // in a block that threads share

// Whether filters take most of the time: they are too large for each thread to read all, or there are no more tiles than
// output channels.  Eight images of 256 channels at 7x7 take half of the time by channels.
template <class F> bool better_by_channels(const Convolution& c) {
    const int64_t count = Tiling<F>(c).count;
    const bool large = winograd_packed_size<F>(c) * int64_t(sizeof(real)) > (16 << 20);
    return (large && count <= 1024) || (count <= TILES_AT_ONCE && count <= c.out_channels);
}

template <class F, Ending ending>
static void winograd(const Convolution& c, const real* x, const real* u, const real* w, const Strides& at, real* y,
                     const Prologue& prologue, const Epilogue& epilogue, const Plan& plan) {
    const int64_t count = Tiling<F>(c).count;
    if (plan.tiles ? plan.by_channels : better_by_channels<F>(c)) {
        const int block = plan.tiles ? plan.tiles : TILES_AT_ONCE, panels = count <= TILES_AT_ONCE ? 2 : 4;
        return winograd_by_channels<F, ending>(c, x, u, u ? nullptr : w, at, y, prologue, epilogue,
                                               even_block(count, block, 1), plan.panels ? plan.panels : panels);
    }
    if (!u) {
        real* own = room<real>(WEIGHTS, winograd_packed_size<F>(c));
        winograd_pack<F>(c, w, at, own);
        u = own;
    }
    const int most = plan.tiles ? plan.tiles : tiles_in_block<F>(c.channels, count);
    const int block = even_block(count, most, threads_for(count));
    const int panels = std::min(plan.panels ? plan.panels : 2, c.out_channels / PANEL);
    winograd_by_tiles<F, ending>(c, x, u, y, prologue, epilogue, block, panels);
}

template <class F>
static void winograd(const Convolution& c, const real* x, const real* u, const real* w, const Strides& at, real* y,
                     const Prologue& prologue, const Epilogue& epilogue, const Plan& plan) {
    switch (ending_of(epilogue)) {
    case Ending::PLAIN: return winograd<F, Ending::PLAIN>(c, x, u, w, at, y, prologue, epilogue, plan);
    case Ending::FINISHED: return winograd<F, Ending::FINISHED>(c, x, u, w, at, y, prologue, epilogue, plan);
    case Ending::COUNTED: return winograd<F, Ending::COUNTED>(c, x, u, w, at, y, prologue, epilogue, plan);
    case Ending::LET_THROUGH: return winograd<F, Ending::LET_THROUGH>(c, x, u, w, at, y, prologue, epilogue, plan);
    default: return; // answers are told from the others where they are written
    }
}

} // namespace VARIANT
