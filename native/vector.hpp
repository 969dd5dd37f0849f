// A register of numbers, written with the vector extensions of GCC and Clang, so that one source serves every processor.
//
// A variant is a compilation of variant.cpp with REAL (float or double), WIDTH (numbers in a register) and VARIANT (the
// name of its namespace) given.  Everything is stored in panels of 16 channels: one AVX-512 register, two of AVX2, four
// of NEON, so that all variants share one layout.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
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

// The numbers at `places` of two registers, those of the second counted on from the first's.
template <int... places> INLINE vec chosen(vec a, vec b, std::integer_sequence<int, places...>) {
#ifdef __clang__
    return __builtin_shufflevector(a, b, places...);
#else
    return __builtin_shuffle(a, b, mask{places...});
#endif
}

// Of rows that are `apart` from each other, the blocks beside the diagonal exchanged.
template <int apart, int... i> INLINE void exchange(vec& a, vec& b, std::integer_sequence<int, i...>) {
    const vec first = a;
    a = chosen(first, b, std::integer_sequence<int, (i & apart ? WIDTH - apart + i : i)...>());
    b = chosen(first, b, std::integer_sequence<int, (i & apart ? WIDTH + i : i + apart)...>());
}

template <int apart> INLINE void exchange_all(vec (&rows)[WIDTH]) {
    if constexpr (apart < WIDTH) {
#pragma GCC unroll 16
        for (int r = 0; r < WIDTH; r++)
            if (!(r & apart)) exchange<apart>(rows[r], rows[r | apart], std::make_integer_sequence<int, WIDTH>());
        exchange_all<2 * apart>(rows);
    }
}

// to[c * to_row + k] = from[k * from_row + c] for a panel's square, register by register.  Number by number, filters of
// 512 x 512 channels kept the 16 pixels of a 4x4 image waiting: 3x3 took 1.7 times as long forward, 1x1 1.3 times.
INLINE void transpose(const real* from, int64_t from_row, real* to, int64_t to_row) {
    for (int k = 0; k < PANEL; k += WIDTH)
        for (int c = 0; c < PANEL; c += WIDTH) {
            vec rows[WIDTH];
#pragma GCC unroll 16
            for (int r = 0; r < WIDTH; r++) rows[r] = load(from + (k + r) * from_row + c);
            exchange_all<1>(rows);
#pragma GCC unroll 16
            for (int r = 0; r < WIDTH; r++) store(to + (c + r) * to_row + k, rows[r]);
        }
}

// max(0, x), and NaN where x is NaN, so that a diverged network is seen to diverge.
INLINE vec rectified(vec values) { return values < vec{} ? vec{} : values; }

} // namespace VARIANT
