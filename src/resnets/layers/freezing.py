"""Freezing: a norm's statistics, or its scale and shift, held fixed, as fine-tuning on small batches needs."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from torch import nn

from resnets.errors import ConfigError

Freezable = Literal["statistics", "affine", "both"]
"""What of a norm can be held fixed: the running mean and variance, the scale and shift, or both."""

AnyNorm = TypeVar("AnyNorm", bound="FreezableNorm")


class FreezableNorm(nn.Module):
    """A norm that stays frozen when `model.train()` is called; mixed into one of PyTorch's."""

    affine: bool
    statistics_are_frozen = False

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
            for parameter in self.parameters():
                parameter.requires_grad_(False).grad = None  # noqa: FBT003  # a gradient left over would still be applied

    def check_freezable(self, what: Freezable) -> None:
        """Refuse to freeze what this norm does not have.

        Raises:
            ConfigError: with what is missing.
        """
        if what not in ("statistics", "affine", "both"):
            raise ConfigError(f"Of a norm, 'statistics', 'affine' or 'both' can be frozen; got {what!r}.")
        if what in ("statistics", "both") and not hasattr(self, "track_running_stats"):
            raise ConfigError(
                "This norm looks at one image alone and has no running statistics, so only 'affine' can be frozen."
            )
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

    def train(self: AnyNorm, mode: bool = True) -> AnyNorm:  # noqa: FBT001, FBT002  # nn.Module's own signature
        """As `nn.Module.train`, except that frozen statistics are neither replaced by the batch's nor moved."""
        trained: Any = super().train(mode and not self.statistics_are_frozen)
        return trained  # type: ignore[no-any-return]  # it is self


def freeze_norms(model: nn.Module, what: Freezable) -> None:
    """Freeze every norm of a model; all of them, or none if one cannot be.

    Raises:
        ConfigError: if there is no norm, or one has none of what is to be frozen; its name is given.
    """
    norms = {name: module for name, module in model.named_modules() if isinstance(module, FreezableNorm)}
    if not norms:
        raise ConfigError(f"This {type(model).__name__} has no norms that could be frozen.")
    for name, norm in norms.items():
        try:
            norm.check_freezable(what)
        except ConfigError as error:
            raise ConfigError(f"{name or type(norm).__name__}: {error}") from error
    for norm in norms.values():
        norm.freeze(what)


def unfreeze_norms(model: nn.Module) -> None:
    """Let every norm of a model move again, in the mode that the model is in."""
    for module in model.modules():
        if isinstance(module, FreezableNorm):
            module.unfreeze()
            module.train(model.training)
