"""Convolutions whose weights are standardised before each use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-10
"""Added to the variance of a filter's weights, as in BiT: enough for a filter of zeros.      [Kolesnikov 2020]"""


class StandardizedConv2d(nn.Conv2d):
    """y = W' * x + b, with W' = (W - mean) / sqrt(variance + eps) of each output channel's weights

    Takes the place of a norm over the batch: with a norm over the image, it trains on batches of one or two images as
    well as batch normalisation on large ones.      [Qiao 2019]

    Shapes:
        as `nn.Conv2d`
    """

    def forward(self, x: Tensor) -> Tensor:
        """Standardise the weights, then convolve."""
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), correction=0, keepdim=True)
        y: Tensor = self._conv_forward(x, (self.weight - mean) * torch.rsqrt(variance + EPS), self.bias)
        return y
