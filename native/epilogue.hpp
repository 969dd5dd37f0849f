// What happens to 16 output channels of a pixel between the registers and memory.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels.h"
#include "vector.hpp"

namespace VARIANT {

enum class Ending { PLAIN, FINISHED, ANSWERED, ADDED, COUNTED, LET_THROUGH };

constexpr bool has_sums(Ending ending) { return ending == Ending::COUNTED || ending == Ending::LET_THROUGH; }

INLINE Ending ending_of(const Epilogue& e) {
    if (e.sums) return e.value ? Ending::LET_THROUGH : Ending::COUNTED;
    return e.bias || e.residual || e.relu ? Ending::FINISHED : Ending::PLAIN;
}

// Of what is finished, answers of networks have a bias, and a residual for every number or for none.  Where outputs are
// written that is no question any more: ResNet-50 answers 1.01 to 1.03 times as fast.
INLINE bool is_answer(const Epilogue& e) { return e.bias && !e.residual_mask; }
template <class Work> void with_answer(const Epilogue& e, const Work& work) {
    if (e.residual) return work(std::integral_constant<Ending, Ending::ADDED>());
    work(std::integral_constant<Ending, Ending::ANSWERED>());
}

constexpr int64_t CACHED_BYTES = 12 << 20; // more than a core's share of any cache

// Panels of a pixel that are finished one after the other: their cache lines are neighbours.  A panel of all pixels after the
// other, outputs of 512 to 2,048 channels took 2 to 3 times as long.  Sums stay in registers, so there it is one.
constexpr int panels_together(Ending ending, int panels) { return has_sums(ending) ? 1 : panels; }

// Whether an output of so many numbers is written past the caches: 3 to 10 % of a convolution of 64 to 256 channels.
inline bool past_caches(const real* y, int64_t count) {
    return count * int64_t(sizeof(real)) > CACHED_BYTES && reinterpret_cast<uintptr_t>(y) % 64 == 0;
}

// The epilogue, with the sums of what passed through it where there are some: it is then for one panel of output channels.
template <Ending ending> struct Finish {
    const real *bias, *residual, *residual_mask, *value;
    bool relu, streams;
    vec floor; // of an answer
    vec pivot[REGISTERS], scale[REGISTERS], shift[REGISTERS], sum[REGISTERS], square[REGISTERS];

    Finish(const Epilogue& e, int first_channel, bool past_caches)
        : bias(numbers(e.bias)), residual(numbers(e.residual)), residual_mask(numbers(e.residual_mask)),
          value(numbers(e.value)), relu(e.relu), streams(past_caches),
          floor(spread(e.relu ? real(0) : -std::numeric_limits<real>::infinity())) {
        for (int h = 0; h < REGISTERS; h++) {
            const int c = first_channel + h * WIDTH_OF_REGISTER;
            pivot[h] = has_sums(ending) && e.pivot ? load(numbers(e.pivot) + c) : vec{};
            scale[h] = ending == Ending::LET_THROUGH ? load(numbers(e.scale) + c) : vec{};
            shift[h] = ending == Ending::LET_THROUGH ? load(numbers(e.shift) + c) : vec{};
            sum[h] = square[h] = vec{};
        }
    }

    // Register h of a panel, the channels from `channel` on, to be written at y[at].
    INLINE void put(Finish& self, vec value, int h, int channel, real* y, int64_t at) {
        if constexpr (ending == Ending::FINISHED) {
            if (self.bias) value += load(self.bias + channel);
            if (self.residual) {
                vec more = load(self.residual + at);
                if (self.residual_mask) more = where((mask)(load(self.residual_mask + at) > vec{}), more);
                value += more;
            }
            if (self.relu) value = rectified(value);
        }
        if constexpr (ending == Ending::ANSWERED || ending == Ending::ADDED) {
            value += load(self.bias + channel);
            if (ending == Ending::ADDED) value += load(self.residual + at);
            value = value < self.floor ? self.floor : value;
        }
        if constexpr (ending == Ending::LET_THROUGH) {
            const vec from = load(self.value + at);
            value = where((mask)(from * self.scale[h] + self.shift[h] > vec{}), value);
            self.sum[h] += value;
            self.square[h] += value * (from - self.pivot[h]);
        }
        if constexpr (ending == Ending::COUNTED) {
            const vec off = value - self.pivot[h];
            self.sum[h] += off;
            self.square[h] += off * off;
        }
        self.streams ? stream(y + at, value) : store(y + at, value);
    }

    // Add what was summed in single precision, over some hundred pixels, to the sums in double precision.
    void count(double* sums, double* squares) const {
        for (int h = 0; h < REGISTERS; h++)
            for (int i = 0; i < WIDTH_OF_REGISTER; i++) {
                sums[h * WIDTH_OF_REGISTER + i] += sum[h][i];
                squares[h * WIDTH_OF_REGISTER + i] += square[h][i];
            }
    }
};

// sums[0..width) = the sum over blocks of parts[block][0..width), in the order of the blocks whatever thread made them.
static void sum_parts(const double* parts, int64_t blocks, int64_t width, double* sums) {
    for (int64_t i = 0; i < width; i++) sums[i] = 0;
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = 0; i < width; i++) sums[i] += parts[b * width + i];
}

} // namespace VARIANT
