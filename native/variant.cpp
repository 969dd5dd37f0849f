// One compilation of all kernels for one kind of processor: see vector.hpp for what is to be defined.
#include <algorithm>

#include "kernels.h"
#include "vector.hpp"

#include "gather_weights.hpp"
#include "norm.hpp"
#include "pool.hpp"

namespace VARIANT {
namespace {

enum Algorithm { BY_SHAPE = 0, GATHER = 1, WINOGRAD_2 = 2, WINOGRAD_4 = 4 };

// Products that a pair of channels takes in one image: with F(2x2) fewer where images are no larger than 2x2.
template <class F> int64_t products_of_image(const Convolution& c) {
    return int64_t(Tiling<F>(c).in_image) * F::POINTS * F::POINTS;
}

// Winograd wants a 3x3 kernel that keeps or halves the size, and whole panels of channels.
int algorithm_of(const Convolution& c, const Plan& plan) {
    if (plan.algorithm != BY_SHAPE) return plan.algorithm;
    const bool fits = c.kernel == 3 && c.stride <= 2 && c.padding == 1 && c.channels % PANEL == 0;
    if (!fits) return GATHER;
    return c.stride == 2 || products_of_image<F2>(c) < products_of_image<F4>(c) ? WINOGRAD_2 : WINOGRAD_4;
}

// Calls work with the algorithm as a value of its type; `Strided` is the one for stride 2.
template <class Strided, class Work> void with_winograd(const Convolution& c, int algorithm, const Work& work) {
    if (c.stride == 2) return work(Strided());
    if (algorithm == WINOGRAD_2) return work(F2());
    work(F4());
}

template <class Work> int32_t guarded(const Work& work) {
    try {
        work();
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

// The sums over no images.
int32_t without_images(const Epilogue& epilogue, int channels) {
    if (epilogue.sums) std::fill_n(epilogue.sums, 2 * channels, 0.0);
    return 0;
}

// The gradient of filters that no image met.
int32_t without_images(const Convolution& c, real* dw, const Strides& at) {
    for (int64_t k = 0; k < c.out_channels; k++)
        for (int64_t i = 0; i < c.channels; i++)
            for (int row = 0; row < c.kernel; row++)
                for (int column = 0; column < c.kernel; column++)
                    dw[k * at.out + i * at.in + row * at.row + column * at.column] = 0;
    return 0;
}

int32_t forward(const Convolution* c, const void* x, const void* w, const Strides* at, void* y, const Prologue* prologue,
                const Epilogue* epilogue, const Plan* plan) {
    if (!c->images) return without_images(*epilogue, c->out_channels);
    return guarded([&] {
        const int algorithm = algorithm_of(*c, *plan);
        if (algorithm == GATHER) {
            const Gathering g = gathering_of(*c, *at);
            real* u = room<real>(WEIGHTS, gather_packed_size(g));
            gather_pack(g, numbers(w), at->out, at->in, u);
            return gather_multiply(g, numbers(x), u, numbers(y), *prologue, *epilogue, *plan);
        }
        with_winograd<Halving>(*c, algorithm, [&](auto f) {
            winograd<decltype(f)>(*c, numbers(x), nullptr, numbers(w), *at, numbers(y), *prologue, *epilogue, *plan);
        });
    });
}

// The gradient of the input is a convolution with the filters turned round and the channels exchanged.
int32_t backward_data(const Convolution* c, const void* dy, const void* w, const Strides* at, void* dx,
                      const Epilogue* epilogue, const Plan* plan) {
    if (!c->images) return without_images(*epilogue, c->channels);
    return guarded([&] {
        const int algorithm = algorithm_of(*c, *plan);
        if (algorithm == GATHER)
            return gather_backward_data(*c, numbers(dy), numbers(w), *at, numbers(dx), *epilogue, *plan);
        const Convolution turned{c->images, c->out_height, c->out_width, c->out_channels, c->height,
                                 c->width,  c->channels,   c->kernel,    c->stride,       c->padding};
        const real* last = numbers(w) + 2 * at->row + 2 * at->column;
        const Strides back{at->in, at->out, -at->row, -at->column};
        with_winograd<Doubling>(*c, algorithm, [&](auto f) {
            winograd<decltype(f)>(turned, numbers(dy), nullptr, last, back, numbers(dx), {}, *epilogue, *plan);
        });
    });
}

int32_t backward_weights(const Convolution* c, const void* x, const void* dy, void* dw, const Strides* at,
                         const Prologue* prologue, const NormGradient* norm, const Plan* plan) {
    if (!c->images) return without_images(*c, numbers(dw), *at);
    return guarded([&] {
        const int algorithm = algorithm_of(*c, *plan);
        if (algorithm == GATHER)
            return gather_weights(*c, numbers(x), numbers(dy), numbers(dw), *at, *prologue, *norm, *plan);
        with_winograd<Halving>(*c, algorithm, [&](auto f) {
            winograd_weights<decltype(f)>(*c, numbers(x), numbers(dy), numbers(dw), *at, *prologue, *norm, *plan);
        });
    });
}

int64_t packed_size(const Convolution* c, const Plan* plan) {
    const int algorithm = algorithm_of(*c, *plan);
    if (algorithm == GATHER) return gather_packed_size(gathering_of(*c, {}));
    int64_t size = 0;
    with_winograd<Halving>(*c, algorithm, [&](auto f) { size = winograd_packed_size<decltype(f)>(*c); });
    return size;
}

int32_t pack_weights(const Convolution* c, const void* w, const Strides* at, void* packed, const Plan* plan) {
    return guarded([&] {
        const int algorithm = algorithm_of(*c, *plan);
        if (algorithm == GATHER)
            return gather_pack(gathering_of(*c, *at), numbers(w), at->out, at->in, numbers(packed));
        with_winograd<Halving>(*c, algorithm,
                               [&](auto f) { winograd_pack<decltype(f)>(*c, numbers(w), *at, numbers(packed)); });
    });
}

int32_t forward_packed(const Convolution* c, const void* x, const void* packed, void* y, const Epilogue* epilogue,
                       const Plan* plan) {
    if (!c->images) return without_images(*epilogue, c->out_channels);
    return guarded([&] {
        const int algorithm = algorithm_of(*c, *plan);
        const real* u = numbers(packed);
        if (algorithm == GATHER)
            return gather_multiply(gathering_of(*c, {}), numbers(x), u, numbers(y), {}, *epilogue, *plan);
        with_winograd<Halving>(*c, algorithm, [&](auto f) {
            winograd<decltype(f)>(*c, numbers(x), u, nullptr, {}, numbers(y), {}, *epilogue, *plan);
        });
    });
}

int32_t channel_sums_(const void* y, const void* pivot, int64_t rows, int32_t channels, double* sums) {
    return guarded([&] { channel_sums(numbers(y), numbers(pivot), rows, channels, sums); });
}

int32_t norm_statistics_(const double* sums, int64_t rows, const void* pivot, const void* gamma, const void* beta,
                         double eps, int32_t channels, void* statistics) {
    norm_statistics(sums, rows, numbers(pivot), numbers(gamma), numbers(beta), eps, channels, numbers(statistics));
    return 0;
}

int32_t norm_coefficients_(const double* sums, int64_t rows, const void* statistics, int32_t channels,
                           void* coefficients) {
    norm_coefficients(sums, rows, numbers(statistics), channels, numbers(coefficients));
    return 0;
}

int32_t norm_apply_(const void* y, const void* scale, const void* shift, const void* residual, int32_t relu, void* z,
                    int64_t rows, int32_t channels) {
    norm_apply(numbers(y), numbers(scale), numbers(shift), numbers(residual), relu, numbers(z), rows, channels);
    return 0;
}

int32_t norm_backward_sums_(const void* dz, const void* y, const void* mean, const void* gate, const void* scale,
                            const void* shift, int64_t rows, int32_t channels, double* sums) {
    return guarded([&] {
        norm_backward_sums(numbers(dz), numbers(y), numbers(mean), numbers(gate), numbers(scale), numbers(shift), rows,
                           channels, sums);
    });
}

int32_t norm_gradient_(const void* dz, const NormGradient* norm, int64_t rows, int32_t channels) {
    norm_gradient(numbers(dz), *norm, rows, channels);
    return 0;
}

int32_t max_pool_(const Convolution* c, const void* x, void* y) {
    max_pool(*c, numbers(x), numbers(y));
    return 0;
}

int32_t mean_pool_(const void* x, void* y, int64_t images, int64_t pixels, int32_t channels) {
    mean_pool(numbers(x), numbers(y), images, pixels, channels);
    return 0;
}

double peak(int64_t rounds) {
    constexpr int CHAINS = 12; // more than the latency of a multiply-add times the two units that do them
    const int threads = threads_for(1 << 20);
    const double start = omp_get_wtime();
#pragma omp parallel num_threads(threads)
    {
        vec sums[CHAINS];
        for (int j = 0; j < CHAINS; j++) {
            sums[j] = spread(real(j));
            __asm__ volatile("" : "+m"(sums[j])); // unknown, or the compiler multiplies one number for all of them
        }
        const vec factor = spread(real(0.999)), more = spread(real(0.001));
        for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
            for (int j = 0; j < CHAINS; j++) sums[j] = sums[j] * factor + more;
        }
        for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "m"(sums[j])); // read, or nothing is computed
    }
    return double(rounds) * CHAINS * WIDTH_OF_REGISTER * threads / (omp_get_wtime() - start);
}

} // namespace

extern const Kernels kernels;
const Kernels kernels = {
    forward,          backward_data,      backward_weights,    packed_size,          pack_weights,
    forward_packed,   channel_sums_,      norm_statistics_,    norm_coefficients_,   norm_apply_,
    norm_backward_sums_, norm_gradient_, max_pool_,      mean_pool_,           peak,
};

} // namespace VARIANT
