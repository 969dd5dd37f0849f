"""The residual network, its plain twin and its pre-activation form, from their spec.      [He 2015, He 2016]"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from resnets.errors import DataError
from resnets.layers.block import Block, PlainBlock, PreactivationBlock, ResidualBlock, SharedPreactivationBlock
from resnets.layers.head import Head
from resnets.layers.initialization import initialize
from resnets.layers.ordering import ARRANGEMENTS
from resnets.layers.parts import Parts
from resnets.layers.residual import RESIDUALS
from resnets.layers.shortcut import SHORTCUTS, Projection
from resnets.layers.stem import STEMS
from resnets.layers.unit import Unit
from resnets.models.memory import check_fits
from resnets.spec import ResNetSpec, replace


def plan(spec: ResNetSpec) -> list[list[Unit]]:
    """The sizes of every unit of every stage.      [He 2015, Table 1]"""
    stages: list[list[Unit]] = []
    in_channels, dilation = spec.first_width, 1
    for stage, (num_blocks, stride) in enumerate(zip(spec.num_blocks, spec.stage_strides, strict=True)):
        units: list[Unit] = []
        for number in range(num_blocks):
            unit = Unit(
                in_channels=in_channels,
                width=spec.width * 2**stage,
                out_channels=spec.stage_channels(stage),
                stride=stride if number == 0 else 1,
                stride_in=spec.stride_in,
                dilation=spec.stage_dilations[stage],
                first_dilation=dilation,
            )
            units.append(unit)
            in_channels, dilation = unit.out_channels, unit.dilation
        stages.append(units)
    return stages


def build_block(spec: ResNetSpec, unit: Unit) -> Block:
    """One unit: its branch, its shortcut, and the equation that joins them."""
    parts, arrangement = _parts(spec), ARRANGEMENTS[spec.ordering]
    residual = RESIDUALS[spec.block](unit, arrangement, parts)
    activation = nn.Sequential(parts.steps(arrangement.joined, unit.out_channels))
    if spec.shortcut == "none":
        return PlainBlock(residual, activation)
    shortcut = SHORTCUTS[spec.shortcut](unit, arrangement, parts)
    if not arrangement.before:
        return ResidualBlock(residual, shortcut, activation)
    if not isinstance(shortcut, Projection):
        return PreactivationBlock(residual, shortcut)
    steps = list(residual.named_children())
    shared = len(arrangement.before)
    return SharedPreactivationBlock(
        nn.Sequential(OrderedDict(steps[:shared])), nn.Sequential(OrderedDict(steps[shared:])), shortcut
    )


def _parts(spec: ResNetSpec) -> Parts:
    return Parts(
        norm=spec.norm, activation=spec.activation, conv_bias=spec.conv_bias, projection_norm=spec.projection_norm
    )


class ResNet(nn.Module):
    """logits = head(final(stages(stem(images))))

    `stages` holds the stages `S1`, `S2`, ... and each stage its units `U1`, `U2`, ...; `final` is empty unless units
    begin with their activation, as then the last one's output still wants one.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    stages: nn.Sequential

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        parts, arrangement = _parts(spec), ARRANGEMENTS[spec.ordering]
        self.spec = spec
        self.stem = STEMS[spec.stem](spec.in_channels, spec.first_width, arrangement.stem, parts)
        self.stages = nn.Sequential(
            OrderedDict(
                (
                    f"S{stage}",
                    nn.Sequential(OrderedDict((f"U{n}", build_block(spec, unit)) for n, unit in enumerate(units, 1))),
                )
                for stage, units in enumerate(plan(spec), 1)
            )
        )
        self.final = nn.Sequential(parts.steps(arrangement.final, spec.out_channels))
        self.head = Head(spec.out_channels, spec.num_classes, spec.pooling)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator."""
        initialize(self, self.spec.initialization)
        if self.spec.zero_init_residual:
            for _, block in self.blocks():
                block.zero_init_last()

    def forward(self, images: Tensor) -> Tensor:
        """The logits of a batch of images.

        Raises:
            DataError: if the images have the wrong number of dimensions or channels, hold integers or are too small.
        """
        self._check(images)
        logits: Tensor = self.head(self.final(self.stages(self.stem(images))))
        return logits

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The output of the stem and of every stage, by name: `stem`, `S1`, `S2`, ...

        Shapes:
            images (N, in_channels, H, W) -> each (N, channels of the stage, H / stride so far, W / stride so far)

        Raises:
            DataError: as `forward`.
        """
        self._check(images)
        outputs = {"stem": self.stem(images)}
        x = outputs["stem"]
        for name, stage in self.stages.named_children():
            x = outputs[name] = stage(x)
        return outputs

    def blocks(self) -> Iterator[tuple[str, Block]]:
        """Every block with its label: `S1U1`, `S1U2`, ..."""
        for stage_name, stage in self.stages.named_children():
            for unit_name, block in stage.named_children():
                yield f"{stage_name}{unit_name}", block  # type: ignore[misc]  # torch types children as Module

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image, in pixels."""
        return self.spec.minimum_size

    def replace_head(self, num_classes: int) -> None:
        """Give the network a fresh classifier for other classes; everything before it is kept.

        Raises:
            ConfigError: if `num_classes` is not a possible number of classes.
        """
        self.spec = replace(self.spec, num_classes=num_classes)
        self.head.replace_linear(num_classes)

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4:
            raise DataError(
                "Images must have four dimensions (N, channels, height, width), "
                f"got {images.ndim}: {tuple(images.shape)}. A single image needs images[None]."
            )
        if not images.is_floating_point():
            raise DataError(
                f"Images must be floating-point numbers, got {images.dtype}: normalise them first, as in training."
            )
        if problem := self.spec.input_problem(*images.shape[1:]):
            raise DataError(problem)


def build(spec: ResNetSpec, seed: int | None = None) -> ResNet:
    """The network that a spec describes.

    With a seed, its weights depend on nothing else, not even the device, and the global generator is left alone. The
    modules are laid out without storage first, so that PyTorch's own initialisation, soon overwritten, costs nothing.

    Raises:
        ResourceError: if the machine's memory cannot hold the weights.
    """
    device = torch.get_default_device()
    with torch.device("meta"):
        model = ResNet(spec)
    if device.type == "meta":
        return model
    check_fits(sum(parameter.numel() for parameter in model.parameters()))
    model.to_empty(device="cpu")
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        model.reset_parameters()
    return model.to(device)
