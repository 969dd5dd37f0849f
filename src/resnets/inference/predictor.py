"""Names for pictures: a model folder and nothing else decides how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor
from typing_extensions import Self

from resnets import values
from resnets.artifact import Artifact, load_artifact
from resnets.data.decode import open_image
from resnets.data.preprocessing import normalise, prepare
from resnets.errors import ImageError, ModelFileError
from resnets.inference.averaging import averaged
from resnets.inference.engines import Engine, run_by
from resnets.views import Views

BATCH_SIZE = 64
"""Pictures that go through the network together."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture."""

    classes: tuple[str, ...]
    """The likeliest classes, likeliest first."""
    probabilities: tuple[float, ...]
    """Their probabilities; those of all classes add up to 1."""
    seen: Tensor = field(repr=False, compare=False)
    """What the network was shown, uint8 (C, H, W)."""

    @property
    def name(self) -> str:
        """The likeliest class."""
        return self.classes[0]

    @property
    def probability(self) -> float:
        """Of the likeliest class."""
        return self.probabilities[0]


class Predictor:
    """A trained network that is handed pictures.

    Args:
        artifact: the network, its class names and its preprocessing.
        engine: what runs the network.
        views: what of a picture it is shown; the artifact's own if not said.

    Raises:
        ConfigError: if the engine does not run here.
    """

    def __init__(self, artifact: Artifact, engine: Engine = "auto", views: Views | None = None) -> None:
        self.artifact = artifact
        self.model = averaged(run_by(engine, artifact.model()), artifact.views if views is None else views)

    @classmethod
    def load(cls, name: str | Path, engine: Engine = "auto") -> Self:
        """From a model folder, a run folder, or a packaged model by name.

        Raises:
            ModelFileError: if it is missing or damaged.
            ConfigError: if the engine does not run here.
        """
        return cls(load_artifact(name), engine)

    def prepare(self, picture: Path | bytes | Image) -> Tensor:
        """What the network will be shown of a picture, uint8 (C, H, W).

        Raises:
            ImageError: if the picture cannot be read, or shows nothing.
        """
        image = picture if isinstance(picture, Image) else open_image(picture)
        try:
            return prepare(image, self.artifact.preprocessing)
        except ImageError as error:
            raise ImageError(f"{picture}: {error}" if isinstance(picture, Path) else str(error)) from error

    def __call__(self, picture: Path | bytes | Image, *, top_k: int = 5) -> Prediction:
        """The prediction for one picture: a path, the bytes of a file, or a Pillow image.

        Raises:
            ImageError: if the picture cannot be read, or shows nothing.
        """
        return self.predict([self.prepare(picture)], top_k=top_k)[0]

    def predict(self, prepared: Sequence[Tensor], *, top_k: int = 5) -> list[Prediction]:
        """The predictions for prepared pictures; `top_k` is never more than there are classes."""
        values.check_range("top_k", top_k, 1, 1_000_000)
        return [self._prediction(logits, seen, top_k) for logits, seen in self._answers(prepared)]

    @torch.inference_mode()
    def _answers(self, prepared: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        iterator = iter(prepared)
        while group := list(islice(iterator, BATCH_SIZE)):
            logits = self.model(normalise(torch.stack(group), self.artifact.preprocessing))
            if not logits.isfinite().all():
                raise ModelFileError(
                    "The model's answer is not a finite number; its weights are damaged or it diverged."
                )
            yield from zip(logits, group, strict=True)

    def _prediction(self, logits: Tensor, seen: Tensor, top_k: int) -> Prediction:
        names = self.artifact.class_names
        probabilities, places = logits.double().softmax(0).topk(min(top_k, len(names)))
        return Prediction(tuple(names[place] for place in places.tolist()), tuple(probabilities.tolist()), seen)
