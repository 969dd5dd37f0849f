"""The block is the equation: four ways to join a residual branch F and a shortcut."""

from __future__ import annotations

from torch import Tensor, nn


class Block(nn.Module):
    """One unit of a network; `residual` is F alone."""

    def __init__(self, residual: nn.Sequential) -> None:
        super().__init__()
        self.residual = residual

    def zero_init_last(self) -> None:
        """Start the branch's last norm at scale zero, so that the block starts as its shortcut.

        Source: [Goyal 2017, section 5.1].
        """
        norms = [layer for name, layer in self.residual.named_children() if name.startswith("norm")]
        nn.init.zeros_(norms[-1].get_parameter("weight"))

    def fixup(self, num_blocks: int) -> None:
        """Start the last of m convolutions at zero, the others at num_blocks^(-1 / (2m - 2)) of their size.

        Then a step of the optimiser changes the output equally in a network of any depth.  [Zhang 2019, section 3.2]
        """
        *others, last = (layer for layer in self.residual if isinstance(layer, nn.Conv2d))
        for convolution in others:
            convolution.weight.data *= num_blocks ** (-1 / (2 * len(others)))
        nn.init.zeros_(last.weight)


class ResidualBlock(Block):
    """y = activation(F(x) + shortcut(x))                               [He 2015, eq. 1 and 2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, residual: nn.Sequential, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__(residual)
        self.shortcut, self.activation = shortcut, activation

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        y: Tensor = self.activation(self.residual(x) + self.shortcut(x))
        return y


class PreactivationBlock(Block):
    """y = F(x) + shortcut(x)                                           [He 2016, eq. 1 with f = identity]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, residual: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__(residual)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        y: Tensor = self.residual(x) + self.shortcut(x)
        return y


class SharedPreactivationBlock(PreactivationBlock):
    """y = F(p) + projection(p) with p = preactivation(x)               [He 2016, appendix]

    A projection is a convolution as well and wants an activated input; both paths read the same one.

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, preactivation: nn.Sequential, residual: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__(residual, shortcut)
        self.preactivation = preactivation

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        return super().forward(self.preactivation(x))


class PlainBlock(Block):
    """y = activation(F(x)): the block without its shortcut              [He 2015, section 4.1]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, residual: nn.Sequential, activation: nn.Module) -> None:
        super().__init__(residual)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """The equation."""
        y: Tensor = self.activation(self.residual(x))
        return y
