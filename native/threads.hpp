// How many threads share the work.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <omp.h>

// Set in a forked child: the pool of threads did not come along, and waiting for it would never end.
extern std::atomic<bool> resnets_in_forked_child;

namespace VARIANT {

inline int threads_for(int64_t pieces) {
    const int usable = resnets_in_forked_child ? 1 : omp_get_max_threads();
    return int(std::max<int64_t>(1, std::min<int64_t>(usable, pieces)));
}

// The first piece of a thread when pieces are shared out evenly and in order.
inline int64_t share(int64_t pieces, int thread, int threads) { return pieces * thread / threads; }

} // namespace VARIANT
