"""Batch normalisation: written out in its four steps, and the fast one that networks use and can freeze.

Source: [Ioffe 2015, Algorithm 1].
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from resnets.errors import ConfigError, DataError
from resnets.spec import NormSpec

Freezable = Literal["statistics", "affine", "both"]
"""What of a norm can be held fixed: the running mean and variance, the scale and shift, or both."""


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


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's batch normalisation, whose statistics, scale and shift can be frozen for good.

    A frozen norm stays frozen when `model.train()` is called, which is what fine-tuning on small batches needs.
    """

    def __init__(self, channels: int, spec: NormSpec) -> None:
        super().__init__(
            channels,
            eps=spec.eps,
            momentum=spec.momentum,
            affine=spec.affine,
            track_running_stats=spec.running_statistics,
        )
        self.statistics_are_frozen = False

    def freeze(self, what: Freezable) -> None:
        """Hold the statistics, the scale and shift, or both fixed until `unfreeze`.

        Raises:
            ConfigError: if `what` is none of these, or this norm has none of what is to be frozen.
        """
        self.check_freezable(what)
        if what in ("statistics", "both"):
            self.statistics_are_frozen = True
            self.eval()
        if what in ("affine", "both"):
            for parameter in (self.weight, self.bias):
                parameter.requires_grad_(False).grad = None  # noqa: FBT003  # a gradient left over would still be applied

    def check_freezable(self, what: Freezable) -> None:
        """Refuse to freeze what this norm does not have.

        Raises:
            ConfigError: with what is missing.
        """
        if what not in ("statistics", "affine", "both"):
            raise ConfigError(f"Of a norm, 'statistics', 'affine' or 'both' can be frozen; got {what!r}.")
        if what in ("statistics", "both") and not self.track_running_stats:
            raise ConfigError(
                "This norm keeps no running statistics (running_statistics=False), so none can be frozen."
            )
        if what in ("affine", "both") and not self.affine:
            raise ConfigError("This norm has no scale and shift (affine=False), so they cannot be frozen.")

    def unfreeze(self) -> None:
        """Let statistics, scale and shift move again; the statistics do so from the next `train()`."""
        self.statistics_are_frozen = False
        for parameter in self.parameters():
            parameter.requires_grad_()

    def train(self, mode: bool = True) -> BatchNorm2d:  # noqa: FBT001, FBT002  # nn.Module's own signature
        """As `nn.Module.train`, except that frozen statistics are neither replaced by the batch's nor moved."""
        return super().train(mode and not self.statistics_are_frozen)

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
        return super().forward(x)


def freeze_norms(model: nn.Module, what: Freezable) -> None:
    """Freeze every batch norm of a model; all of them, or none if one cannot be.

    Raises:
        ConfigError: if a norm has none of what is to be frozen; its name is given.
    """
    norms = {name: module for name, module in model.named_modules() if isinstance(module, BatchNorm2d)}
    for name, norm in norms.items():
        try:
            norm.check_freezable(what)
        except ConfigError as error:
            raise ConfigError(f"{name or type(norm).__name__}: {error}") from error
    for norm in norms.values():
        norm.freeze(what)


def unfreeze_norms(model: nn.Module) -> None:
    """Let every batch norm of a model move again, in the mode that the model is in."""
    for module in model.modules():
        if isinstance(module, BatchNorm2d):
            module.unfreeze()
            module.train(model.training)
