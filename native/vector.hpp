// A register of numbers, written with the vector extensions of GCC and Clang, so that one source serves every processor.
//
// A variant is a compilation of variant.cpp with REAL (float or double), WIDTH (numbers in a register) and VARIANT (the
// name of its namespace) given.  Everything is stored in panels of 16 channels: one AVX-512 register, two of AVX2, four
// of NEON, so that all variants share one layout.
#pragma once

#include <cstdint>
#include <cstring>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

namespace VARIANT {

using real = REAL;

constexpr int WIDTH_OF_REGISTER = WIDTH;
constexpr int PANEL = 16;                            // channels that lie side by side
constexpr int REGISTERS = PANEL / WIDTH_OF_REGISTER; // registers that hold a panel

typedef real vec __attribute__((vector_size(WIDTH * sizeof(real))));
typedef real unaligned_vec __attribute__((vector_size(WIDTH * sizeof(real)), aligned(sizeof(real)), may_alias));
template <int bytes> struct integer_of;
template <> struct integer_of<4> { using type = int32_t; };
template <> struct integer_of<8> { using type = int64_t; };
typedef integer_of<sizeof(real)>::type mask __attribute__((vector_size(WIDTH * sizeof(real))));

INLINE const real* numbers(const void* pointer) { return static_cast<const real*>(pointer); }
INLINE real* numbers(void* pointer) { return static_cast<real*>(pointer); }

INLINE vec load(const real* from) { return *reinterpret_cast<const unaligned_vec*>(from); }
INLINE void store(real* to, vec values) { *reinterpret_cast<unaligned_vec*>(to) = values; }

// Past the caches, for what is too large to be found there when it is read again: memory is then not read before it is
// written.  The address must be a multiple of a register's size.
INLINE void stream(real* to, vec values) {
#if defined(__AVX512F__)
    _mm512_stream_ps(to, (__m512)values);
#elif defined(__AVX2__)
    _mm256_stream_ps(to, (__m256)values);
#else
    store(to, values);
#endif
}

// The same address or place, about which the compiler knows nothing: it then adds to it where it is used.  Else it keeps one
// for each of the 36 numbers of a tile, in memory, and adds to all of them.
template <class Place> INLINE Place opaque(Place place) {
    asm("" : "+r"(place));
    return place;
}

INLINE vec spread(real value) { return value - vec{}; }
INLINE vec where(mask keep, vec values) { return (vec)((mask)values & keep); }

// sum += x * the register at `from`, which the multiplication reads by itself: an instruction less.  (GCC would load a
// register first.)  Not under the sanitizer, which does not see it read.
INLINE void add_product(vec& sum, vec x, const real* from) {
#if defined(__AVX2__) && !defined(__AVX512F__) && !defined(__SANITIZE_ADDRESS__)
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "m"(*reinterpret_cast<const unaligned_vec*>(from)));
#else
    sum += x * load(from);
#endif
}

// max(0, x), and NaN where x is NaN, so that a diverged network is seen to diverge.
INLINE vec rectified(vec values) { return values < vec{} ? vec{} : values; }

} // namespace VARIANT
