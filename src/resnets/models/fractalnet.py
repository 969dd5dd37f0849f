"""The fractal network: deep without residuals, because short columns run beside long ones.      [Larsson 2016]"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from resnets.layers.head import Head
from resnets.layers.parts import Parts
from resnets.models.network import Network
from resnets.spec import FractalNetSpec


class Paths(nn.Module):
    """What the joins of one network keep: one object that they all ask, so that a column can be followed through all.

    Training draws anew for every batch, from the global generator: with the chance `whole` one column alone for the
    whole network, else every join for itself, each input being dropped with the chance `local` [Larsson 2016,
    section 2.1]. Evaluation keeps everything, or the column `only`, counted from 0 for the shallowest.
    """

    def __init__(self, columns: int, *, local: float, whole: float) -> None:
        super().__init__()
        self.columns, self.local, self.whole = columns, local, whole
        self.only: int | None = None
        self.column: int | None = None

    def draw(self) -> None:
        """Choose the column of the next batch, or none in particular."""
        self.column = None if self.training else self.only
        if self.training and float(torch.rand(())) < self.whole:
            self.column = int(torch.randint(self.columns, ()))

    def kept(self, inputs: int) -> list[int]:
        """Which of the inputs of a join stay, at least one; they end the last `inputs` columns.

        Where the column of this batch does not end in the join, nobody will read the result, and all stay.
        """
        place = -1 if self.column is None else self.column - (self.columns - inputs)
        if place >= 0:
            return [place]
        if not self.training or self.column is not None:
            return list(range(inputs))
        staying = torch.rand(inputs) >= self.local
        staying[torch.randint(inputs, ())] |= not staying.any()
        return [int(place) for place in staying.nonzero()]


class Join(nn.Module):
    """y = the mean of the columns that are kept                         [Larsson 2016, section 2]

    Shapes:
        several (N, channels, H, W) -> the same
    """

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self.paths = paths

    def forward(self, *columns: Tensor) -> Tensor:
        """The mean."""
        kept = [columns[place] for place in self.paths.kept(len(columns))]
        return torch.stack(kept).mean(dim=0)


class FractalBlock(nn.Module):
    """f_1 = conv, f_(C+1)(x) = join(conv(x), f_C(f_C(x)))               [Larsson 2016, eq. 1]

    Joins that meet are one join, so that the last one means over all columns alike. Before it every column is pooled.

    Shapes:
        (N, in_channels, H, W) -> (N, channels, H / 2, W / 2), an odd size rounded as the pool does
    """

    def __init__(self, columns: list[list[nn.Module]], paths: Paths, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.ModuleList(column) for column in columns)
        self.join = Join(paths)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """The equation, and the pool."""
        y: Tensor = self.join(*(self.pool(end) for end in self._ends(x, 0, 0)))
        return y

    def _ends(self, x: Tensor, column: int, place: int) -> list[Tensor]:
        """f(x) before its last join: the end of this column, and of all that are deeper.

        `place` is the number of this column's convolution; twice as many of the next column run beside it.
        """
        own = self.columns[column].get_submodule(str(place))(x)
        if column == len(self.columns) - 1:
            return [own]
        between = self.join(*self._ends(x, column + 1, 2 * place))
        return [own, *self._ends(between, column + 1, 2 * place + 1)]


class Start(nn.Module):
    """x itself; on the way the paths of the batch are drawn.

    Shapes:
        (N, in_channels, H, W) -> the same
    """

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self.paths = paths

    def forward(self, x: Tensor) -> Tensor:
        """Draw, and let the image pass."""
        self.paths.draw()
        return x


class FractalNet(Network):
    """logits = head(stages(images)), with blocks f(x) = join(conv(x), f(f(x)))

    The paper's point against the residual network: x itself is never passed on, every path has a convolution, and the
    net still trains when deep, as its short columns teach the long ones. Drop-path keeps columns from leaning on each
    other, so that one of them can be used alone (`paths.only`). Each block is a stage of one unit.

    Differs from the paper's own code in that one column is drawn for a whole batch and for all blocks together, and
    the head is a mean over what the last pool leaves.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    spec: FractalNetSpec

    def __init__(self, spec: FractalNetSpec) -> None:
        paths = Paths(spec.columns, local=spec.drop_path, whole=spec.global_drop_path)
        super().__init__(
            spec,
            stem=Start(paths),
            stages=[[_block(spec, number, paths)] for number in range(len(spec.widths))],
            final=nn.Sequential(),
            head=Head(spec.out_channels, spec.num_classes, "average"),
        )

    @property
    def paths(self) -> Paths:
        """What the joins keep."""
        paths: Paths = self.stem.get_submodule("paths")  # type: ignore[assignment]
        return paths

    def kind_of(self, block: nn.Module) -> tuple[str, str]:  # noqa: ARG002  # all are alike
        """`fractal`, without a shortcut."""
        return "fractal", "none"


def _block(spec: FractalNetSpec, number: int, paths: Paths) -> FractalBlock:
    parts = Parts(norm=spec.norm, activation=spec.activation)
    channels, dropout = spec.widths[number], spec.dropouts[number]
    inputs = (spec.in_channels, *spec.widths)[number]

    def layer(in_channels: int) -> nn.Module:
        convolution = OrderedDict[str, nn.Module](conv=parts.convolution(in_channels, channels, kernel=3))
        dropped = OrderedDict[str, nn.Module](dropout=nn.Dropout(dropout)) if dropout else OrderedDict[str, nn.Module]()
        return nn.Sequential(convolution | dropped | parts.steps(("norm", "activation"), channels))

    columns = [[layer(inputs if place == 0 else channels) for place in range(1 << n)] for n in range(spec.columns)]
    return FractalBlock(columns, paths, nn.MaxPool2d(2, ceil_mode=spec.round_up))
