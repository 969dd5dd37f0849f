"""The norms of a network, and batch normalisation written out in its four steps.      [Ioffe 2015, Wu 2018]"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from resnets.errors import DataError
from resnets.layers.freezing import FreezableNorm
from resnets.spec import NormKind, NormSpec


class ReferenceBatchNorm(nn.Module):
    """y = gamma (x - mean) / sqrt(variance + eps) + beta, one step a line.      [Ioffe 2015, Algorithm 1]

    Documentation that runs, and the oracle of `BatchNorm2d`; its parameters and buffers have the same names.

    Shapes:
        (N, channels, H, W) -> the same
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, channels: int, spec: NormSpec) -> None:
        super().__init__()
        self.spec = spec
        if spec.affine:
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))
        if spec.running_statistics:
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))
            self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """The four steps."""
        if self.training or not self.spec.running_statistics:
            mean = x.mean(dim=(0, 2, 3))
            variance = (x - _per_channel(mean)).square().mean(dim=(0, 2, 3))
            self._remember(mean.detach(), variance.detach(), values_per_channel=x.numel() // x.shape[1])
        else:
            mean, variance = self.running_mean, self.running_var
        standardised = (x - _per_channel(mean)) / torch.sqrt(_per_channel(variance) + self.spec.eps)
        if not self.spec.affine:
            return standardised
        return _per_channel(self.weight) * standardised + _per_channel(self.bias)

    def _remember(self, mean: Tensor, variance: Tensor, *, values_per_channel: int) -> None:
        """Move the running statistics towards this batch's; their variance is the unbiased one, over n - 1."""
        if not self.spec.running_statistics:
            return
        unbiased = variance * values_per_channel / (values_per_channel - 1)
        self.running_mean.lerp_(mean, self.spec.momentum)
        self.running_var.lerp_(unbiased, self.spec.momentum)
        self.num_batches_tracked += 1


def _per_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)


class NormOverBatch(FreezableNorm):
    """What the two norms over a batch share: their settings, and what they refuse."""

    track_running_stats: bool

    def __init__(self, channels: int, spec: NormSpec) -> None:
        super().__init__(
            channels,
            eps=spec.eps,
            momentum=spec.momentum,
            affine=spec.affine,
            track_running_stats=spec.running_statistics,
        )

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, mean 0, variance 1; on the meta device, where there is nothing to fill, no work at all."""
        first = self.running_mean if self.weight is None else self.weight
        if first is None or not first.is_meta:
            super().reset_parameters()  # type: ignore[misc]  # it is mixed into one of PyTorch's

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over everything but the channels.

        Raises:
            DataError: if the batch's own statistics are needed but it holds one value a channel.
        """
        if (self.training or not self.track_running_stats) and x.numel() == x.shape[1]:
            raise DataError(
                "Batch normalisation needs more than one value in each channel, but got one image of 1x1 pixels "
                "at this depth: use larger batches or larger images, or freeze the norms' statistics."
            )
        y: Tensor = super().forward(x)
        return y


class BatchNorm2d(NormOverBatch, nn.BatchNorm2d):
    """PyTorch's batch normalisation, whose statistics, scale and shift can be frozen for good.

    A frozen norm stays frozen when `model.train()` is called, which is what fine-tuning on small batches needs.
    """


class SyncBatchNorm(NormOverBatch, nn.SyncBatchNorm):
    """Batch normalisation over the batches of all processes; in a single one it is `BatchNorm2d`.

    Source: [Peng 2018, section 3].
    """


class GroupNorm(FreezableNorm, nn.GroupNorm):
    """y = gamma (x - mean) / sqrt(variance + eps) + beta, with mean and variance of a group of one image's channels

    One group is layer normalisation over (C, H, W) [Ba 2016, section 3], as many as channels is instance normalisation
    [Ulyanov 2016, eq. 2]. Statistics never look at another image, so any batch will do and training and evaluation are
    the same; scale and shift are one a channel in all three.      [Wu 2018, section 3.1]

    Shapes:
        (N, channels, H, W) -> the same
    """

    def __init__(self, channels: int, spec: NormSpec) -> None:
        super().__init__(spec.num_groups(channels), channels, eps=spec.eps, affine=spec.affine)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the pixels and channels of each group.

        Raises:
            DataError: if a group holds one value.
        """
        if x.shape[1:].numel() == self.num_groups:
            raise DataError(
                "A norm over one image needs more than one value in each group, but got one channel a group and an "
                "image of 1x1 pixels at this depth: use larger images or fewer groups."
            )
        y: Tensor = super().forward(x)
        return y


NORMS: Mapping[NormKind, Callable[[int, NormSpec], nn.Module]] = {
    "batch": BatchNorm2d,
    "sync": SyncBatchNorm,
    "group": GroupNorm,
    "layer": GroupNorm,
    "instance": GroupNorm,
}
"""From channels and settings to the norm; kind `none` is no layer at all."""
