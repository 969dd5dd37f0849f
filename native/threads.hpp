// How many threads share the work.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <omp.h>

// Set in a forked child: the pool of threads did not come along, and waiting for it would never end.
extern std::atomic<bool> resnets_in_forked_child;

namespace VARIANT {

constexpr int MOST_THREADS = 256;

inline int divided_up(int64_t count, int64_t size) { return int((count + size - 1) / size); }

// Work is dealt out before threads start, so no more are asked for than will come: inside a parallel region and with
// OMP_DYNAMIC that is sure of one alone.
inline int threads_for(int64_t pieces) {
    const bool alone = resnets_in_forked_child || omp_in_parallel() || omp_get_dynamic();
    const int usable = alone ? 1 : std::min({omp_get_max_threads(), omp_get_thread_limit(), MOST_THREADS});
    return int(std::max<int64_t>(1, std::min<int64_t>(usable, pieces)));
}

// Pieces that a thread takes at a time: up to `most` neighbours, which share lines of the input, but where there are few
// pieces one alone: 9 of them by twos leave a thread idle for a fifth of the time.
inline int at_a_time(int64_t pieces, int threads, int most) {
    return int(std::max<int64_t>(1, std::min<int64_t>(most, pieces / (8 * threads))));
}

// The first piece of a thread when pieces are shared out evenly and in order.
inline int64_t share(int64_t pieces, int thread, int threads) { return pieces * thread / threads; }

} // namespace VARIANT
