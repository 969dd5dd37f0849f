"""A network that answers by plans: one for each shape of images that comes."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from resnets.inference.native.choices import Choices
from resnets.inference.native.plan import Plan
from resnets.inference.native.recording import UnplannableError
from resnets.native.accelerate import is_ours
from resnets.native.library import required

MOST_PLANS = 3
"""Plans that are kept; the one that was not used for longest gives way."""
Shape = tuple[int, ...]


class PlannedNetwork(nn.Module):
    """logits = network(images), as the network itself, faster, for a network that is trained no more.

    Threads may share it; one computes at a time.

    Args:
        model: any network that is a fixed list of operations; others answer as before.
        choices: where to find and keep what is measured.

    Shapes:
        images (N, in_channels, H, W), float -> logits (N, num_classes)
    """

    def __init__(self, model: nn.Module, *, choices: Choices | None = None) -> None:
        super().__init__()
        self.model = model.eval()
        self._choices = choices
        self._plans: OrderedDict[Shape, Plan | None] = OrderedDict()
        self._lock = threading.Lock()
        _LIVING.add(self)
        self.eval()

    def __getstate__(self) -> dict[str, Any]:
        """All but the lock and the plans: a copy has its own."""
        return {**vars(self), "_lock": None, "_plans": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._lock = threading.Lock()
        _LIVING.add(self)

    def forward(self, images: Tensor) -> Tensor:
        """The logits of a batch of images.

        Raises:
            DataError: as the network.
        """
        wants_gradient = torch.is_grad_enabled() and images.requires_grad
        if not (self.training or wants_gradient or torch.compiler.is_compiling()) and is_ours(images):
            with self._lock:
                plan = self._plan(tuple(images.shape))
                if plan:
                    return plan(images)
        logits: Tensor = self.model(images)
        return logits

    def _plan(self, shape: Shape) -> Plan | None:
        """The plan for such images, made when they come for the first time."""
        if shape not in self._plans:
            self._plans[shape] = self._made(shape)
            while len(self._plans) > MOST_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(shape)
        return self._plans[shape]

    def _made(self, shape: Shape) -> Plan | None:
        self._choices = self._choices or Choices()
        try:
            return Plan(self.model, shape, required(), self._choices)
        except UnplannableError:
            return None


_LIVING: WeakSet[PlannedNetwork] = WeakSet()


def _unlock() -> None:
    """In a forked child: the thread that held a lock did not come along."""
    for network in _LIVING:
        network._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
