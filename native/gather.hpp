// Every other convolution: pixels under the kernel are gathered into panels that stay in the L2 cache, then multiplied.
//
// A convolution is a list of taps: which pixel of the input, relative to the output's, meets which weight.  The gradient of
// the input is the same with the tensors exchanged; with a stride, each phase of the input's pixels has taps of its own.
#pragma once

#include <vector>

#include "winograd.hpp"

namespace VARIANT {

constexpr int MAXIMUM_TAPS = 121; // 11 x 11

struct Taps {
    int count = 0;
    int row[MAXIMUM_TAPS], column[MAXIMUM_TAPS];
    int64_t weight[MAXIMUM_TAPS];
};

// One pass over pixels: each output pixel (u * out_step + out_row, v * out_step + out_column) reads the input pixels
// (u * in_step + row, v * in_step + column) of its taps.
struct Gathering {
    int images, in_height, in_width, in_channels, out_height, out_width, out_channels;
    int rows, columns; // pixels of this pass
    int in_step, out_step, out_row, out_column;
    Taps taps;
    int side; // of the kernel, where all of its taps are there, row by row

    int64_t pixels() const { return int64_t(images) * rows * columns; }
    int groups() const { return (taps.count * in_channels + PANEL - 1) / PANEL; }
};

static Gathering gathering_of(const Convolution& c, const Strides& at) {
    Gathering g{c.images, c.height, c.width, c.channels, c.out_height, c.out_width, c.out_channels, c.out_height,
                c.out_width, c.stride, 1, 0, 0, {}, c.kernel};
    for (int i = 0; i < c.kernel; i++)
        for (int j = 0; j < c.kernel; j++) {
            const int t = g.taps.count++;
            g.taps.row[t] = i - c.padding;
            g.taps.column[t] = j - c.padding;
            g.taps.weight[t] = i * at.row + j * at.column;
        }
    return g;
}

// The pass that makes the gradients of the input pixels (row, column) + a multiple of the stride.
static Gathering adjoint_of(const Convolution& c, const Strides& at, int row, int column) {
    Gathering g{c.images, c.out_height, c.out_width, c.out_channels, c.height, c.width, c.channels,
                (c.height - row + c.stride - 1) / c.stride, (c.width - column + c.stride - 1) / c.stride, 1, c.stride,
                row, column, {}, 0};
    for (int i = 0; i < c.kernel; i++)
        for (int j = 0; j < c.kernel; j++) {
            const int y = row + c.padding - i, x = column + c.padding - j;
            if (y % c.stride || x % c.stride) continue;
            const int t = g.taps.count++;
            g.taps.row[t] = y / c.stride;
            g.taps.column[t] = x / c.stride;
            g.taps.weight[t] = i * at.row + j * at.column;
        }
    return g;
}

// Walks over the output pixels of a pass in their order.
struct Walk {
    int image, u, v;
    Walk(const Gathering& g, int64_t pixel)
        : image(int(pixel / (g.rows * g.columns))), u(int(pixel % (g.rows * g.columns) / g.columns)),
          v(int(pixel % g.columns)) {}
    void step(const Gathering& g) {
        if (++v < g.columns) return;
        v = 0;
        if (++u < g.rows) return;
        u = 0;
        image++;
    }
    int64_t output(const Gathering& g) const {
        return ((int64_t(image) * g.out_height + u * g.out_step + g.out_row) * g.out_width + v * g.out_step +
                g.out_column) *
               g.out_channels;
    }
    // The input under tap q, or null outside the image.
    const real* input(const Gathering& g, const real* x, int q) const {
        const int row = u * g.in_step + g.taps.row[q], column = v * g.in_step + g.taps.column[q];
        if (row < 0 || row >= g.in_height || column < 0 || column >= g.in_width) return nullptr;
        return x + ((int64_t(image) * g.in_height + row) * g.in_width + column) * g.in_channels;
    }
};

// V[(tap, c) / 16][t][16] where the channels fill panels.
static void gather_panels(const Gathering& g, const real* x, const Prologue& prologue, int64_t first, int count, real* v,
                          int64_t group) {
    const int panels = g.in_channels / PANEL;
    const real *scale = static_cast<const real*>(prologue.scale), *shift = static_cast<const real*>(prologue.shift);
    Walk at(g, first);
    for (int t = 0; t < count; t++, at.step(g))
        for (int q = 0; q < g.taps.count; q++) {
            real* to = v + int64_t(q) * panels * group + t * PANEL;
            const real* from = at.input(g, x, q);
            if (!from)
                for (int p = 0; p < panels; p++, to += group) std::memset(to, 0, sizeof(real) * PANEL);
            else if (scale)
                for (int p = 0; p < panels; p++, to += group)
                    for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) {
                        const int c = p * PANEL + h;
                        store(to + h, rectified(load(from + c) * load(scale + c) + load(shift + c)));
                    }
            else
                for (int p = 0; p < panels; p++, to += group, from += PANEL)
                    for (int h = 0; h < PANEL; h += WIDTH_OF_REGISTER) store(to + h, load(from + h));
        }
}

// to[0..count) = from[0..count), in copies of a fixed size, the last of which may overlap the one before.
INLINE void copy_line(real* to, const real* from, int count) {
    constexpr int QUARTER = PANEL / 4;
    if (count >= WIDTH_OF_REGISTER) {
        for (int i = 0; i + WIDTH_OF_REGISTER <= count; i += WIDTH_OF_REGISTER) store(to + i, load(from + i));
        store(to + count - WIDTH_OF_REGISTER, load(from + count - WIDTH_OF_REGISTER));
    } else if (count >= QUARTER) {
        for (int i = 0; i + QUARTER <= count; i += QUARTER) std::memcpy(to + i, from + i, sizeof(real) * QUARTER);
        std::memcpy(to + count - QUARTER, from + count - QUARTER, sizeof(real) * QUARTER);
    } else {
        for (int i = 0; i < count; i++) to[i] = from[i];
    }
}

// The same for a first convolution, whose few channels do not fill a panel: taps stand close together, and those of a
// row of the kernel stand in the image as they stand here.  Only for the gradient of its weights: see lines_multiply.
static void gather_few(const Gathering& g, const real* x, int64_t first, int count, real* v, int64_t group) {
    const int all = g.groups() * PANEL, side = g.side, line = side * g.in_channels;
    alignas(64) real pixel[MAXIMUM_TAPS * PANEL] = {};
    Walk at(g, first);
    for (int t = 0; t < count; t++, at.step(g)) {
        const int left = at.v * g.in_step + g.taps.column[0];
        const int begin = std::min(std::max(0, -left), side), end = std::max(begin, std::min(side, g.in_width - left));
        for (int i = 0; i < side; i++) {
            const int row = at.u * g.in_step + g.taps.row[i * side];
            real* to = pixel + i * line;
            if (end - begin < side || row < 0 || row >= g.in_height) std::memset(to, 0, sizeof(real) * line);
            if (row < 0 || row >= g.in_height || begin == end) continue;
            const int64_t first_pixel = (int64_t(at.image) * g.in_height + row) * g.in_width + left + begin;
            copy_line(to + begin * g.in_channels, x + first_pixel * g.in_channels, (end - begin) * g.in_channels);
        }
        for (int i = 0; i < all; i += WIDTH_OF_REGISTER)
            store(v + i / PANEL * group + t * PANEL + i % PANEL, load(pixel + i));
    }
}

static void gather(const Gathering& g, const real* x, const Prologue& prologue, int64_t first, int count, real* v,
                   int64_t group) {
    if (g.in_channels % PANEL == 0)
        gather_panels(g, x, prologue, first, count, v, group);
    else
        gather_few(g, x, first, count, v, group);
}

// U[k / 16][(tap, c)][16], with zeros behind the last; along the channels that lie side by side in memory.
static void gather_pack(const Gathering& g, const real* w, int64_t out_stride, int64_t in_stride, real* u) {
    const int used = g.taps.count * g.in_channels, all = g.groups() * PANEL, panels = g.out_channels / PANEL;
#pragma omp parallel for schedule(static) num_threads(threads_for(int64_t(panels) * all / 512))
    for (int p = 0; p < panels; p++) {
        real* to = u + int64_t(p) * all * PANEL;
        for (int q = 0; q < g.taps.count; q++) {
            const real* from = w + p * PANEL * out_stride + g.taps.weight[q];
            for (int c = 0; c < g.in_channels;) {
                const int some = std::min(PANEL, g.in_channels - c);
                read_square(from + c * in_stride, out_stride, in_stride, some, to, PANEL);
                c += some, to += some * PANEL;
            }
        }
        std::memset(to, 0, sizeof(real) * (all - used) * PANEL);
    }
}

inline int64_t gather_packed_size(const Gathering& g) { return int64_t(g.groups()) * PANEL * g.out_channels; }

// Pixels in a block: their gathered inputs take at most a quarter of an L2 cache.
inline int pixels_in_block(const Gathering& g) {
    const int64_t fit = TILES_BYTES / (int64_t(sizeof(real)) * PANEL * std::max(1, g.groups())) / 12 * 12;
    return int(std::min<int64_t>(std::max<int64_t>(24, std::min<int64_t>(192, fit)), std::max<int64_t>(1, g.pixels())));
}

// Whether the inputs of a pixel are its channels as they stand, for a kernel of 1x1, so that nothing need be gathered: 5 %
// of ResNet-50's answers to 16 images.  Where pixels are a multiple of 4 KB apart, all that a kernel takes at a time meet in
// one set of the L1 cache: with the 12 of AVX-512 the product takes 1.25 times as long, with the 3 of AVX2 it does not matter.
inline bool is_row_by_row(const Gathering& g) {
    const bool same = g.rows == g.in_height && g.columns == g.in_width && g.in_step == 1 && g.out_step == 1;
    const bool one = g.taps.count == 1 && g.taps.row[0] == 0 && g.taps.column[0] == 0;
    const bool is_apart = ROWS<PANELS_AT_ONCE> < 4 || g.in_channels * sizeof(real) % 4096 != 0;
    return same && one && g.in_channels % PANEL == 0 && is_apart;
}

// For `some` panels of output channels from `panel` on, whose products stand `group` numbers apart.
template <Ending ending>
static void gather_outputs(const Gathering& g, const real* m, int64_t group, int64_t first, int count, int panel, int some,
                           real* y, const Epilogue& epilogue, double* sums) {
    if constexpr (ending == Ending::FINISHED)
        if (is_answer(epilogue))
            return with_answer(epilogue, [&](auto found) {
                gather_outputs<decltype(found)::value>(g, m, group, first, count, panel, some, y, epilogue, sums);
            });
    const int together = panels_together(ending, some);
    for (int i = 0; i < some; i += together, m += together * group, panel += together) {
        Finish<ending> finish(epilogue, panel * PANEL, past_caches(y, g.pixels() * g.out_channels));
        const auto put = [&](int t, int64_t to) {
            for (int p = 0; p < together; p++)
#pragma GCC unroll 16
                for (int h = 0; h < REGISTERS; h++) {
                    const int channel = (panel + p) * PANEL + h * WIDTH_OF_REGISTER;
                    const vec value = load(m + p * group + t * PANEL + h * WIDTH_OF_REGISTER);
                    Finish<ending>::put(finish, value, h, channel, y, to + channel);
                }
        };
        if (g.out_step == 1) { // pixels follow each other
            for (int t = 0; t < count; t++) put(t, (first + t) * g.out_channels);
        } else {
            Walk at(g, first);
            for (int t = 0; t < count; t++, at.step(g)) put(t, at.output(g));
        }
        if (has_sums(ending)) finish.count(sums + panel * PANEL, sums + g.out_channels + panel * PANEL);
    }
}

// What `gather_outputs` will write and read, from the number `at` on, where pixels follow each other.
inline Ahead ahead_of(const Gathering& g, const Epilogue& e, const real* y, int64_t at) {
    if (g.out_step != 1) return {};
    const real* read = e.residual ? numbers(e.residual) : numbers(e.value);
    return {past_caches(y, g.pixels() * g.out_channels) ? nullptr : y + at, read ? read + at : nullptr, g.out_channels};
}

constexpr int64_t IN_CACHES_BYTES = 4 << 20; // less is found in caches; to ask for it costs up to 2 %

// What the block of `count` pixels from `first` on will read, apart from filters.
inline Soon soon_of(const Gathering& g, const Epilogue& e, const real* x, int64_t first, int64_t count, int64_t kernels) {
    const auto is_large = [&](int channels) { return g.pixels() * channels * int64_t(sizeof(real)) > IN_CACHES_BYTES; };
    Soon soon;
    if (count <= 0) return soon;
    if (x && is_large(g.in_channels)) soon.add(x + first * g.in_channels, count * g.in_channels);
    if (g.out_step == 1 && e.residual && is_large(g.out_channels))
        soon.add(numbers(e.residual) + first * g.out_channels, count * g.out_channels);
    soon.spread_over(kernels);
    return soon;
}

// Output rows that a thread makes at a time: about as many pixels as are gathered at most.
inline int rows_in_block(const Gathering& g) { return std::max(1, 192 / std::max(1, g.columns)); }

// The lines of the image under a row of output pixels, with zeros where they lie outside.
static void copy_lines(const Gathering& g, const real* x, int64_t output_row, real* lines, int64_t line) {
    const int64_t image = output_row / g.rows, channels = g.in_channels;
    const int top = int(output_row % g.rows) * g.in_step + g.taps.row[0], left = g.taps.column[0];
    const int end = std::min(g.in_width, int(line / channels) + left); // of what is read from an image's line
    for (int i = 0; i < g.side; i++, lines += line) {
        const int row = top + i, begin = std::max(0, left);
        std::memset(lines, 0, sizeof(real) * line);
        if (row < 0 || row >= g.in_height || begin >= end) continue;
        const real* from = x + ((image * g.in_height + row) * g.in_width + begin) * channels;
        std::memcpy(lines + (begin - left) * channels, from, sizeof(real) * (end - begin) * channels);
    }
}

// The same for a first convolution, whose few channels do not fill a panel: what is under a row of the kernel stands side by
// side in the image, for one pixel after the other, and is multiplied from there.  Gathered into panels 7x7 pixels take 1.4
// times as long, 3x3 up to 2.8 times.
template <Ending ending>
static void lines_multiply(const Gathering& g, const real* x, const real* u, real* y, const Epilogue& epilogue) {
    const int panels = g.out_channels / PANEL, at_once = rows_in_block(g), depth = g.side * g.in_channels;
    const int64_t all = int64_t(g.images) * g.rows, step = int64_t(g.in_step) * g.in_channels;
    const int64_t line = (g.columns - 1) * step + depth, u_panel = int64_t(g.groups()) * PANEL * PANEL;
    const int64_t group = int64_t(g.columns) * PANEL, v_size = padded(g.side * line);
    const int64_t m_size = padded(group * PANELS_AT_ONCE);
    const int blocks = divided_up(all, at_once), threads = threads_for(blocks);
    real* lines = room<real>(TILES, threads * at_once * v_size);
    real* products = room<real>(PRODUCTS, threads * m_size);
    const int64_t width = has_sums(ending) ? 2 * int64_t(g.out_channels) : 0;
    double* sums = room<double>(SUMS, blocks * width);
    std::memset(sums, 0, sizeof(double) * blocks * width);
    Shares shares(blocks, threads);
#pragma omp parallel num_threads(threads)
    shares.each([&](int b) {
        real* v = lines + omp_get_thread_num() * at_once * v_size;
        real* m = products + omp_get_thread_num() * m_size;
        const int64_t first = int64_t(b) * at_once, end = std::min(first + at_once, all);
        for (int64_t row = first; row < end; row++) copy_lines(g, x, row, v + (row - first) * v_size, line);
        for (int k = 0; k < panels; k += PANELS_AT_ONCE)
            for (int64_t row = first; row < end; row++) {
                const int some = std::min(PANELS_AT_ONCE, panels - k);
                const Ahead ahead = ahead_of(g, epilogue, y, row * g.columns * g.out_channels + k * PANEL);
                multiply(v + (row - first) * v_size, InLines{step, line, depth}, g.side, u + k * u_panel, u_panel, m, group,
                         g.columns, some, ahead);
                gather_outputs<ending>(g, m, group, row * g.columns, g.columns, k, some, y, epilogue, sums + b * width);
            }
    });
    if (has_sums(ending)) sum_parts(sums, blocks, width, epilogue.sums);
}

// Panels of output channels that are multiplied before they are finished together: with four, 1x1 convolutions take 0.87 to
// 0.96 of the time that they take one by one.  Not where threads share out the rounds, which must then be many.
constexpr int PANELS_IN_ROUND = 4;

// y = the gathered pixels times the packed weights.  With `by_channels`, threads gather one block together and share out
// its output channels: for one small image.
template <Ending ending>
static void gather_multiply(const Gathering& g, const real* x, const real* u, real* y, const Prologue& prologue,
                            const Epilogue& epilogue, const Plan& plan) {
    if (g.in_channels % PANEL) return lines_multiply<ending>(g, x, u, y, epilogue);
    const int most = plan.tiles ? plan.tiles : pixels_in_block(g), sharing = plan.by_channels ? 1 : threads_for(g.pixels());
    const int block = even_block(g.pixels(), most, sharing);
    const int panels = g.out_channels / PANEL, blocks = divided_up(g.pixels(), block);
    const bool together = plan.by_channels, direct = is_row_by_row(g) && !prologue.scale;
    const int in_round = together ? PANELS_AT_ONCE : PANELS_IN_ROUND, rounds = divided_up(panels, in_round);
    const int threads = threads_for(together ? rounds : blocks);
    const int64_t group = int64_t(block) * PANEL, u_panel = int64_t(g.groups()) * PANEL * PANEL;
    const int64_t v_size = padded(group * g.groups()), m_size = padded(group * in_round);
    const bool asks = are_asked_for(panels * u_panel);
    real* tiles = room<real>(TILES, (together ? 1 : threads) * v_size);
    real* products = room<real>(PRODUCTS, threads * m_size);
    const int64_t width = has_sums(ending) ? 2 * int64_t(g.out_channels) : 0;
    double* sums = room<double>(SUMS, blocks * width);
    std::memset(sums, 0, sizeof(double) * blocks * width);
    const auto multiply_round = [&](const real* v, real* m, int b, int r, Soon* soon) {
        const int64_t first = int64_t(b) * block;
        const int count = int(std::min<int64_t>(block, g.pixels() - first)), k = r * in_round;
        const int some = std::min(in_round, panels - k);
        const Ahead ahead = ahead_of(g, epilogue, y, first * g.out_channels + k * PANEL);
        const real* const factors = u + k * u_panel;
        const real* const next = !asks ? nullptr : k + some < panels ? factors + some * u_panel : u;
        if (direct)
            multiply(x + first * g.in_channels, InPixels{g.in_channels}, g.groups(), factors, u_panel, m, group, count, some,
                     ahead, soon, next);
        else
            multiply(v, InPanels{group}, g.groups(), factors, u_panel, m, group, count, some, ahead, soon, next);
        gather_outputs<ending>(g, m, group, first, count, k, some, y, epilogue, sums + b * width);
    };
    if (together) {
        for (int b = 0; b < blocks; b++) {
            const int64_t first = int64_t(b) * block;
            const int count = int(std::min<int64_t>(block, g.pixels() - first)), part = divided_up(count, 8);
            Shares gathering(direct ? 0 : divided_up(count, part), threads), multiplying(rounds, threads);
#pragma omp parallel num_threads(threads)
            {
                gathering.each([&](int q) {
                    const int from = q * part, some = std::min(part, count - from);
                    gather(g, x, prologue, first + from, some, tiles + from * PANEL, group);
                });
#pragma omp barrier
                real* m = products + omp_get_thread_num() * m_size;
                multiplying.each([&](int r) { multiply_round(tiles, m, b, r, nullptr); });
            }
        }
    } else {
        Shares shares(blocks, threads);
#pragma omp parallel num_threads(threads)
        {
            real *v = tiles + omp_get_thread_num() * v_size, *m = products + omp_get_thread_num() * m_size;
            shares.each([&](int b) {
                const int64_t first = int64_t(b) * block, next = first + block;
                if (!direct) gather(g, x, prologue, first, int(std::min<int64_t>(block, g.pixels() - first)), v, group);
                Soon soon = soon_of(g, epilogue, direct ? x : nullptr, next, std::min<int64_t>(block, g.pixels() - next),
                                    divided_up(panels, PANELS_AT_ONCE) * kernels_of_product(g.groups(), block));
                for (int r = 0; r < rounds; r++) multiply_round(v, m, b, r, &soon);
            });
        }
    }
    if (has_sums(ending)) sum_parts(sums, blocks, width, epilogue.sums);
}

static void gather_multiply(const Gathering& g, const real* x, const real* u, real* y, const Prologue& prologue,
                            const Epilogue& epilogue, const Plan& plan) {
    switch (ending_of(epilogue)) {
    case Ending::PLAIN: return gather_multiply<Ending::PLAIN>(g, x, u, y, prologue, epilogue, plan);
    case Ending::FINISHED: return gather_multiply<Ending::FINISHED>(g, x, u, y, prologue, epilogue, plan);
    case Ending::COUNTED: return gather_multiply<Ending::COUNTED>(g, x, u, y, prologue, epilogue, plan);
    case Ending::LET_THROUGH: return gather_multiply<Ending::LET_THROUGH>(g, x, u, y, prologue, epilogue, plan);
    default: return; // answers are told from the others where they are written
    }
}

// The gradient of the input, one phase after the other; a phase that no tap meets is zero (plus the residual).
static void gather_backward_data(const Convolution& c, const real* dy, const real* w, const Strides& at, real* dx,
                                 const Epilogue& epilogue, const Plan& plan) {
    std::vector<double> sums(epilogue.sums ? 2 * c.channels : 0), of_phase(sums.size());
    Epilogue counting = epilogue;
    if (epilogue.sums) counting.sums = of_phase.data();
    for (int row = 0; row < std::min(c.stride, c.height); row++)
        for (int column = 0; column < std::min(c.stride, c.width); column++) {
            const Gathering g = adjoint_of(c, at, row, column);
            real* u = room<real>(WEIGHTS, gather_packed_size(g) + PANEL);
            gather_pack(g, w, at.in, at.out, u);
            gather_multiply(g, dy, u, dx, {}, counting, plan);
            for (size_t i = 0; i < sums.size(); i++) sums[i] += of_phase[i];
        }
    std::copy(sums.begin(), sums.end(), epilogue.sums);
}

} // namespace VARIANT
