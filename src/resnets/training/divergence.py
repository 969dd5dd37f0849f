"""Where a network stops computing numbers: the first layer whose output is NaN or infinite."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from resnets.errors import DivergedError


@torch.no_grad()
def first_bad_layer(model: nn.Module, images: Tensor) -> str | None:
    """Name of the first layer, in order of computation, with an output that is not finite; None if there is none.

    The model is left as it was found: hooks removed, running statistics untouched.
    """
    bad: list[str] = []
    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]

    def watch(name: str) -> Any:
        def look(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ARG001 - torch's signature
            if not bad and isinstance(output, Tensor) and not output.isfinite().all():
                bad.append(name)

        return look

    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    hooks = [module.register_forward_hook(watch(name)) for name, module in leaves]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    return bad[0] if bad else None


def diverged(model: nn.Module, images: Tensor, loss: float, step: int, rate: float) -> DivergedError:
    """The error for a loss that is not finite, with step, learning rate and first bad layer."""
    layer = first_bad_layer(model, images)
    place = f"the first layer with a bad output is {layer}" if layer else "every layer's output is finite"
    return DivergedError(
        f"The loss became {loss} at step {step} with learning rate {rate:.4g}; {place}. "
        "Try a smaller --learning-rate, a longer --warmup, or --clip-norm 1."
    )
