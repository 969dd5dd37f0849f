"""Everything that changes while a network is trained: with it, a training goes on as if it had never stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from resnets.errors import ModelFileError
from resnets.recipe import Recipe
from resnets.training.average import WeightAverage
from resnets.training.optimizer import make_optimizer
from resnets.training.seen import SeenLosses


@dataclass
class Sums:
    """What the current epoch adds up."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, mean_loss: float, correct: int, images: int) -> None:
        """Take in some more images."""
        self.loss += mean_loss * images
        self.correct += correct
        self.images += images


@dataclass
class Best:
    """The weights to keep so far, and their validation."""

    epoch: int = 0
    accuracy: float = -1.0
    peak: float = -1.0
    """The highest accuracy of any epoch."""
    weights: dict[str, Tensor] = field(default_factory=dict, repr=False)


class TrainingState:
    """A model in training: its weights, their average, the optimiser, the place in the schedule, the losses of images,
    the weights to keep.

    Args:
        model: what is trained, in place.
        recipe: how.
        batches_per_epoch: length of the batches.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, batches_per_epoch: int) -> None:
        self.model = model
        self.recipe = recipe
        self.optimizer = make_optimizer(model, recipe)
        self.average = WeightAverage(model, recipe.ema_decay)
        self.steps_per_epoch = math.ceil(batches_per_epoch / recipe.accumulate)
        self.total_steps = max(1, round(recipe.epochs * self.steps_per_epoch))
        self.step = 0
        self.sums = Sums()
        self.seen = SeenLosses(recipe)
        self.best = Best()

    @property
    def is_done(self) -> bool:
        """Whether every step has been taken."""
        return self.step >= self.total_steps

    def keep_if_best(self, epoch: int, accuracy: float | None, images: int) -> bool:
        """Remember the averaged weights unless they are less accurate than the best by more than a standard error.

        So of the epochs that the validation's `images` cannot tell apart the latest is kept: schedules are made to end
        well, and a lucky epoch in the middle is no reason to stop there.      [Breiman 1984, section 3.4.3]
        Without a validation the newest weights are kept.
        """
        if accuracy is None:
            accuracy = self.best.peak
        peak = max(accuracy, self.best.peak)
        is_kept = accuracy >= peak - standard_error(peak, images)
        if is_kept:
            weights = {name: tensor.detach().clone() for name, tensor in self.average.model.state_dict().items()}
            self.best = Best(epoch, accuracy, peak, weights)
        return is_kept

    def files(self, extra: Mapping[str, Any]) -> dict[str, bytes]:
        """The whole state as the files of a checkpoint; `extra` is stored beside it as JSON."""
        best = asdict(self.best) | {"weights": None}
        state = {"step": self.step, "sums": asdict(self.sums), "best": best, "extra": dict(extra)}
        return {
            "model.safetensors": pack(self.model.state_dict()),
            "average.safetensors": pack(self.average.model.state_dict() if self.recipe.ema_decay else {}),
            "optimizer.safetensors": pack(_optimizer_tensors(self.optimizer)),
            "losses.safetensors": pack(self.seen.tensors()),
            "best.safetensors": pack(self.best.weights),
            "rng.safetensors": pack(_generators()),
            "state.json": json.dumps(state, indent=1, allow_nan=False).encode(),
        }

    def restore(self, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Take over the state that `files` wrote, and return its `extra`.

        Raises:
            ModelFileError: if the files belong to another network, recipe or version.
        """
        try:
            state = json.loads(files["state.json"])
            self.model.load_state_dict(unpack(files["model.safetensors"]))
            if self.recipe.ema_decay:
                self.average.model.load_state_dict(unpack(files["average.safetensors"]))
            _restore_optimizer(self.optimizer, unpack(files["optimizer.safetensors"]))
            if self.recipe.prune:
                self.seen.restore(unpack(files["losses.safetensors"]))
            _restore_generators(unpack(files["rng.safetensors"]))
            self.step, self.sums = int(state["step"]), Sums(**state["sums"])
            self.best = Best(**(state["best"] | {"weights": unpack(files["best.safetensors"])}))
            extra: dict[str, Any] = state["extra"]
        except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise ModelFileError(f"The checkpoint does not fit this network and recipe: {reason}") from error
        return extra


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy that was measured on so many images: sqrt(p (1 - p) / n)."""
    return math.sqrt(max(0.0, accuracy * (1 - accuracy)) / max(1, images))


def pack(tensors: Mapping[str, Tensor]) -> bytes:
    """Named tensors in the safetensors format."""
    content: bytes = safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    )
    return content


def unpack(content: bytes) -> dict[str, Tensor]:
    """The tensors that `pack` wrote."""
    tensors: dict[str, Tensor] = safetensors.torch.load(content)
    return tensors


def _generators() -> dict[str, Tensor]:
    """The state of every generator that a network draws from, for dropout and its like: the CPU's and each GPU's."""
    of_gpus = {f"cuda{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return {"torch": torch.get_rng_state()} | of_gpus


def _restore_generators(states: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(states["torch"])
    for number in range(torch.cuda.device_count()):
        if f"cuda{number}" in states:
            torch.cuda.set_rng_state(states[f"cuda{number}"], number)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{place}.{name}": tensor
        for place, parameter in enumerate(_parameters(optimizer))
        for name, tensor in optimizer.state.get(parameter, {}).items()
        if isinstance(tensor, Tensor)
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    parameters = _parameters(optimizer)
    optimizer.state.clear()
    for key, tensor in tensors.items():
        place, _, name = key.partition(".")
        parameter = parameters[int(place)]
        # Fused steps walk the memory of weights and moments side by side: not only their shapes must be equal.
        own = torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor.clone()
        optimizer.state[parameter][name] = own.detach()
