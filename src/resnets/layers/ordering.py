"""The five places of BN and ReLU in a residual unit, as data.      [He 2016, Figure 4]

Between two convolutions there is always one norm and then one activation. An ordering says only where the units are
cut out of that chain: which steps stand before a unit's first convolution, after its last one, and after the addition.
So the plain twins of the five orderings are one and the same function; only the place where the shortcut joins differs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from resnets.layers.parts import Parts, Step
from resnets.spec import BranchScale, Ordering


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """The steps around the convolutions of a unit."""

    before: tuple[Step, ...]
    """Before every convolution of the branch."""
    between: tuple[Step, ...]
    """After every convolution of the branch but the last."""
    end: tuple[Step, ...]
    """After the last convolution of the branch."""
    joined: tuple[Step, ...]
    """After the addition."""

    @property
    def stem(self) -> tuple[Step, ...]:
        """After the stem's convolution: what a unit puts between its last one and the next unit, but no scale."""
        return tuple(step for step in self.end + self.joined if "scale" not in step)

    @property
    def final(self) -> tuple[Step, ...]:
        """Before the head: what the next unit, which does not exist, would have begun with."""
        return self.before

    @property
    def is_preactivation(self) -> bool:
        """Whether a unit begins, rather than ends, with its activation."""
        return bool(self.before) and not self.joined


ARRANGEMENTS: Mapping[Ordering, Arrangement] = {
    "original": Arrangement(before=(), between=("norm", "activation"), end=("norm",), joined=("activation",)),
    "bn_after_addition": Arrangement(before=(), between=("norm", "activation"), end=(), joined=("norm", "activation")),
    "relu_before_addition": Arrangement(
        before=(), between=("norm", "activation"), end=("norm", "activation"), joined=()
    ),
    "relu_only_preactivation": Arrangement(before=("activation",), between=("norm",), end=("norm",), joined=()),
    "full_preactivation": Arrangement(before=("norm", "activation"), between=(), end=(), joined=()),
}


FIXUP = Arrangement(
    before=("shift",), between=("bias", "activation"), end=("unit_scale", "bias"), joined=("activation",)
)
"""One number added before each convolution and activation, one that scales the branch.      [Zhang 2019, Figure 1]"""


def arrangement_of(ordering: Ordering, branch_scale: BranchScale) -> Arrangement:
    """The ordering, with the numbers that scale a branch in the places where they belong."""
    if branch_scale == "fixup":
        return FIXUP
    arrangement = ARRANGEMENTS[ordering]
    return arrangement if branch_scale == "none" else replace(arrangement, end=(*arrangement.end, "scale"))


def arrange(layers: Sequence[nn.Module], arrangement: Arrangement, parts: Parts) -> nn.Sequential:
    """The branch F: its convolutions with their steps around them, numbered as they are, and its attention at the end.

    A layer that is not a single convolution brings its steps along. Dropout comes last before every convolution but the
    first, after norm and activation.      [Zagoruyko 2016, section 2.4]
    """
    named: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 0
    later = replace(arrangement, before=(*arrangement.before, "dropout"))
    for number, layer in enumerate(layers, start=1):
        if isinstance(layer, nn.Conv2d):
            after = arrangement.end if number == len(layers) else arrangement.between
            named |= surround(layer, after, arrangement if number == 1 else later, parts, str(number))
            channels = layer.out_channels
        else:
            named[f"conv{number}"] = layer
    return nn.Sequential(named | parts.attend(channels))


def surround(
    convolution: nn.Conv2d, after: tuple[Step, ...], arrangement: Arrangement, parts: Parts, suffix: str = ""
) -> OrderedDict[str, nn.Module]:
    """A convolution between its steps, by name."""
    return (
        parts.steps(arrangement.before, convolution.in_channels, suffix)
        | OrderedDict[str, nn.Module]({f"conv{suffix}": convolution})
        | parts.steps(after, convolution.out_channels, suffix)
    )
