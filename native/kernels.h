/* The plain C interface of the kernels: pointers to float (to double in the float64 variant), channels innermost.

   Tensors are (images, height, width, channels).  Functions that return an int32_t return 0, or 1 if memory ran out; then
   nothing but their output was written.  Threads are OpenMP's; the answer depends on their number only where sums of
   gradients meet.  Channels are multiples of 16, but those of the input of a convolution of up to 11x11 pixels whose input
   needs no gradient and has no prologue.  Callers see to that: nothing is checked here. */
#pragma once

#include <stdint.h>

#define RESNETS_INTERFACE 4

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t images, height, width, channels;      /* what is read */
    int32_t out_height, out_width, out_channels;  /* what is written */
    int32_t kernel, stride, padding;              /* of a square kernel, without dilation and groups */
} Convolution;

/* A weight stands at [k * out + c * in + i * row + j * column]. */
typedef struct {
    int64_t out, in, row, column;
} Strides;

/* What happens to an input as it is read: max(0, x * scale + shift) of its channel, or nothing where scale is null. */
typedef struct {
    const void *scale, *shift;
} Prologue;

/* What happens to an output before it is written, one of:
   - finished: + bias, + residual, max(0, .), each where it is given;
   - counted, where sums are given: sums[0..K) gets the sum of y - pivot, sums[K..2K) that of its square;
   - let through, where `value` is given as well: the output is the gradient of max(0, value * scale + shift), so it is
     put to zero where that is not positive; sums[0..K) gets its sum, sums[K..2K) that of it times (value - pivot). */
typedef struct {
    const void *bias, *residual, *residual_mask;  /* the residual counts only where its mask is positive */
    const void *pivot;
    const void *value, *scale, *shift;
    double *sums;
    int32_t relu;
} Epilogue;

/* The gradient of a convolution's output y through the norm behind it, made as it is read: g * scale + y * slope + offset,
   where g is the given gradient, where `gate` is positive if that is given, else where y * scale + shift is positive if a
   shift is given.  It is written to dy. */
typedef struct {
    const void *y, *gate, *scale, *shift, *slope, *offset;
    void *dy;
} NormGradient;

/* How the work is cut: tiles in a block, panels of output channels in a block, and whether threads share out the tiles
   (0) or the output channels (1).  All zero: chosen by the shape. */
typedef struct {
    int32_t algorithm;  /* 0 chosen by the shape, 1 gather, 2 Winograd F(2x2), with stride 2 by phase, 4 Winograd F(4x4) */
    int32_t tiles, panels, by_channels;
} Plan;

typedef struct {
    int32_t (*forward)(const Convolution *, const void *x, const void *w, const Strides *, void *y, const Prologue *,
                       const Epilogue *, const Plan *);
    int32_t (*backward_data)(const Convolution *, const void *dy, const void *w, const Strides *, void *dx,
                             const Epilogue *, const Plan *);
    int32_t (*backward_weights)(const Convolution *, const void *x, const void *dy, void *dw, const Strides *,
                                const Prologue *, const NormGradient *, const Plan *);
    int64_t (*packed_size)(const Convolution *, const Plan *);
    int32_t (*pack_weights)(const Convolution *, const void *w, const Strides *, void *packed, const Plan *);
    int32_t (*forward_packed)(const Convolution *, const void *x, const void *packed, void *y, const Epilogue *,
                              const Plan *);
    int32_t (*channel_sums)(const void *y, const void *pivot, int64_t rows, int32_t channels, double *sums);
    int32_t (*norm_statistics)(const double *sums, int64_t rows, const void *pivot, const void *gamma, const void *beta,
                               double eps, int32_t channels, void *statistics);
    int32_t (*norm_coefficients)(const double *sums, int64_t rows, const void *statistics, int32_t channels,
                                 void *coefficients);
    int32_t (*norm_apply)(const void *y, const void *scale, const void *shift, const void *residual, int32_t relu,
                          void *z, int64_t rows, int32_t channels);
    int32_t (*norm_backward_sums)(const void *dz, const void *y, const void *mean, const void *mask, const void *scale,
                                  const void *shift, int64_t rows, int32_t channels, double *sums);
    int32_t (*norm_gradient)(const void *dz, const NormGradient *, int64_t rows, int32_t channels);
    int32_t (*max_pool)(const Convolution *, const void *x, void *y);
    int32_t (*mean_pool)(const void *x, void *y, int64_t images, int64_t pixels, int32_t channels);
    double (*peak)(int64_t rounds);  /* multiply-adds a second of all threads, from registers */
} Kernels;

#ifdef __cplusplus
}
#endif
