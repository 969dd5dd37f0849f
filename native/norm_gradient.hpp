// The gradient of a convolution's output through the norm and ReLU behind it, one register at a time.
#pragma once

#include <type_traits>

#include "kernels.h"
#include "vector.hpp"

namespace VARIANT {

enum class Gate { NONE, OPEN, BY_OUTPUT, BY_VALUE };

// g * scale + y * slope + offset for the channels c..c + width, where g is what the gate lets through.
template <Gate gate> struct GradientOf {
    const real *y, *output;
    vec scale, shift, slope, offset;

    INLINE vec some(const void* values, int c) { return load(numbers(values) + c); }
    GradientOf(const NormGradient& norm, int c)
        : y(numbers(norm.y)), output(numbers(norm.gate)), scale(gate != Gate::NONE ? some(norm.scale, c) : vec{}),
          shift(gate == Gate::BY_VALUE ? some(norm.shift, c) : vec{}),
          slope(gate != Gate::NONE ? some(norm.slope, c) : vec{}),
          offset(gate != Gate::NONE ? some(norm.offset, c) : vec{}) {}

    vec operator()(vec dz, int64_t at) const {
        if constexpr (gate == Gate::NONE) return dz;
        const vec value = load(y + at);
        if constexpr (gate == Gate::BY_OUTPUT) dz = where((mask)(load(output + at) > vec{}), dz);
        if constexpr (gate == Gate::BY_VALUE) dz = where((mask)(value * scale + shift > vec{}), dz);
        return dz * scale + (value * slope + offset);
    }
};

// Calls work with the kind of gate as a type.
template <class Work> void with_gate(const NormGradient& norm, const Work& work) {
    if (!norm.y) return work(std::integral_constant<Gate, Gate::NONE>());
    if (norm.gate) return work(std::integral_constant<Gate, Gate::BY_OUTPUT>());
    if (norm.shift) return work(std::integral_constant<Gate, Gate::BY_VALUE>());
    return work(std::integral_constant<Gate, Gate::OPEN>());
}

} // namespace VARIANT
