// Memory asked for before it is needed: a thread that waits for a pixel multiplies nothing.
#pragma once

#include <algorithm>
#include <cstdint>

#include "threads.hpp"
#include "vector.hpp"

namespace VARIANT {

constexpr int INTO_L2 = 2; // for __builtin_prefetch

// Cache lines that will be written, and others that will be read, once rows are multiplied: a panel of each row.  Asked for
// before, a 1x1 convolution of 64 to 256 channels at 56x56 with a residual takes 0.82 of the time, one of 256 to 1,024 0.95.
struct Ahead {
    const real *written = nullptr, *read = nullptr;
    int64_t row = 0; // numbers from one to the next

    Ahead of(int panel) const {
        return {written ? written + panel * PANEL : nullptr, read ? read + panel * PANEL : nullptr, row};
    }
    void ask(int first, int count, int panels) const {
        for (int t = first; t < first + count; t++)
            for (int p = 0; p < panels; p++) {
                if (written) __builtin_prefetch(written + t * row + p * PANEL, 1);
                if (read) __builtin_prefetch(read + t * row + p * PANEL);
            }
    }
};

// Memory that the next block will read or write, asked for a few lines at a time while this one is multiplied, and in the order
// in which it lies there: tile by tile, memory gives less than half as much a second.  ResNet-20's training steps take 0.82
// of the time, ResNet-18's 0.94; 1x1 convolutions of 16 images 0.75 to 0.95 (AMD EPYC).
class Soon {
  public:
    void add(const real* from, int64_t count) {
        if (count > 0) runs[used++] = {reinterpret_cast<const char*>(from), divided_up(count * int64_t(sizeof(real)), LINE), 0};
    }
    // All of it is asked for in so many calls of `ask`.
    void spread_over(int64_t kernels) {
        for (int i = 0; i < used; i++) runs[i].at_once = divided_up(runs[i].left, std::max<int64_t>(1, kernels));
    }
    // To be called before each kernel.
    void ask() {
        if (used) ask_some();
    }

  private:
    static constexpr int LINE = 64, MOST = 5; // tensors that a gradient reads and writes
    struct Run {
        const char* at;
        int64_t left, at_once; // lines
    } runs[MOST];
    int used = 0;

    __attribute__((noinline)) void ask_some() {
        for (int i = 0; i < used; i++) {
            Run& run = runs[i];
            const int64_t some = std::min(run.at_once, run.left);
            for (int64_t line = 0; line < some; line++, run.at += LINE) __builtin_prefetch(run.at);
            run.left -= some;
        }
    }
};

} // namespace VARIANT
