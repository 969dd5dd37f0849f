"""Units that can be run backwards, so that training need not store what they put out.      [Gomez 2017]"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

Leaves: TypeAlias = dict[str, Tensor]
"""A branch's parameters by name, cut off from everything before them."""


class Coupling(nn.Module):
    """y1 = shortcut1(x1) + F(x2), y2 = shortcut2(x2) + G(y1)            [Gomez 2017, eq. 6]

    x1 and x2 are the first and the second half of the channels. Where both shortcuts are the identity, x can be had
    back from y: x2 = y2 - G(y1), x1 = y1 - F(x2).                      [Gomez 2017, eq. 7]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def __init__(self, f: nn.Module, g: nn.Module, shortcut1: nn.Module, shortcut2: nn.Module) -> None:
        super().__init__()
        self.f, self.g, self.shortcut1, self.shortcut2 = f, g, shortcut1, shortcut2

    @property
    def is_reversible(self) -> bool:
        """Whether x can be had back from y."""
        return isinstance(self.shortcut1, nn.Identity) and isinstance(self.shortcut2, nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        """The equations."""
        x1, x2 = x.chunk(2, dim=1)
        y1 = self.shortcut1(x1) + self.f(x2)
        y2 = self.shortcut2(x2) + self.g(y1)
        return torch.cat([y1, y2], dim=1)


class ReversibleStage(nn.Sequential):
    """Units one after the other; of the reversible ones that end it, training stores the last output alone.

    Their outputs are had back from it on the way backwards, one unit at a time: memory does not grow with their
    number, and each branch is run once more in every step. Hooks on modules inside them see both runs, the first one
    without gradients. In mixed precision they work on x in the weights' precision, as what half precision rounds off
    cannot be had back.      [Gomez 2017, section 3.2]

    Shapes:
        (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Those that cannot be reversed as usual, then the others without storing."""
        units: list[Coupling] = [unit for unit in self if isinstance(unit, Coupling)]
        first = next((place for place, unit in enumerate(units) if unit.is_reversible), len(units))
        for unit in units[:first]:
            x = unit(x)
        run = units[first:]
        parameters = [parameter for branch in _branches(run) for parameter in branch.parameters()]
        x = x.to(next(iter(parameters), x).dtype)
        y: Tensor = _Recomputed.apply(run, x, *parameters)  # type: ignore[no-untyped-call]
        return y


def _branches(units: Sequence[Coupling]) -> Iterator[nn.Module]:
    """F and G of each unit."""
    for unit in units:
        yield from (unit.f, unit.g)


class _Recomputed(torch.autograd.Function):
    """The last of some reversible units' outputs, with gradients from it alone.

    Parameters are handed over as tensors and used again on the way backwards: they are those of the forward pass, also
    under `functional_call`, and PyTorch refuses if they were changed in between.
    """

    @staticmethod
    def forward(ctx: Any, units: Sequence[Coupling], x: Tensor, *parameters: Tensor) -> Tensor:
        """Run the units; nothing in here is recorded for gradients."""
        kind = {"meta": "cpu"}.get(x.device.type, x.device.type)  # without values there is no precision to choose
        ctx.units = units
        ctx.modes = [(module, module.training) for unit in units for module in unit.modules()]
        ctx.autocast = torch.autocast(
            kind, dtype=torch.get_autocast_dtype(kind), enabled=torch.is_autocast_enabled(kind)
        )
        y = x
        for unit in units:
            y = unit(y)
        ctx.save_for_backward(y, *parameters)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Undo the units from the last to the first."""
        y, *parameters = ctx.saved_tensors
        pairs = zip(parameters, ctx.needs_input_grad[2:], strict=True)
        leaves = [parameter.detach().requires_grad_(wanted) for parameter, wanted in pairs]
        rest = iter(leaves)
        own = [{name: next(rest) for name, _ in branch.named_parameters()} for branch in _branches(ctx.units)]
        with _as_in_forward(ctx.modes), ctx.autocast:
            for number, unit in reversed(list(enumerate(ctx.units))):
                y, dy = _undo(unit, own[2 * number], own[2 * number + 1], y, dy)
        return None, dy, *(leaf.grad for leaf in leaves)


def _undo(unit: Coupling, f: Leaves, g: Leaves, y: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    """Input and gradient of a unit from its output and the gradient there; the parameters' are left in the leaves.

    Source: [Gomez 2017, Algorithm 1].
    """
    (y1, y2), (dy1, dy2) = y.chunk(2, dim=1), dy.chunk(2, dim=1)
    g_of_y1, through_g = _run_again(unit.g, g, y1, dy2)
    x2, dx1 = y2 - g_of_y1, dy1 + through_g
    f_of_x2, through_f = _run_again(unit.f, f, x2, dx1)
    x1, dx2 = y1 - f_of_x2, dy2 + through_f
    return torch.cat([x1, x2], dim=1), torch.cat([dx1, dx2], dim=1)


def _run_again(branch: nn.Module, leaves: Leaves, x: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    """branch(x), and the gradient of x."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        output: Tensor = functional_call(branch, leaves, (x,))
    wanted = [leaf for leaf in leaves.values() if leaf.requires_grad]
    torch.autograd.backward(output, dy.to(output.dtype), inputs=[x, *wanted])
    assert x.grad is not None  # noqa: S101  # it is among the inputs
    return output.detach(), x.grad


@contextmanager
def _as_in_forward(modes: Sequence[tuple[nn.Module, bool]]) -> Iterator[None]:
    """The modules in the modes that they had, except that norms do not remember a batch for the second time."""
    now = [module.training for module, _ in modes]
    forgetful = [m for m, training in modes if training and isinstance(m, _BatchNorm) and m.track_running_stats]
    try:
        for module, training in modes:
            module.training = training
        for norm in forgetful:
            norm.track_running_stats = False
        yield
    finally:
        for (module, _), training in zip(modes, now, strict=True):
            module.training = training
        for norm in forgetful:
            norm.track_running_stats = True
