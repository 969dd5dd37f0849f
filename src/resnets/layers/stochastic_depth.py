"""Stochastic depth: in training, a branch is left out at random.      [Huang 2016]"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class StochasticDepth(nn.Module):
    """y = b x / survival in training, with b = 1 in `survival` of all images and else 0; y = x in evaluation

    Stands at the end of a branch, so that a block is its shortcut alone where b is 0: training sees shorter networks,
    evaluation all of them together.      [Huang 2016, eq. 2]

    Differs from the paper: b is drawn for each image, not for each batch, and the mean is kept in training rather than
    in evaluation, so that the network to be shipped is the same as without it. Draws come from torch's generator.

    Shapes:
        (N, ...) -> the same
    """

    def __init__(self, survival: float) -> None:
        super().__init__()
        self.survival = survival

    def forward(self, x: Tensor) -> Tensor:
        """Keep or drop each image's branch."""
        one_an_image = x.new_ones(x.shape[0], *(1 for _ in x.shape[1:]))
        return x * functional.dropout(one_an_image, 1 - self.survival, self.training)

    def extra_repr(self) -> str:
        """The settings, for print(model)."""
        return f"survival={self.survival:g}"
