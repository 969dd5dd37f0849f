// Memory that kernels work in: kept from call to call, because fresh pages cost more than the work done in them.
//
// On virtual machines a first touch of a 4 KB page takes about 2 us (15 ms for 32 MB), so blocks only ever grow, and ask for
// huge pages.  One set a calling thread, so that several Python threads may compute at once.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace VARIANT {

#ifdef __SANITIZE_ADDRESS__
constexpr bool IS_EXACT = true; // each time anew and no larger than asked for, so that a step beside it is seen
#else
constexpr bool IS_EXACT = false;
#endif

enum Slot { TILES, PRODUCTS, WEIGHTS, GRADIENTS, PARTIAL, SUMS, SLOTS };

class Block {
  public:
    ~Block() { std::free(start); }

    void* of_at_least(size_t bytes) {
        if (bytes > size || IS_EXACT) {
            std::free(start);
            start = nullptr;
            size = 0;
            const size_t rounded = (bytes + PAGE - 1) / PAGE * PAGE;
            start = std::aligned_alloc(PAGE, rounded);
            if (!start) throw std::bad_alloc();
            size = rounded;
#ifdef __linux__
            madvise(start, rounded, MADV_HUGEPAGE);
#endif
        }
        return start;
    }

  private:
    static constexpr size_t PAGE = IS_EXACT ? 64 : size_t(1) << 21;
    void* start = nullptr;
    size_t size = 0;
};

// Room for so many numbers, aligned to a cache line.  To be called before threads share the work.
template <class number> number* room(Slot slot, int64_t count) {
    static thread_local Block blocks[SLOTS];
    return static_cast<number*>(blocks[slot].of_at_least(size_t(count) * sizeof(number)));
}

// A count of numbers rounded up to whole cache lines plus one more, so that parts do not meet in the same cache sets:
// with parts a multiple of 4 KB apart the multiplication runs at 87 % of the speed.
inline int64_t padded(int64_t count) { return (count + 15) / 16 * 16 + 16; }

} // namespace VARIANT
