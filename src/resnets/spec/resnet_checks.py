"""What is impossible or contradicts itself in the settings of a residual network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnets import values
from resnets.errors import ConfigError
from resnets.spec.network import MAX_CHANNELS, check_num_blocks

if TYPE_CHECKING:
    from resnets.spec.resnet import ResNetSpec


def check_sizes(spec: ResNetSpec) -> None:
    """Refuse numbers of units and channels that no network has.

    Raises:
        ConfigError: with the setting and what is possible.
    """
    check_num_blocks(spec.num_blocks)
    values.check_range("width", spec.width, 1, MAX_CHANNELS)
    values.check_range("stem_width", spec.first_width, 1, MAX_CHANNELS)
    if spec.out_channels > MAX_CHANNELS:
        raise ConfigError(
            f"width={spec.width} with {len(spec.num_blocks)} stages ends at {spec.out_channels} channels; "
            f"at most {MAX_CHANNELS} are possible."
        )
    _check_groups(spec)


def _check_groups(spec: ResNetSpec) -> None:
    values.check_range("groups", spec.groups, 1, MAX_CHANNELS)
    values.check_range("width_per_group", spec.width_per_group, 1, MAX_CHANNELS)
    values.check_range("scale", spec.scale, 2, MAX_CHANNELS)
    values.check_range("attention_reduction", spec.attention_reduction, 1, MAX_CHANNELS)
    if spec.block != "res2net" and spec.scale != 4:
        raise ConfigError(f"scale={spec.scale} is for block='res2net'; block='{spec.block}' has no parts.")
    if spec.attention != "se" and spec.attention_reduction != 16:
        raise ConfigError(
            f"attention_reduction={spec.attention_reduction} is for attention='se'; "
            f"attention='{spec.attention}' has no inner layer."
        )
    if spec.block == "basic" and (spec.groups, spec.width_per_group) != (1, 64):
        raise ConfigError(
            f"groups={spec.groups} with width_per_group={spec.width_per_group} is for bottlenecks; "
            "block='basic' has groups=1 and width_per_group=64."
        )
    first, last = spec.inner_width(0), spec.inner_width(len(spec.num_blocks) - 1)
    if first == 0 or last > MAX_CHANNELS:
        raise ConfigError(
            f"groups={spec.groups}, width_per_group={spec.width_per_group} and width={spec.width} give a "
            f"bottleneck's 3x3 {first} channels in the first stage and {last} in the last; "
            f"from 1 to {MAX_CHANNELS} are possible."
        )


def check_contradictions(spec: ResNetSpec) -> None:
    """Refuse settings of which one makes the other impossible.

    Raises:
        ConfigError: with the setting and what is possible.
    """
    if spec.zero_init_residual and not spec.norm.has_scale:
        raise ConfigError(
            "zero_init_residual=True needs a scale to set to zero, but there is none with "
            f"norm.kind='{spec.norm.kind}' and norm.affine={spec.norm.affine}."
        )
    if spec.zero_init_residual and spec.shortcut == "none":
        raise ConfigError("zero_init_residual=True would make a plain net (shortcut='none') output nothing but zeros.")
    if spec.zero_init_residual and spec.ordering not in ("original", "relu_only_preactivation"):
        raise ConfigError(
            f"zero_init_residual=True needs a branch that ends in BN, but with ordering='{spec.ordering}' it ends "
            "in something else; use ordering='original' or 'relu_only_preactivation'."
        )
    if spec.shortcut == "A" and spec.first_width > spec.stage_channels(0):
        raise ConfigError(
            f"shortcut='A' pads channels and cannot drop any, but stem_width={spec.first_width} is more than the "
            f"first stage's {spec.stage_channels(0)}."
        )
    if spec.output_stride is not None:
        possible = [spec.stem_stride * 2**halvings for halvings in range(len(spec.num_blocks))]
        if spec.output_stride not in possible:
            raise ConfigError(
                f"output_stride must be one of {', '.join(map(str, possible))} for stem='{spec.stem}' and "
                f"{len(spec.num_blocks)} stages, got {spec.output_stride}."
            )


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
