// Images cut into the tiles of Winograd's algorithm.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "kernels.h"
#include "soon.hpp"
#include "vector.hpp"

namespace VARIANT {

// An image cut into tiles of m x m outputs, numbered over all images.
template <class F> struct Tiling {
    int height, width, columns, in_image;
    int64_t count;

    explicit Tiling(const Convolution& c)
        : height(c.height), width(c.width), columns((c.width + F::OUT - 1) / F::OUT),
          in_image(columns * ((c.height + F::OUT - 1) / F::OUT)), count(int64_t(c.images) * in_image) {}

    struct Place {
        int64_t pixel;      // the tile's first output among all pixels
        int top, left;      // within its image
        int rows, cols;     // outputs of it that lie within the image
    };
    int64_t pixels() const { return count / in_image * height * width; }

    // The first pixel under the rows of tiles that begin with this tile or behind it.
    int64_t row_from(int64_t tile) const {
        const int64_t first = (tile + columns - 1) / columns * columns;
        return first < count ? (*this)[first].pixel : pixels();
    }

    Place operator[](int64_t tile) const {
        const int64_t image = tile / in_image;
        const int within = int(tile % in_image), top = within / columns * F::OUT, left = within % columns * F::OUT;
        return place((image * height + top) * width + left, top, left);
    }
    // The tile behind another, without the divisions, which take as long as half of a transform of 16 channels.
    Place after(const Place& at) const {
        const int64_t line = at.pixel - at.left;
        if (at.left + F::OUT < width) return place(at.pixel + F::OUT, at.top, at.left + F::OUT);
        if (at.top + F::OUT < height) return place(line + int64_t(F::OUT) * width, at.top + F::OUT, 0);
        return place(line + int64_t(height - at.top) * width, 0, 0);
    }

  private:
    Place place(int64_t pixel, int top, int left) const {
        return {pixel, top, left, std::min(height - top, F::OUT), std::min(width - left, F::OUT)};
    }
};

constexpr int64_t IN_CORE_BYTES = 1 << 20; // less is found in a core's own caches

struct Image {
    const void* start; // or null
    int channels;
    bool has_border = false; // a line more is read on each side of tiles; the one above has been asked for with those before
};

// What lies under the rows of tiles that begin with one of `some` tiles, in images that fit no cache.
template <class F>
static Soon soon_under(const Tiling<F>& tiling, int64_t first, int64_t some, int64_t kernels,
                       std::initializer_list<Image> images) {
    const int64_t from = tiling.row_from(first), to = tiling.row_from(first + some);
    Soon soon;
    for (const Image& image : images) {
        const int64_t shift = image.has_border ? tiling.width : 0, begin = from + shift;
        if (image.start && tiling.pixels() * image.channels * int64_t(sizeof(real)) > IN_CORE_BYTES)
            soon.add(numbers(image.start) + begin * image.channels,
                     (std::min(to + shift, tiling.pixels()) - begin) * image.channels);
    }
    soon.spread_over(kernels);
    return soon;
}

} // namespace VARIANT
