"""What all networks are: a stem, stages of units, a final step and a head, by the same names in every family."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from resnets.errors import DataError
from resnets.layers.initialization import initialize
from resnets.outputs import Outputs
from resnets.spec import Spec, replace


class Network(nn.Module):
    """logits = head(final(stages(stem(images))))

    `stages` holds the stages `S1`, `S2`, ... and each stage its units `U1`, `U2`, ...

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: Spec
    stem: nn.Module
    stages: nn.Sequential
    final: nn.Module
    head: nn.Module
    auxiliary: nn.ModuleDict
    """Heads that only training uses, by the label of the unit that they read; empty in most networks."""

    def __init__(
        self,
        spec: Spec,
        *,
        stem: nn.Module,
        stages: Sequence[Sequence[nn.Module]],
        final: nn.Module,
        head: nn.Module,
        auxiliary: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.stem = stem
        self.stages = nn.Sequential(
            OrderedDict((f"S{stage}", self.make_stage(units)) for stage, units in enumerate(stages, start=1))
        )
        self.final = final
        self.head = head
        self.auxiliary = nn.ModuleDict(auxiliary)
        self.reset_parameters()

    def make_stage(self, units: Sequence[nn.Module]) -> nn.Module:
        """The units of one stage, one after the other."""
        return nn.Sequential(OrderedDict((f"U{number}", unit) for number, unit in enumerate(units, start=1)))

    def reset_parameters(self) -> None:
        """Draw all weights anew, from the global generator."""
        initialize(self, self.spec.initialization)

    def forward(self, images: Tensor) -> Tensor | Outputs:
        """The logits of a batch of images; a network with auxiliary heads gives theirs as well while it is trained.

        Raises:
            DataError: if the images have the wrong number of dimensions or channels, hold integers or have a size that
                the network does not take.
        """
        self.check(images)
        logits: Tensor = self.head(self.final(self.stages(self.stem(images))))
        return logits

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The output of the stem and of every stage, by name: `stem`, `S1`, `S2`, ...

        Shapes:
            images (N, in_channels, H, W) -> each (N, channels of the stage, H / stride so far, W / stride so far)

        Raises:
            DataError: as `forward`.
        """
        self.check(images)
        x = self.stem(images)
        outputs = {"stem": x}
        for name, stage in self.stages.named_children():
            x = outputs[name] = stage(x)
        return outputs

    def blocks(self) -> Iterator[tuple[str, nn.Module]]:
        """Every unit with its label: `S1U1`, `S1U2`, ..."""
        for stage_name, stage in self.stages.named_children():
            for unit_name, unit in stage.named_children():
                yield f"{stage_name}{unit_name}", unit

    def kind_of(self, block: nn.Module) -> tuple[str, str]:
        """What a unit is, and what its shortcut is (empty where the family has none), for tables."""
        return type(block).__name__, ""

    @property
    def minimum_size(self) -> int:
        """Least height and width of an image, in pixels."""
        return self.spec.minimum_size

    def replace_head(self, num_classes: int) -> None:
        """Give the network a fresh classifier for other classes; everything before it is kept.

        The last linear layer (or 1x1 convolution) of each head is replaced, on its device and in its precision.

        Raises:
            ConfigError: if `num_classes` is not a possible number of classes.
        """
        self.spec = replace(self.spec, num_classes=num_classes)
        for head in (self.head, *self.auxiliary.values()):
            head.replace_linear(num_classes)  # type: ignore[operator]  # every head has it

    def check(self, images: Tensor) -> None:
        """Refuse images that the network does not take.

        Raises:
            DataError: with what is wrong about them.
        """
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
