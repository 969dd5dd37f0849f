"""Modules that are laid out: every tensor that they make has a shape and no storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MAKERS = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.tensor, torch.arange, torch.linspace})
"""What makes a tensor from nothing."""
FILLERS = frozenset(
    {
        *(Tensor.zero_, Tensor.fill_, Tensor.uniform_, Tensor.normal_),
        *(nn.init.uniform_, nn.init.normal_, nn.init.constant_, nn.init.kaiming_uniform_, nn.init.kaiming_normal_),
    }
)
"""What modules start their weights with."""


class WithoutStorage(TorchFunctionMode):
    """Puts tensors on the meta device, as `torch.device("meta")` does, and leaves them as they are.

    That context runs PyTorch's own initialisation of every layer on shapes, half of the time of building a network.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """A maker gets the device, a filler does nothing, and whatever else torch offers is as always."""
        kwargs = kwargs or {}
        if func in FILLERS:
            return args[0] if args else kwargs["tensor"]
        if func in MAKERS and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)
