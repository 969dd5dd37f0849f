// M[t, k] = sum over c of V[t, c] U[c, k]: the small matrix product in which nearly all of the time is spent.
//
// All three are panels: V[c / 16][t][c % 16], U[k / 16][c][k % 16], M[k / 16][t][k % 16].  A kernel keeps rows x columns
// of M in registers: 3 x 32 fills the 16 registers of AVX2, 12 x 32 the 32 of AVX-512.       [Goto 2008, section 4]
#pragma once

#include <algorithm>

#include "soon.hpp"
#include "vector.hpp"

namespace VARIANT {

// How V stands in memory, in groups of channels: `row` numbers from a tile to the next, `group` from a group to the next,
// `depth` channels in a group.
struct InPanels { // as above
    int64_t group;
    static constexpr int64_t row = PANEL;
    static constexpr int depth = PANEL;
};
struct InPixels { // with the channels of a tile side by side
    int64_t row;
    static constexpr int64_t group = PANEL;
    static constexpr int depth = PANEL;
};
struct InLines { // with groups of any depth, and tiles that overlap
    int64_t row, group;
    int depth;
};

constexpr int PANELS_AT_ONCE = REGISTERS <= 2 ? 2 : 1; // panels of output channels in a kernel
constexpr int GROUPS_AT_ONCE = (16 << 10) / (PANELS_AT_ONCE * PANEL * PANEL * sizeof(real)); // 16 KB of factors

// Rows, that is tiles, in a kernel of so many panels.
template <int panels> constexpr int ROWS = REGISTERS == 1 ? 12 : REGISTERS == 2 && panels == 2 ? 3 : 6;

// sums[r] += V[r, c] U[c, k] for all rows of a kernel and one c.  With AVX2 in 18 instructions for 12 multiply-adds: 3 x 32
// numbers take 19, of which a column read by the multiply-adds themselves saves one; 6 x 16 took 20.  A core whose other
// hyper-thread is busy issues half as many a cycle, and is then 1.07 times as fast; left alone, it is as fast as before.
template <int rows, int panels>
INLINE void multiply_add(const real* v, int64_t v_row, const real* u, int64_t u_panel,
                         vec (&sums)[rows][panels][REGISTERS]) {
    if constexpr (REGISTERS == 2 && panels == 2) {
        vec x[rows];
#pragma GCC unroll 3
        for (int r = 0; r < rows; r++) x[r] = spread(v[r * v_row]);
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 2
            for (int h = 0; h < REGISTERS; h++) {
                const real* from = u + p * u_panel + h * WIDTH_OF_REGISTER;
                const vec column = load(from);
#pragma GCC unroll 3
                for (int r = 0; r < rows; r++)
                    if (p == 0 && h == 0)
                        add_product(sums[r][p][h], x[r], from);
                    else
                        sums[r][p][h] += x[r] * column;
            }
    } else {
        vec columns[panels][REGISTERS];
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
            for (int h = 0; h < REGISTERS; h++) columns[p][h] = load(u + p * u_panel + h * WIDTH_OF_REGISTER);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            const vec x = spread(v[r * v_row]);
#pragma GCC unroll 2
            for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
                for (int h = 0; h < REGISTERS; h++) sums[r][p][h] += x * columns[p][h];
        }
    }
}

// A kernel asks for `lines` cache lines at each channel, from `next` on and a panel apart: a line is a panel's row of factors.
template <int rows, int panels, int lines, class Layout>
INLINE void multiply_block(const real* v, Layout layout, int groups, const real* u, int64_t u_panel,
                           real* m, int64_t m_panel, bool add, const real* next) {
    vec sums[rows][panels][REGISTERS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
            for (int h = 0; h < REGISTERS; h++)
                sums[r][p][h] = add ? load(m + p * m_panel + r * PANEL + h * WIDTH_OF_REGISTER) : vec{};
    for (int g = 0; g < groups; g++, v += layout.group) {
#pragma GCC unroll 4
        for (int c = 0; c < layout.depth; c++, u += PANEL) {
            if constexpr (lines > 0) {
#pragma GCC unroll 2
                for (int i = 0; i < lines; i++) __builtin_prefetch(next + i * u_panel, 0, INTO_L2);
                next += PANEL;
            }
            multiply_add<rows, panels>(v + c, layout.row, u, u_panel, sums);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
            for (int h = 0; h < REGISTERS; h++)
                store(m + p * m_panel + r * PANEL + h * WIDTH_OF_REGISTER, sums[r][p][h]);
}

// The kernel of `count` rows, between 1 and `rows`.
template <int rows, int panels, int lines, class Layout>
INLINE void multiply_rows(int count, const real* v, Layout layout, int groups, const real* u,
                          int64_t u_panel, real* m, int64_t m_panel, bool add, const real* next) {
    if constexpr (rows > 0) {
        if (count == rows)
            return multiply_block<rows, panels, lines>(v, layout, groups, u, u_panel, m, m_panel, add, next);
        multiply_rows<rows - 1, panels, lines>(count, v, layout, groups, u, u_panel, m, m_panel, add, next);
    }
}

// The kernel of `count` rows, the number `kernel` of several or `alone`: where there is something to ask for, each of the first
// kernels asks for one panel of it, and one that is alone for all.
template <int most, int panels, class Layout>
INLINE void multiply_asking(int kernel, bool alone, int count, const real* v, Layout layout, int groups, const real* u,
                            int64_t u_panel, real* m, int64_t m_panel, bool add, const real* next, int panels_of_next) {
    if (next && alone)
        multiply_rows<most, panels, panels>(count, v, layout, groups, u, u_panel, m, m_panel, add, next);
    else if (next && kernel < panels_of_next)
        multiply_rows<most, panels, 1>(count, v, layout, groups, u, u_panel, m, m_panel, add, next + kernel * u_panel);
    else
        multiply_rows<most, panels, 0>(count, v, layout, groups, u, u_panel, m, m_panel, add, nullptr);
}

// Full kernels, then one or two of about the same size: sums in few registers wait for each other.
template <int panels, class Layout>
static void multiply_panels(const real* v, Layout layout, int groups, const real* u, int64_t u_panel, real* m,
                            int64_t m_panel, int tiles, bool add, const Ahead& ahead, Soon* soon, const real* next) {
    constexpr int MOST = ROWS<panels>;
    for (int left = tiles, kernel = 0; left > 0; kernel++) {
        // Four rows panel by panel read the factors once; as two and two they take 1.15 times as long.
        if constexpr (REGISTERS == 2 && panels == 2)
            if (left == 4) {
                for (int p = 0; p < panels; p++)
                    multiply_asking<4, 1>(kernel + p, false, 4, v, layout, groups, u + p * u_panel, u_panel, m + p * m_panel,
                                          m_panel, add, next, panels);
                return;
            }
        const int rows = left >= 2 * MOST ? MOST : left > MOST ? (left + 1) / 2 : left;
        ahead.ask(tiles - left, rows, panels);
        if (soon) soon->ask();
        multiply_asking<MOST, panels>(kernel, tiles <= MOST, rows, v, layout, groups, u, u_panel, m, m_panel, add, next,
                                      panels);
        v += rows * layout.row, m += rows * PANEL, left -= rows;
    }
}

// The product of `tiles` rows with `panels` panels of 16 columns, in slices of channels whose factors stay in the L1 cache
// from row to row: 96 rows of 2,048 channels would take 1.25 times as long without.      [Goto 2008, section 4.2]
//
// `next`, where it is given, are the factors of the product after this one; then factors are asked for before their turn, a
// line at each channel of a kernel, which keeps memory busy all the time.  ResNet-18 answers one image 1.09 to 1.13 times as soon,
// ResNet-50 1.07.  All at once before a kernel they hold up what it reads itself: 256 channels at 14x14 took up to 1.6 times
// as long (AMD EPYC).
template <class Layout>
static void multiply(const real* v, Layout layout, int groups, const real* u, int64_t u_panel, real* m, int64_t m_panel,
                     int tiles, int panels, const Ahead& ahead = {}, Soon* soon = nullptr, const real* next = nullptr) {
    int g = 0;
    do { // once even without channels, whose product is zero
        const int some = std::min(std::max(1, GROUPS_AT_ONCE * PANEL / layout.depth), groups - g);
        const bool is_last = g + some == groups;
        const real* const behind = is_last ? next : u + some * layout.depth * PANEL;
        for (int p = 0; p < panels;) {
            const int here = p + PANELS_AT_ONCE <= panels ? PANELS_AT_ONCE : 1;
            const real* const asked = !next ? nullptr : p + here < panels ? u + (p + here) * u_panel : behind;
            const auto run = here == 1 ? multiply_panels<1, Layout> : multiply_panels<PANELS_AT_ONCE, Layout>;
            run(v, layout, some, u + p * u_panel, u_panel, m + p * m_panel, m_panel, tiles, g > 0,
                is_last ? ahead.of(p) : Ahead(), soon, asked);
            p += here;
        }
        g += some, v += some * layout.group, u += some * layout.depth * PANEL;
    } while (g < groups);
}

// Kernels that such a product takes, for two panels.
inline int64_t kernels_of_product(int groups, int tiles) {
    return int64_t(groups + GROUPS_AT_ONCE - 1) / GROUPS_AT_ONCE * std::max(1, tiles / ROWS<PANELS_AT_ONCE>);
}

// D[c, k] (+)= sum over t of V[t, c] S[t, k], for rows first..first + rows of a 16 x 16 block of a weight gradient.
template <int rows>
INLINE void outer_rows(const real* v, int64_t v_row, const real* s, real* d, int tiles, bool add) {
    vec sums[rows][REGISTERS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int h = 0; h < REGISTERS; h++) sums[r][h] = add ? load(d + r * PANEL + h * WIDTH_OF_REGISTER) : vec{};
#pragma GCC unroll 2
    for (int t = 0; t < tiles; t++, v += v_row, s += PANEL) {
        vec columns[REGISTERS];
#pragma GCC unroll 16
        for (int h = 0; h < REGISTERS; h++) columns[h] = load(s + h * WIDTH_OF_REGISTER);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            const vec x = spread(v[r]);
#pragma GCC unroll 16
            for (int h = 0; h < REGISTERS; h++) sums[r][h] += x * columns[h];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int h = 0; h < REGISTERS; h++) store(d + r * PANEL + h * WIDTH_OF_REGISTER, sums[r][h]);
}

constexpr int KERNELS_OF_OUTER = REGISTERS == 1 ? 1 : 3; // in which it asks for what comes soon

// The same for all 16 rows: at once where a panel is one register, else in three parts that fit 16 registers.
static void outer(const real* v, int64_t v_row, const real* s, real* d, int tiles, bool add, Soon* soon = nullptr) {
    if (soon) soon->ask();
    if constexpr (REGISTERS == 1) {
        outer_rows<16>(v, v_row, s, d, tiles, add);
    } else {
        outer_rows<6>(v, v_row, s, d, tiles, add);
        if (soon) soon->ask();
        outer_rows<5>(v + 6, v_row, s, d + 6 * PANEL, tiles, add);
        if (soon) soon->ask();
        outer_rows<5>(v + 11, v_row, s, d + 11 * PANEL, tiles, add);
    }
}

} // namespace VARIANT
