// What the library exports: the kernels of the variants that were compiled in and that this processor can run.
#include <atomic>
#include <cstring>
#include <pthread.h>

#include "kernels.h"
#include "arena.hpp"

std::atomic<bool> resnets_in_forked_child{false};

namespace scalar { extern const Kernels kernels; }
namespace scalar64 { extern const Kernels kernels; }
#ifdef WITH_X86
namespace avx2 { extern const Kernels kernels; }
namespace avx512 { extern const Kernels kernels; }
#endif
#ifdef WITH_NEON
namespace neon { extern const Kernels kernels; }
#endif

namespace {

struct Variant {
    const char* name;
    const Kernels* kernels;
    bool (*runs_here)();
};

bool always() { return true; }

// Fastest first; float64 last, as an oracle that is asked for by name.
const Variant VARIANTS[] = {
#ifdef WITH_X86
    {"avx512", &avx512::kernels,
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
     }},
    {"avx2", &avx2::kernels, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
#ifdef WITH_NEON
    {"neon", &neon::kernels, always},
#endif
    {"scalar", &scalar::kernels, always},
    {"scalar64", &scalar64::kernels, always},
};

[[maybe_unused]] const int watching = pthread_atfork(nullptr, nullptr, [] { resnets_in_forked_child = true; });

} // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// The interface's number: raised with every change to kernels.h, so that an old library is refused.
EXPORTED int32_t resnets_interface() { return RESNETS_INTERFACE; }

// The name of the i-th variant that runs on this processor, fastest first; null after the last.
EXPORTED const char* resnets_variant(int32_t number) {
    for (const Variant& variant : VARIANTS)
        if (variant.runs_here() && number-- == 0) return variant.name;
    return nullptr;
}

// The kernels of a variant, or null if it is not here or this processor cannot run it.
EXPORTED const Kernels* resnets_kernels(const char* name) {
    for (const Variant& variant : VARIANTS)
        if (variant.runs_here() && std::strcmp(variant.name, name) == 0) return variant.kernels;
    return nullptr;
}

// Images, not initialised, in the kernels' own memory until `deleter` is called; null if there is no place.
EXPORTED ManagedTensor* resnets_images(int32_t bits, int64_t count, int64_t channels, int64_t height, int64_t width) {
    try {
        return arena::images(bits, count, channels, height, width);
    } catch (const std::bad_alloc&) { // while the arena itself is made
        return nullptr;
    }
}

// Whether that memory stays in the process when nothing lives in it.
EXPORTED void resnets_keep(int32_t wanted) { arena::instance().keep(wanted); }
