// Memory for large tensors that live as long as PyTorch wants them: one range of addresses, each tensor at the lowest place
// that is free and large enough.
//
// malloc keeps a freed block between two others from the next aligned request of its size, and puts what stays (gradients,
// momentum) between what goes: in a training step of ResNet-20, 174 MB of living values take 250 to 340 MB.  Here they take
// 200 (`resnets bench native-memory`).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <new>
#ifdef __linux__
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

extern "C" {
// A tensor in the form in which programs hand them to one another.    [DLPack, dlpack.h, DLManagedTensor]
struct ManagedTensor {
    void* data;
    int32_t device_type, device;
    int32_t dimensions;
    uint8_t kind, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
    void* manager;
    void (*deleter)(ManagedTensor*);
};
}

namespace arena {

constexpr uintptr_t HUGE_PAGE = uintptr_t(1) << 21;

inline uintptr_t down(uintptr_t address) { return address / HUGE_PAGE * HUGE_PAGE; }
inline uintptr_t up(uintptr_t address) { return down(address + HUGE_PAGE - 1); }

class Arena {
  public:
    // As many addresses as there is memory; they cost nothing before they are written to.
    Arena() {
#ifdef __linux__
        const size_t all = size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE));
        void* const found = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (found == MAP_FAILED) return; // the system counts addresses as memory: nothing is free here, malloc is asked
        madvise(found, all, MADV_HUGEPAGE);
        start = reached = up(uintptr_t(found));
        end = down(uintptr_t(found) + all);
        gaps[start] = end - start;
#endif
    }

    // The lowest place of so many bytes, or null if there is none.
    void* take(size_t bytes) {
        const std::lock_guard<std::mutex> guard(lock);
        const auto gap = std::find_if(gaps.begin(), gaps.end(), [=](const auto& one) { return one.second >= bytes; });
        if (gap == gaps.end()) return nullptr;
        auto rest = gaps.extract(gap); // and put back, which takes no memory that might not be there
        const uintptr_t place = rest.key();
        rest.key() += bytes;
        rest.mapped() -= bytes;
        if (rest.mapped()) gaps.insert(std::move(rest));
        reached = std::max(reached, place + bytes);
        return reinterpret_cast<void*>(place);
    }

    // A place that was taken is free again; where nothing lives any more, pages are given back if they are not to be kept.
    // Without memory to note it down, it is lost.
    void give(void* place, size_t bytes) noexcept {
        const std::lock_guard<std::mutex> guard(lock);
        Gaps::iterator gap;
        try {
            gap = gaps.emplace(uintptr_t(place), bytes).first;
        } catch (const std::bad_alloc&) {
            return;
        }
        join_with_next(gap);
        if (gap != gaps.begin()) join_with_next(std::prev(gap));
        if (!keeps && gaps.begin()->second == end - start) give_back();
    }

    // Whether free pages stay in the process.  If not, those that are free now are given back at once.
    void keep(bool wanted) {
        const std::lock_guard<std::mutex> guard(lock);
        keeps = wanted;
        if (!keeps) give_back();
    }

    std::mutex lock;

  private:
    using Gaps = std::map<uintptr_t, size_t>;

    void join_with_next(Gaps::iterator gap) {
        const auto next = std::next(gap);
        if (next == gaps.end() || gap->first + gap->second != next->first) return;
        gap->second += next->second;
        gaps.erase(next);
    }

    void give_back() {
#ifdef __linux__
        for (const auto& [place, room] : gaps) {
            const uintptr_t from = up(place), to = down(std::min(place + room, up(reached)));
            if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
        }
#endif
    }

    Gaps gaps; // where nothing lives: place and bytes, none right behind another
    uintptr_t start = 0, end = 0;
    uintptr_t reached = 0; // pages from here on were never touched
    bool keeps = true;
};

// The one arena of the process.  It is never destroyed, because tensors may outlive everything.
inline Arena& instance() {
    static Arena* const found = [] {
        auto* const made = new Arena;
#ifdef __linux__
        // A child that is forked while another thread is in here would wait for it for ever.
        pthread_atfork([] { instance().lock.lock(); }, [] { instance().lock.unlock(); }, [] { instance().lock.unlock(); });
#endif
        return made;
    }();
    return *found;
}

struct Images : ManagedTensor {
    int64_t sizes[4], steps[4];
    size_t bytes;
};

// Images of floating-point numbers, channels innermost, not initialised; null if there is no place.
inline ManagedTensor* images(int32_t bits, int64_t count, int64_t channels, int64_t height, int64_t width) {
    // Whole cache lines and one more, so that equal tensors behind one another do not meet in the same cache sets.
    const size_t numbers = size_t(count) * size_t(channels) * size_t(height) * size_t(width);
    const size_t bytes = (numbers * size_t(bits) / 8 + 63) / 64 * 64 + 64;
    auto* const made = new (std::nothrow) Images{
        {}, {count, channels, height, width}, {height * width * channels, 1, width * channels, channels}, bytes};
    if (!made) return nullptr;
    made->data = instance().take(bytes);
    if (!made->data) {
        delete made;
        return nullptr;
    }
    made->device_type = 1; // CPU
    made->dimensions = 4;
    made->kind = 2; // floating point
    made->bits = uint8_t(bits);
    made->lanes = 1;
    made->shape = made->sizes;
    made->strides = made->steps;
    made->deleter = [](ManagedTensor* tensor) {
        const auto* const done = static_cast<Images*>(tensor);
        instance().give(done->data, done->bytes);
        delete done;
    };
    return made;
}

} // namespace arena
