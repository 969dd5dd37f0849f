// Images cut into the tiles of Winograd's algorithm.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "kernels.h"
#include "soon.hpp"
#include "vector.hpp"

namespace VARIANT {

// Images cut into tiles of OUT x OUT outputs, numbered over all images.
template <class F> struct Tiling {
    int height, width, in_height, in_width; // of outputs and of inputs
    int columns, in_image;                  // tiles in a row and in an image
    int64_t count;

    explicit Tiling(const Convolution& c)
        : height(c.out_height), width(c.out_width), in_height(c.height), in_width(c.width),
          columns(divided_up(width, F::OUT)), in_image(columns * divided_up(height, F::OUT)),
          count(int64_t(c.images) * in_image) {}

    struct Place {
        int64_t pixel, source;          // the tile's first output among all outputs, and its place among all inputs
        int top, left, in_top, in_left; // the same within the image
        int rows, cols;                 // outputs of it that lie within the image
    };
    Place operator[](int64_t tile) const {
        const int64_t image = tile / in_image;
        const int top = int(tile % in_image) / columns * F::OUT, left = int(tile % in_image) % columns * F::OUT;
        return place((image * height + top) * width + left,
                     (image * in_height + inputs(top)) * in_width + inputs(left), top, left);
    }
    // The tile behind another, without the divisions, which take as long as half of a transform of 16 channels.
    Place after(const Place& at) const {
        const int64_t line = at.pixel - at.left, source = at.source - at.in_left;
        if (at.left + F::OUT < width) return place(at.pixel + F::OUT, at.source + F::STEP, at.top, at.left + F::OUT);
        if (at.top + F::OUT < height)
            return place(line + int64_t(F::OUT) * width, source + int64_t(F::STEP) * in_width, at.top + F::OUT, 0);
        return place(line + int64_t(height - at.top) * width, source + int64_t(in_height - at.in_top) * in_width, 0, 0);
    }
    // The first tile of the rows that begin with this one or behind it.
    Place row_from(int64_t tile) const { return (*this)[std::min(count, (tile + columns - 1) / columns * columns)]; }

    int64_t pixels() const { return count / in_image * height * width; }
    int64_t sources() const { return count / in_image * in_height * in_width; }

  private:
    static int inputs(int outputs) { return outputs / F::OUT * F::STEP; }
    Place place(int64_t pixel, int64_t source, int top, int left) const {
        return {pixel, source, top, left, inputs(top), inputs(left), std::min(height - top, F::OUT),
                std::min(width - left, F::OUT)};
    }
};

constexpr int64_t IN_CORE_BYTES = 1 << 20; // less is found in a core's own caches

struct Image {
    const void* start; // or null
    int channels;
    bool is_source = false; // of the inputs, of which the lines above the tiles have been asked for with those before
};

// What lies under the rows of tiles that begin with one of `some` tiles, in images that fit no cache.
template <class F>
static Soon soon_under(const Tiling<F>& tiling, int64_t first, int64_t some, int64_t kernels,
                       std::initializer_list<Image> images) {
    const auto from = tiling.row_from(first), to = tiling.row_from(first + some);
    const int64_t more = int64_t(F::READ - F::BEFORE - F::STEP) * tiling.in_width;
    Soon soon;
    for (const Image& image : images) {
        const int64_t all = image.is_source ? tiling.sources() : tiling.pixels();
        const int64_t begin = image.is_source ? from.source + more : from.pixel;
        const int64_t end = image.is_source ? std::min(to.source + more, all) : to.pixel;
        if (image.start && all * image.channels * int64_t(sizeof(real)) > IN_CORE_BYTES)
            soon.add(numbers(image.start) + begin * image.channels, (end - begin) * image.channels);
    }
    soon.spread_over(kernels);
    return soon;
}

} // namespace VARIANT
