"""The memory that a network takes, to train it and to use it, at a batch size: counted, not measured.

The network runs on tensors without values. Everything that autograd keeps for the backward pass passes through a hook
that adds its bytes, each piece of memory once; without gradients, what is made and what is freed is followed from
operation to operation. What kernels need for themselves while they run, and what the library needs, is not counted.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from resnets.models.build import outline
from resnets.recipe import Optimizer
from resnets.spec import Spec

STATE_PER_WEIGHT: Mapping[Optimizer, int] = {"sgd": 1, "adamw": 2}
"""Numbers that an optimiser keeps for each weight: its momentum, and for AdamW the mean square as well."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that a network takes at a batch size."""

    batch_size: int
    weights: int
    """Parameters and the norms' statistics."""
    gradients: int
    optimizer_state: int
    saved: int
    """What the forward pass keeps for the backward pass, the images included."""
    peak: int
    """The most that lives at once in a forward pass without gradients, beside the weights; the images included."""

    @property
    def training(self) -> int:
        """Weights, gradients, optimiser state, and what is kept for the backward pass."""
        return self.weights + self.gradients + self.optimizer_state + self.saved

    @property
    def inference(self) -> int:
        """Weights, and the most that lives at once."""
        return self.weights + self.peak


def memory(spec: Spec, input_shape: tuple[int, ...], batch_size: int, optimizer: Optimizer = "sgd") -> Memory:
    """Count a network for a batch of images of (channels, height, width)."""
    model, images = outline(spec), torch.empty(batch_size, *input_shape, device="meta")
    gradients = sum(_size(parameter) for parameter in model.parameters())
    return Memory(
        batch_size=batch_size,
        weights=_own(model),
        gradients=gradients,
        optimizer_state=STATE_PER_WEIGHT[optimizer] * gradients,
        saved=saved_bytes(model.train(), images),
        peak=peak_bytes(model.eval(), images),
    )


def saved_bytes(model: nn.Module, images: Tensor) -> int:
    """Bytes that a forward pass keeps for the backward pass, without the model's own parameters and buffers."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    with torch.random.fork_rng(devices=[]), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images)
    return sum(storage.nbytes() for storage in kept.values())


def peak_bytes(model: nn.Module, images: Tensor) -> int:
    """The most bytes that live at once in a forward pass without gradients, beside the model's own."""
    with torch.no_grad(), _Living((*model.parameters(), *model.buffers())) as living:
        living.add(images)
        model(images)
    most: int = living.most
    return most


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Follows the memory of all tensors that operations put out, until it is freed."""

    def __init__(self, known: tuple[Tensor, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.now = self.most = 0
        self._seen = weakref.WeakSet(tensor.untyped_storage() for tensor in known)
        self._known = known

    def add(self, tensor: Tensor) -> None:
        """Count the tensor's memory until it is freed, unless it is counted already."""
        storage = tensor.untyped_storage()
        if storage not in self._seen:
            self._seen.add(storage)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._freed, storage.nbytes())

    def _freed(self, size: int) -> None:
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count what it put out."""
        outputs = func(*args, **(kwargs or {}))
        for output in tree_leaves(outputs):
            if isinstance(output, Tensor):
                self.add(output)
        return outputs


def _own(model: nn.Module) -> int:
    return sum(_size(tensor) for tensor in (*model.parameters(), *model.buffers()))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
