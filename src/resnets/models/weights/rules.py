"""Rules from our names of weights to another library's.

`stages.S{stage}.U{unit}.shortcut.conv` -> `layer{stage}.{unit-1}.downsample.0`

A number in braces stands for any, and on the other side for the same one, or one that is so much more or less. What
follows the module's name (`.weight`, `.running_mean`) stays. A target may end in ` 1x1` or ` 7x7` where the other one
has a convolution over so many pixels in the place of our linear layer, and in ` flat` where it is the other way round.
Empty braces stand for the whole name, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

_NUMBER = re.compile(r"\{(\w+)([+-]\d+)?\}")


@dataclass(frozen=True)
class Target:
    """Where a weight is found in the other library."""

    name: str
    form: str = ""
    """Empty, a kernel such as `1x1`, or `flat`."""

    def theirs(self, tensor: Tensor) -> Tensor:
        """Our tensor in the shape that the other library has."""
        if self.form == "flat":
            return tensor.flatten(1) if tensor.ndim == 4 else tensor
        if not self.form or (tensor.ndim == 1 and self.name.endswith(".bias")):
            return tensor
        kernel = [int(side) for side in self.form.split("x")]
        return tensor.reshape(tensor.shape[0], *([-1] if tensor.ndim == 2 else []), *kernel)


def targets(keys: Iterable[str], rules: Mapping[str, str]) -> dict[str, Target]:
    """Where each key that a rule knows is found; the first rule that fits counts."""
    translate = [_compiled(ours, theirs) for ours, theirs in rules.items()]
    found = {}
    for key in keys:
        target = next((target for target in (rule(key) for rule in translate) if target), None)
        if target:
            found[key] = target
    return found


def _compiled(ours: str, theirs: str) -> Callable[[str], Target | None]:
    if ours == "{}":
        return Target
    pieces = _NUMBER.split(ours)
    pattern = "".join(
        re.escape(piece) if place % 3 == 0 else rf"(?P<{piece}>\d+)" if place % 3 == 1 else ""
        for place, piece in enumerate(pieces)
    )
    expression = re.compile(pattern + r"(?P<leaf>\.\w+)?")
    path, _, form = theirs.partition(" ")

    def translate(key: str) -> Target | None:
        match = expression.fullmatch(key)
        if not match:
            return None
        name = _NUMBER.sub(lambda number: str(int(match[number[1]]) + int(number[2] or 0)), path)
        return Target(name + (match["leaf"] or ""), form)

    return translate
