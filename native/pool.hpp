// Pooling for inference: the largest and the mean value of each channel.
#pragma once

#include <limits>

#include "kernels.h"
#include "threads.hpp"
#include "vector.hpp"

namespace VARIANT {

INLINE vec larger(vec a, vec b) { return a > b || a != a ? a : b; }

static void max_pool(const Convolution& c, const real* x, real* y) {
    const int64_t lines = int64_t(c.images) * c.out_height;
#pragma omp parallel for schedule(static) num_threads(threads_for(lines))
    for (int64_t line = 0; line < lines; line++) {
        const int64_t image = line / c.out_height;
        const int top = int(line % c.out_height) * c.stride - c.padding;
        for (int v = 0; v < c.out_width; v++) {
            const int left = v * c.stride - c.padding;
            for (int k = 0; k < c.channels; k += WIDTH_OF_REGISTER) {
                vec most = spread(-std::numeric_limits<real>::infinity());
                for (int i = std::max(0, top); i < std::min(c.height, top + c.kernel); i++)
                    for (int j = std::max(0, left); j < std::min(c.width, left + c.kernel); j++)
                        most = larger(load(x + ((image * c.height + i) * c.width + j) * c.channels + k), most);
                store(y + (line * c.out_width + v) * c.channels + k, most);
            }
        }
    }
}

static void mean_pool(const real* x, real* y, int64_t images, int64_t pixels, int channels) {
    const int panels = channels / WIDTH_OF_REGISTER;
#pragma omp parallel for schedule(static) num_threads(threads_for(images * panels))
    for (int64_t q = 0; q < images * panels; q++) {
        const int64_t image = q / panels;
        const int c = int(q % panels) * WIDTH_OF_REGISTER;
        vec sum = {};
        for (int64_t p = 0; p < pixels; p++) sum += load(x + (image * pixels + p) * channels + c);
        store(y + image * channels + c, sum / real(pixels));
    }
}

} // namespace VARIANT
