"""The options that come from values: one group for each value, shared by the commands that need it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from resnets.cli.overrides import all_options, fraction, options_of, seconds
from resnets.recipe import Augmentation, Recipe
from resnets.runs.request import Request
from resnets.spec import ConvNeXtSpec, InceptionSpec, NormSpec, ResNetSpec, VGGSpec
from resnets.spec.staged import FixedSizeSpec
from resnets.views import Views

if TYPE_CHECKING:

    class Options:
        """A group of options; its fields are made below, from a value's."""

    DataOptions = Options
    RunOptions = Options
    NetworkOptions = Options
    NormOptions = Options
    RecipeOptions = Options
    AugmentationOptions = Options
    ViewOptions = Options
    AnswerOptions = Options
else:
    DataOptions = options_of(Request, ("data", "size", "resize", "max_bad"), "Data", converters={"max_bad": fraction})
    RunOptions = options_of(
        Request,
        ("seconds", "seed", "device", "threads", "native"),
        "Run",
        names={"seconds": "time"},
        converters={"seconds": seconds},
    )
    _NETWORK = (
        "width", "num_blocks", "groups", "width_per_group", "stem", "stem_width", "shortcut", "ordering", "block",
        "scale", "attention", "attention_reduction", "stride_in", "activation", "initialization",
        "zero_init_residual", "pooling", "conv_bias", "output_stride", "weight_standardization",
        "branch_scale", "dropout", "survival",
    )  # fmt: skip
    _RELATIVES = {
        FixedSizeSpec: ("image_size",),
        ConvNeXtSpec: ("patch_size",),
        InceptionSpec: ("auxiliary",),
        VGGSpec: ("pooled_size", "round_up"),
    }
    NetworkOptions = options_of(
        ResNetSpec, _NETWORK, "Network (defaults come from the model)", shown=(), relatives=_RELATIVES
    )
    _NORM = {"kind": "norm", "groups": "norm_groups", "momentum": "bn_momentum", "eps": "bn_eps"}
    NormOptions = options_of(NormSpec, _NORM, "Norms", shown=(), names=_NORM)
    RecipeOptions = options_of(
        Recipe,
        [field.name for field in dataclasses.fields(Recipe) if field.name != "augmentation"],
        "Recipe (defaults come from the preset)",
        shown=("epochs", "batch_size", "learning_rate"),
    )
    AugmentationOptions = options_of(
        Augmentation,
        [field.name for field in dataclasses.fields(Augmentation)],
        "Augmentation (defaults come from the preset)",
        shown=(),
    )
    _VIEWS = {"scale": "tta_scale", "rotate": "tta_rotate", "flip": "tta_flip"}
    ViewOptions = options_of(
        Views, _VIEWS, "Test-time augmentation (defaults come from the preset)", shown=(), names=_VIEWS
    )
    AnswerOptions = options_of(
        Views, _VIEWS, "Test-time augmentation (defaults come from the model)", shown=_VIEWS, names=_VIEWS
    )


def help_all() -> str:
    """Every setting of network, recipe and augmentation, which the short help leaves out."""
    return all_options(NetworkOptions, NormOptions, RecipeOptions, AugmentationOptions, ViewOptions)
