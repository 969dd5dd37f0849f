// M[t, k] = sum over c of V[t, c] U[c, k]: the small matrix product in which nearly all of the time is spent.
//
// All three are panels: V[c / 16][t][c % 16], U[k / 16][c][k % 16], M[k / 16][t][k % 16].  A kernel keeps ROWS x COLUMNS
// of M in registers: 6 x 16 fills the 16 registers of AVX2, 12 x 32 the 32 of AVX-512.      [Goto 2008, section 4]
#pragma once

#include <algorithm>
#include <type_traits>

#include "vector.hpp"

namespace VARIANT {

// Numbers from a row of V to the next: of a panel, or any number for rows that were never put into panels.
using OfPanel = std::integral_constant<int64_t, PANEL>;

constexpr int ROWS = REGISTERS == 1 ? 12 : 6;           // tiles in a kernel
constexpr int PANELS_AT_ONCE = REGISTERS == 1 ? 2 : 1;  // panels of output channels in a kernel
constexpr int GROUPS_AT_ONCE = (16 << 10) / (PANELS_AT_ONCE * PANEL * PANEL * sizeof(real)); // 16 KB of factors

template <int rows, int panels, class Row>
INLINE void multiply_block(const real* v, Row v_row, int64_t v_group, int groups, const real* u, int64_t u_panel,
                           real* m, int64_t m_panel, bool add) {
    vec sums[rows][panels][REGISTERS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
            for (int h = 0; h < REGISTERS; h++)
                sums[r][p][h] = add ? load(m + p * m_panel + r * PANEL + h * WIDTH_OF_REGISTER) : vec{};
    for (int g = 0; g < groups; g++, v += v_group) {
#pragma GCC unroll 4
        for (int c = 0; c < PANEL; c++, u += PANEL) {
            vec columns[panels][REGISTERS];
#pragma GCC unroll 2
            for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
                for (int h = 0; h < REGISTERS; h++) columns[p][h] = load(u + p * u_panel + h * WIDTH_OF_REGISTER);
#pragma GCC unroll 12
            for (int r = 0; r < rows; r++) {
                const vec x = spread(v[r * v_row + c]);
#pragma GCC unroll 2
                for (int p = 0; p < panels; p++)
#pragma GCC unroll 16
                    for (int h = 0; h < REGISTERS; h++) sums[r][p][h] += x * columns[p][h];
            }
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

// The rows that are left over once all full kernels are done.
template <int rows, int panels, class Row>
INLINE void multiply_rest(int left, const real* v, Row v_row, int64_t v_group, int groups, const real* u,
                          int64_t u_panel, real* m, int64_t m_panel, bool add) {
    if constexpr (rows > 0) {
        if (left == rows) return multiply_block<rows, panels>(v, v_row, v_group, groups, u, u_panel, m, m_panel, add);
        multiply_rest<rows - 1, panels>(left, v, v_row, v_group, groups, u, u_panel, m, m_panel, add);
    }
}

template <int panels, class Row>
static void multiply_panels(const real* v, Row v_row, int64_t v_group, int groups, const real* u, int64_t u_panel,
                            real* m, int64_t m_panel, int tiles, bool add) {
    int t = 0;
    for (; t + ROWS <= tiles; t += ROWS)
        multiply_block<ROWS, panels>(v + t * v_row, v_row, v_group, groups, u, u_panel, m + t * PANEL, m_panel, add);
    multiply_rest<ROWS - 1, panels>(tiles - t, v + t * v_row, v_row, v_group, groups, u, u_panel, m + t * PANEL,
                                    m_panel, add);
}

// The product of `tiles` rows with `panels` panels of 16 columns, in slices of channels whose factors stay in the L1 cache
// from row to row: 96 rows of 2,048 channels would take 1.25 times as long without.      [Goto 2008, section 4.2]
template <class Row>
static void multiply(const real* v, Row v_row, int64_t v_group, int groups, const real* u, int64_t u_panel, real* m,
                     int64_t m_panel, int tiles, int panels) {
    int g = 0;
    do { // once even without channels, whose product is zero
        const int some = std::min(GROUPS_AT_ONCE, groups - g);
        int p = 0;
        for (; p + PANELS_AT_ONCE <= panels; p += PANELS_AT_ONCE)
            multiply_panels<PANELS_AT_ONCE>(v, v_row, v_group, some, u + p * u_panel, u_panel, m + p * m_panel, m_panel,
                                            tiles, g > 0);
        for (; p < panels; p++)
            multiply_panels<1>(v, v_row, v_group, some, u + p * u_panel, u_panel, m + p * m_panel, m_panel, tiles, g > 0);
        g += some, v += some * v_group, u += some * PANEL * PANEL;
    } while (g < groups);
}

// D[c, k] (+)= sum over t of V[t, c] S[t, k], for rows first..first + rows of a 16 x 16 block of a weight gradient.
template <int rows> INLINE void outer_rows(const real* v, const real* s, real* d, int tiles, bool add) {
    vec sums[rows][REGISTERS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int h = 0; h < REGISTERS; h++) sums[r][h] = add ? load(d + r * PANEL + h * WIDTH_OF_REGISTER) : vec{};
#pragma GCC unroll 2
    for (int t = 0; t < tiles; t++, v += PANEL, s += PANEL) {
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

// The same for all 16 rows: at once where a panel is one register, else in three parts that fit 16 registers.
static void outer(const real* v, const real* s, real* d, int tiles, bool add) {
    if constexpr (REGISTERS == 1) {
        outer_rows<16>(v, s, d, tiles, add);
    } else {
        outer_rows<6>(v, s, d, tiles, add);
        outer_rows<5>(v + 6, s, d + 6 * PANEL, tiles, add);
        outer_rows<5>(v + 11, s, d + 11 * PANEL, tiles, add);
    }
}

} // namespace VARIANT
