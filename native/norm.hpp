// Batch normalisation with ReLU and a residual, forward and backward: passes over rows of channels.      [Ioffe 2015]
//
// Forward z = act(y * scale + shift + residual), with scale = gamma / std and shift = beta - mean * scale.  Backward, with
// g = dz where the activation let y through:  dbeta = sum g,  dgamma = sum g (y - mean) / std,
// dy = g * scale + y * slope + offset, where slope and offset carry the two sums.
#pragma once

#include <cmath>

#include "epilogue.hpp"
#include "norm_gradient.hpp"
#include "threads.hpp"
#include "workspace.hpp"

namespace VARIANT {

// Rows whose numbers fill half of a first-level cache.
inline int64_t rows_in_block(int channels) { return std::max<int64_t>(8, 4096 / channels); }

// sums[2][channels] = the sum over rows of (first, second)(row offset, channel), counted per block in `real`.
template <class Terms>
static void sum_rows(int64_t rows, int channels, double* sums, const Terms& terms) {
    const int64_t block = rows_in_block(channels), blocks = (rows + block - 1) / block, width = 2 * int64_t(channels);
    const int64_t parts_count = std::min<int64_t>(blocks, 64); // fixed, so that the answer does not depend on threads
    double* parts = room<double>(SUMS, parts_count * width);
    std::memset(parts, 0, sizeof(double) * parts_count * width);
#pragma omp parallel for schedule(static) num_threads(threads_for(parts_count))
    for (int64_t p = 0; p < parts_count; p++) {
        double* to = parts + p * width;
        for (int64_t b = blocks * p / parts_count; b < blocks * (p + 1) / parts_count; b++)
            for (int c = 0; c < channels; c += WIDTH_OF_REGISTER) {
                const auto term = terms(c);
                vec first = {}, second = {};
                for (int64_t r = b * block; r < std::min(rows, (b + 1) * block); r++)
                    term(r * channels + c, first, second);
                for (int i = 0; i < WIDTH_OF_REGISTER; i++) to[c + i] += first[i], to[channels + c + i] += second[i];
            }
    }
    sum_parts(parts, parts_count, width, sums);
}

static void channel_sums(const real* y, const real* pivot, int64_t rows, int channels, double* sums) {
    sum_rows(rows, channels, sums, [=](int c) {
        const vec centre = pivot ? load(pivot + c) : vec{};
        return [=](int64_t at, vec& sum, vec& square) {
            const vec off = load(y + at) - centre;
            sum += off;
            square += off * off;
        };
    });
}

// What a norm found in a batch: statistics[5][channels] = scale, shift, mean, unbiased variance, 1 / std, from the sums of y - pivot
// and of its square.  The pivot, a guess of the mean, keeps the difference of the two from losing digits.
static void norm_statistics(const double* sums, int64_t rows, const real* pivot, const real* gamma, const real* beta,
                            double eps, int channels, real* statistics) {
    for (int c = 0; c < channels; c++) {
        const double offset = sums[c] / double(rows), square = sums[channels + c] / double(rows);
        const double spread = square - offset * offset, variance = spread < 0 ? 0 : spread, mean = (pivot ? pivot[c] : 0) + offset;
        const double inverse = 1 / std::sqrt(variance + eps), scale = gamma[c] * inverse;
        const double unbiased = variance * double(rows) / double(rows - 1);
        const double found[5] = {scale, beta[c] - mean * scale, mean, unbiased, inverse};
        for (int i = 0; i < 5; i++) statistics[i * channels + c] = real(found[i]);
    }
}

// What the backward pass needs: coefficients[4][channels] = slope, offset, dgamma, dbeta, from the sums of g and g (y - mean):
// dy = scale (g - sum g / n - (y - mean) / std^2 sum g (y - mean) / n).
static void norm_coefficients(const double* sums, int64_t rows, const real* statistics, int channels,
                              real* coefficients) {
    for (int c = 0; c < channels; c++) {
        const double scale = statistics[c], mean = statistics[2 * channels + c], inverse = statistics[4 * channels + c];
        const double beta = sums[c], gamma = inverse * sums[channels + c], slope = -scale * inverse * gamma / double(rows);
        const double found[4] = {slope, -scale * beta / double(rows) - mean * slope, gamma, beta};
        for (int i = 0; i < 4; i++) coefficients[i * channels + c] = real(found[i]);
    }
}

// z(at, channel) for all rows, shared out in order.
template <class Value> static void for_rows(int64_t rows, int channels, const Value& value) {
    const int64_t block = rows_in_block(channels), blocks = (rows + block - 1) / block;
#pragma omp parallel for schedule(static) num_threads(threads_for(blocks))
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t r = b * block; r < std::min(rows, (b + 1) * block); r++)
            for (int c = 0; c < channels; c += WIDTH_OF_REGISTER) value(r * channels + c, c);
}

static void norm_apply(const real* y, const real* scale, const real* shift, const real* residual, bool relu, real* z,
                       int64_t rows, int channels) {
    const auto normalised = [=](int64_t at, int c) { return load(y + at) * load(scale + c) + load(shift + c); };
    if (residual && relu)
        for_rows(rows, channels,
                 [=](int64_t at, int c) { store(z + at, rectified(normalised(at, c) + load(residual + at))); });
    else if (residual)
        for_rows(rows, channels, [=](int64_t at, int c) { store(z + at, normalised(at, c) + load(residual + at)); });
    else if (relu)
        for_rows(rows, channels, [=](int64_t at, int c) { store(z + at, rectified(normalised(at, c))); });
    else
        for_rows(rows, channels, [=](int64_t at, int c) { store(z + at, normalised(at, c)); });
}

// sums of g and of g (y - mean).  The activation let through what is positive in `gate` where that is given, else what
// y * scale + shift makes positive where a scale is given, else everything.
static void norm_backward_sums(const real* dz, const real* y, const real* mean, const real* gate, const real* scale,
                               const real* shift, int64_t rows, int channels, double* sums) {
    if (gate)
        sum_rows(rows, channels, sums, [=](int c) {
            const vec centre = load(mean + c);
            return [=](int64_t at, vec& sum, vec& product) {
                const vec g = where((mask)(load(gate + at) > vec{}), load(dz + at));
                sum += g;
                product += g * (load(y + at) - centre);
            };
        });
    else if (scale)
        sum_rows(rows, channels, sums, [=](int c) {
            const vec centre = load(mean + c), a = load(scale + c), b = load(shift + c);
            return [=](int64_t at, vec& sum, vec& product) {
                const vec value = load(y + at), g = where((mask)(value * a + b > vec{}), load(dz + at));
                sum += g;
                product += g * (value - centre);
            };
        });
    else
        sum_rows(rows, channels, sums, [=](int c) {
            const vec centre = load(mean + c);
            return [=](int64_t at, vec& sum, vec& product) {
                const vec g = load(dz + at);
                sum += g;
                product += g * (load(y + at) - centre);
            };
        });
}

// The gradient of y for all rows: see NormGradient.
static void norm_gradient(const real* dz, const NormGradient& norm, int64_t rows, int channels) {
    real* dy = numbers(norm.dy);
    with_gate(norm, [&](auto gate) {
        for_rows(rows, channels, [=](int64_t at, int c) {
            store(dy + at, GradientOf<decltype(gate)::value>(norm, c)(load(dz + at), at));
        });
    });
}

} // namespace VARIANT
