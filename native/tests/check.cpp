// Every kernel of the variants that run here, on random shapes, against plain loops in double precision.
//
// Inputs and outputs fill blocks of their own to the last number, and outputs start as NaN: built with a sanitizer this
// sees whatever is read or written beside them, or not written at all.  Usage: check VARIANT ROUNDS [SEED]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>

#include "../kernels.h"

extern "C" const Kernels* resnets_kernels(const char* name);

namespace {

std::mt19937 generator;

int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(generator); }

// So many numbers, aligned to nothing more than a number is.
template <class real> class Numbers {
  public:
    explicit Numbers(int64_t count, bool filled = true)
        : count(count), offset(between(0, 1)), block(new real[count + offset]) {
        std::normal_distribution<double> normal;
        const real unwritten = std::numeric_limits<real>::quiet_NaN();
        for (int64_t i = 0; i < count; i++) (*this)[i] = filled ? real(normal(generator)) : unwritten;
    }
    real& operator[](int64_t i) { return block[i + offset]; }
    real operator[](int64_t i) const { return block[i + offset]; }
    real* data() { return block.get() + offset; }
    void clear() { std::fill_n(data(), count, real(0)); }
    const int64_t count;

  private:
    const int offset;
    std::unique_ptr<real[]> block;
};

int failures = 0;

// Holds what was computed to what was wanted, up to rounding in the precision of what was computed.
template <class real>
void compare(const char* what, const Convolution& c, const Plan& p, const Numbers<real>& found,
             const Numbers<double>& wanted) {
    double largest = 1e-30, off = 0;
    bool is_number = true;
    for (int64_t i = 0; i < found.count; i++) {
        largest = std::max(largest, std::abs(wanted[i]));
        off = std::max(off, std::abs(double(found[i]) - wanted[i]));
        is_number &= !std::isnan(double(found[i]));
    }
    const double tolerance = sizeof(real) == 4 ? 2e-5 : 1e-11;
    if (is_number && off <= tolerance * largest) return;
    failures++;
    std::printf("%s: error %.1e%s; %d images of %dx%dx%d to %dx%dx%d, kernel %d, stride %d, padding %d; plan %d %d %d %d\n",
                what, off / largest, is_number ? "" : ", NaN", c.images, c.height, c.width, c.channels, c.out_height, c.out_width,
                c.out_channels, c.kernel, c.stride, c.padding, p.algorithm, p.tiles, p.panels, p.by_channels);
}

// Calls visit(place in x, place in y, row and column of the weight) wherever a pixel meets a weight.
template <class Visit> void for_taps(const Convolution& c, const Visit& visit) {
    for (int n = 0; n < c.images; n++)
        for (int u = 0; u < c.out_height; u++)
            for (int v = 0; v < c.out_width; v++)
                for (int i = 0; i < c.kernel; i++)
                    for (int j = 0; j < c.kernel; j++) {
                        const int row = u * c.stride - c.padding + i, column = v * c.stride - c.padding + j;
                        if (row >= 0 && row < c.height && column >= 0 && column < c.width)
                            visit(((int64_t(n) * c.height + row) * c.width + column) * c.channels,
                                  ((int64_t(n) * c.out_height + u) * c.out_width + v) * c.out_channels, i, j);
                    }
}

Convolution random_convolution(Plan& plan) {
    const int algorithms[] = {0, 1, 2, 4};
    plan = {algorithms[between(0, 3)], between(0, 1) * between(1, 40), between(0, 3), between(0, 1)};
    Convolution c{};
    c.kernel = plan.algorithm > 1 ? 3 : 2 * between(0, 3) + 1;
    c.stride = between(1, 2);
    c.padding = plan.algorithm > 1 ? 1 : between(0, c.kernel / 2);
    const int least = std::max(1, c.kernel - 2 * c.padding);
    c.images = between(1, 3), c.height = between(least, least + 12), c.width = between(least, least + 12);
    const bool is_first = plan.algorithm < 2 && between(0, 3) == 0;
    c.channels = is_first ? between(1, 7) : 16 * between(1, 5), c.out_channels = 16 * between(1, 5);
    c.out_height = (c.height + 2 * c.padding - c.kernel) / c.stride + 1;
    c.out_width = (c.width + 2 * c.padding - c.kernel) / c.stride + 1;
    return c;
}

// What a convolution reads and is given, and what plain loops make of it.
template <class real> struct Problem {
    Plan plan;
    const Convolution c;
    const int64_t taps, pixels;
    const Strides at;
    Numbers<real> x, w, dz;
    const bool activated; // whether max(0, x * scale + shift) is read
    Numbers<real> scale, shift;
    const Prologue prologue;
    Numbers<double> read;

    Problem()
        : c(random_convolution(plan)), taps(int64_t(c.kernel) * c.kernel),
          pixels(int64_t(c.images) * c.out_height * c.out_width),
          at(between(0, 1) ? Strides{taps * c.channels, 1, int64_t(c.kernel) * c.channels, c.channels}
                           : Strides{taps * c.channels, taps, c.kernel, 1}),
          x(int64_t(c.images) * c.height * c.width * c.channels), w(c.out_channels * taps * c.channels),
          dz(pixels * c.out_channels), activated(c.channels % 16 == 0 && between(0, 1)), scale(c.channels),
          shift(c.channels), prologue(activated ? Prologue{scale.data(), shift.data()} : Prologue{}), read(x.count) {
        for (int64_t i = 0; i < x.count; i++)
            read[i] = activated ? std::max(0., double(x[i]) * scale[i % c.channels] + shift[i % c.channels]) : x[i];
    }

    // Calls visit(place in x, place in y, place in w) for each product.
    template <class Visit> void for_products(const Visit& visit) const {
        for_taps(c, [&](int64_t from, int64_t to, int i, int j) {
            for (int k = 0; k < c.out_channels; k++)
                for (int ch = 0; ch < c.channels; ch++)
                    visit(from + ch, to + k, k * at.out + ch * at.in + i * at.row + j * at.column);
        });
    }
};

template <class real>
void compare(const char* what, const Problem<real>& p, const Numbers<real>& found, const Numbers<double>& wanted) {
    compare(what, p.c, p.plan, found, wanted);
}

// The sums over channels that a kernel wrote, in the precision of its numbers.
template <class real>
void compare_sums(const char* what, const Problem<real>& p, const Numbers<double>& sums, const Numbers<double>& wanted) {
    Numbers<real> rounded(sums.count);
    for (int64_t i = 0; i < sums.count; i++) rounded[i] = real(sums[i]);
    compare(what, p, rounded, wanted);
}

template <class real> void check_forward(const Kernels& kernels) {
    Problem<real> p;
    const int channels = p.c.out_channels;
    Numbers<real> y(p.dz.count, false), z(p.dz.count, false), bias(channels), pivot(channels);
    Numbers<real> residual(y.count), mask(y.count);
    Numbers<double> plain(y.count), sums(2 * channels, false), wanted_sums(2 * channels);
    plain.clear(), wanted_sums.clear();
    p.for_products([&](int64_t from, int64_t to, int64_t q) { plain[to] += p.read[from] * p.w[q]; });

    Epilogue counting{}, finishing{};
    counting.pivot = pivot.data(), counting.sums = sums.data();
    failures += kernels.forward(&p.c, p.x.data(), p.w.data(), &p.at, y.data(), &p.prologue, &counting, &p.plan);
    compare("forward", p, y, plain);
    for (int64_t i = 0; i < y.count; i++) {
        const double off = double(y[i]) - pivot[i % channels];
        wanted_sums[i % channels] += off, wanted_sums[channels + i % channels] += off * off;
    }
    compare_sums("sums of the output", p, sums, wanted_sums);

    if (p.activated) return; // packed weights are for inputs as they are
    if (between(0, 1)) finishing.bias = bias.data();
    if (between(0, 1)) finishing.residual = residual.data();
    if (finishing.residual && between(0, 1)) finishing.residual_mask = mask.data();
    finishing.relu = between(0, 1);
    for (int64_t i = 0; i < y.count; i++) {
        plain[i] += finishing.bias ? double(bias[i % channels]) : 0;
        plain[i] += finishing.residual && !(finishing.residual_mask && mask[i] <= 0) ? double(residual[i]) : 0;
        if (finishing.relu) plain[i] = std::max(0., plain[i]);
    }
    Numbers<real> packed(kernels.packed_size(&p.c, &p.plan), false);
    failures += kernels.pack_weights(&p.c, p.w.data(), &p.at, packed.data(), &p.plan);
    failures += kernels.forward_packed(&p.c, p.x.data(), packed.data(), z.data(), &finishing, &p.plan);
    compare("forward_packed", p, z, plain);
}

template <class real> void check_backward_weights(const Kernels& kernels) {
    Problem<real> p;
    const int channels = p.c.out_channels, gate = between(0, 3); // none, everything, by the output, by the value
    Numbers<real> y(p.dz.count), output(y.count), dy(y.count, false), dw(p.w.count, false);
    Numbers<real> scale(channels), shift(channels), slope(channels), offset(channels);
    NormGradient norm{y.data(),     gate == 2 ? output.data() : nullptr, scale.data(), gate == 3 ? shift.data() : nullptr,
                      slope.data(), offset.data(),                       dy.data()};
    if (gate == 0) norm = {};
    Numbers<double> through(y.count), wanted(dw.count);
    for (int64_t i = 0; i < y.count; i++) {
        const int k = int(i % channels);
        const bool open = gate == 2 ? output[i] > 0 : gate == 3 ? y[i] * scale[k] + shift[k] > 0 : true;
        through[i] = gate == 0 ? p.dz[i] : (open ? double(p.dz[i]) * scale[k] : 0) + double(y[i]) * slope[k] + offset[k];
    }
    wanted.clear();
    p.for_products([&](int64_t from, int64_t to, int64_t q) { wanted[q] += p.read[from] * through[to]; });
    failures +=
        kernels.backward_weights(&p.c, p.x.data(), p.dz.data(), dw.data(), &p.at, &p.prologue, &norm, &p.plan);
    compare("backward_weights", p, dw, wanted);
    if (gate == 0) return;
    compare("gradient through the norm", p, dy, through);
    Numbers<real> again(dy.count, false);
    norm.dy = again.data();
    failures += kernels.norm_gradient(p.dz.data(), &norm, p.pixels, channels);
    compare("norm_gradient", p, again, through);
}

template <class real> void check_backward_data(const Kernels& kernels) {
    Problem<real> p;
    if (p.c.channels % 16) return;
    Numbers<real> dx(p.x.count, false), residual(dx.count), mask(dx.count), pivot(p.c.channels);
    Numbers<double> wanted(dx.count), sums(2 * p.c.channels, false), wanted_sums(sums.count);
    wanted.clear(), wanted_sums.clear();
    p.for_products([&](int64_t from, int64_t to, int64_t q) { wanted[from] += double(p.dz[to]) * p.w[q]; });
    Epilogue e{};
    if (between(0, 1)) {
        e.value = p.x.data(), e.scale = p.scale.data(), e.shift = p.shift.data();
        e.pivot = pivot.data(), e.sums = sums.data();
    } else if (between(0, 1)) {
        e.residual = residual.data(), e.residual_mask = between(0, 1) ? mask.data() : nullptr;
    }
    failures += kernels.backward_data(&p.c, p.dz.data(), p.w.data(), &p.at, dx.data(), &e, &p.plan);
    for (int64_t i = 0; i < dx.count; i++) {
        const int ch = int(i % p.c.channels);
        if (e.residual) wanted[i] += e.residual_mask && mask[i] <= 0 ? 0 : double(residual[i]);
        if (!e.sums) continue;
        if (p.x[i] * p.scale[ch] + p.shift[ch] <= 0) wanted[i] = 0;
        wanted_sums[ch] += dx[i], wanted_sums[p.c.channels + ch] += double(dx[i]) * (double(p.x[i]) - pivot[ch]);
    }
    compare("backward_data", p, dx, wanted);
    if (e.sums) compare_sums("sums of the gradient", p, sums, wanted_sums);
}

template <class real> void check_pools(const Kernels& kernels) {
    Convolution c{};
    c.kernel = between(2, 4), c.stride = between(1, 3), c.padding = between(0, 1);
    c.images = between(1, 3), c.height = between(c.kernel, 12), c.width = between(c.kernel, 12);
    c.channels = c.out_channels = 16 * between(1, 3);
    c.out_height = (c.height + 2 * c.padding - c.kernel) / c.stride + 1;
    c.out_width = (c.width + 2 * c.padding - c.kernel) / c.stride + 1;
    const int64_t pixels = int64_t(c.height) * c.width;
    Numbers<real> x(c.images * pixels * c.channels), y(int64_t(c.images) * c.out_height * c.out_width * c.channels, false);
    Numbers<double> largest(y.count), mean(c.images * c.channels);
    for (int64_t i = 0; i < y.count; i++) largest[i] = -std::numeric_limits<double>::infinity();
    for_taps(c, [&](int64_t from, int64_t to, int, int) {
        for (int k = 0; k < c.channels; k++) largest[to + k] = std::max(largest[to + k], double(x[from + k]));
    });
    failures += kernels.max_pool(&c, x.data(), y.data());
    compare("max_pool", c, {}, y, largest);
    Numbers<real> z(mean.count, false);
    for (int64_t i = 0; i < mean.count; i++) mean[i] = 0;
    for (int64_t i = 0; i < x.count; i++)
        mean[i / (pixels * c.channels) * c.channels + i % c.channels] += double(x[i]) / double(pixels);
    failures += kernels.mean_pool(x.data(), z.data(), c.images, pixels, c.channels);
    compare("mean_pool", c, {}, z, mean);
}

template <class real> void check_norm(const Kernels& kernels) {
    Convolution c{};
    const int64_t rows = between(8, 700);
    const int channels = c.channels = 16 * between(1, 5);
    c.height = int(rows), c.images = c.width = 1;
    Numbers<real> y(rows * channels), dz(y.count), residual(y.count), gamma(channels), beta(channels), pivot(channels);
    Numbers<double> sums(2 * channels, false);
    Numbers<real> statistics(5 * channels, false), z(y.count, false), dy(y.count, false), coefficients(4 * channels, false);
    failures += kernels.channel_sums(y.data(), pivot.data(), rows, channels, sums.data());
    kernels.norm_statistics(sums.data(), rows, pivot.data(), gamma.data(), beta.data(), 1e-5, channels, statistics.data());
    const real *scale = statistics.data(), *shift = scale + channels, *mean = scale + 2 * channels;

    Numbers<double> value(y.count), gradient(y.count), found(2 * channels);
    for (int ch = 0; ch < channels; ch++) {
        double centre = 0, variance = 0;
        for (int64_t r = 0; r < rows; r++) centre += double(y[r * channels + ch]) / double(rows);
        for (int64_t r = 0; r < rows; r++) variance += std::pow(y[r * channels + ch] - centre, 2) / double(rows);
        found[ch] = centre, found[channels + ch] = 1 / std::sqrt(variance + 1e-5);
        for (int64_t i = ch; i < y.count; i += channels)
            value[i] = (y[i] - centre) * found[channels + ch] * gamma[ch] + beta[ch] + residual[i];
    }
    failures += kernels.norm_apply(y.data(), scale, shift, residual.data(), 0, z.data(), rows, channels);
    compare("norm_apply", c, {}, z, value);

    const bool gated = between(0, 1); // by z, else everything goes through
    for (int ch = 0; ch < channels; ch++) {
        double sum = 0, product = 0;
        const auto through = [&](int64_t i) { return !gated || z[i] > 0 ? double(dz[i]) : 0.; };
        const auto standard = [&](int64_t i) { return (y[i] - found[ch]) * found[channels + ch]; };
        for (int64_t i = ch; i < y.count; i += channels) sum += through(i), product += through(i) * standard(i);
        for (int64_t i = ch; i < y.count; i += channels)
            gradient[i] = gamma[ch] * found[channels + ch] * (through(i) - (sum + standard(i) * product) / double(rows));
    }
    const real* gate = gated ? z.data() : nullptr;
    failures += kernels.norm_backward_sums(dz.data(), y.data(), mean, gate, nullptr, nullptr, rows, channels, sums.data());
    kernels.norm_coefficients(sums.data(), rows, statistics.data(), channels, coefficients.data());
    const NormGradient norm{y.data(), gate, scale, nullptr, coefficients.data(), coefficients.data() + channels, dy.data()};
    failures += kernels.norm_gradient(dz.data(), &norm, rows, channels);
    compare("norm_backward", c, {}, dy, gradient);
}

template <class real> int check(const Kernels& kernels, int rounds) {
    for (int i = 0; i < rounds; i++) {
        check_forward<real>(kernels);
        check_backward_weights<real>(kernels);
        check_backward_data<real>(kernels);
        check_pools<real>(kernels);
        check_norm<real>(kernels);
    }
    return failures ? 1 : 0;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3) return std::fprintf(stderr, "Usage: check VARIANT ROUNDS [SEED]\n"), 2;
    const Kernels* kernels = resnets_kernels(arguments[1]);
    if (!kernels) return std::printf("%s: not on this processor\n", arguments[1]), 0;
    generator.seed(count > 3 ? unsigned(std::atoi(arguments[3])) : 0);
    const int rounds = std::atoi(arguments[2]);
    const bool is_double = !std::strcmp(arguments[1], "scalar64");
    const int code = is_double ? check<double>(*kernels, rounds) : check<float>(*kernels, rounds);
    std::printf("%s: %d rounds, %d failures\n", arguments[1], rounds, failures);
    return code;
}
