"""What contradicts itself in the norms and branches of a residual network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnets.errors import ConfigError

if TYPE_CHECKING:
    from resnets.spec.resnet import ResNetSpec


def check_norms(spec: ResNetSpec) -> None:
    """Refuse norms and standardised weights that the channels leave nothing to do for.

    Raises:
        ConfigError: with the setting and what is possible.
    """
    spec.norm.check(sorted(spec.all_channels | spec.inner_channels))
    if spec.norm.kind == "instance" and spec.block == "sknet":
        raise ConfigError("norm.kind='instance' makes zero of the means by which block='sknet' chooses its kernels.")
    if spec.weight_standardization and 1 in spec.all_channels:
        raise ConfigError(
            "weight_standardization=True has nothing to standardise in a 1x1 convolution of a single channel; "
            "width and stem_width must be at least 2."
        )


def check_branches(spec: ResNetSpec) -> None:
    """Refuse branches that are left out, scaled or dropped in a way that cannot work.

    Raises:
        ConfigError: with the setting and what is possible.
    """
    if not 0 <= spec.dropout < 1:
        raise ConfigError(f"dropout must be from 0 to below 1, got {spec.dropout}.")
    if not 0 < spec.survival <= 1:
        raise ConfigError(f"survival must be above 0 and at most 1, got {spec.survival}.")
    if spec.shortcut == "none" and (spec.survival < 1 or spec.branch_scale != "none"):
        raise ConfigError(
            f"survival={spec.survival} and branch_scale='{spec.branch_scale}' would make a plain net "
            "(shortcut='none') output nothing where a branch is zero."
        )
    if spec.branch_scale != "none" and spec.zero_init_residual:
        raise ConfigError(
            f"zero_init_residual=True and branch_scale='{spec.branch_scale}' both start the branches at zero, and "
            "together they could never leave it."
        )
    if spec.branch_scale == "fixup" and (spec.norm.kind != "none" or spec.ordering != "original"):
        raise ConfigError(
            "branch_scale='fixup' stands in the place of norms in units of ordering='original'; it needs "
            f"norm.kind='none', got norm.kind='{spec.norm.kind}' and ordering='{spec.ordering}'."
        )
    if spec.branch_scale == "fixup" and spec.block not in ("basic", "bottleneck"):
        raise ConfigError(f"branch_scale='fixup' is for block='basic' and 'bottleneck', got block='{spec.block}'.")
