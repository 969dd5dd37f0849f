"""How a data set is read."""

from __future__ import annotations

from dataclasses import dataclass

from resnets.data.preprocessing import Preprocessing, Resize


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How a data set is read; a new model decides for itself, a trained one brings its preprocessing and classes."""

    data: str | None = None
    """Folder of a named set's files; None: the usual places."""
    size: int | None = None
    """Height and width of photos from folders, in pixels; None: 64. Named sets have their own size."""
    resize: Resize = "crop"
    """How photos are made square."""
    max_bad: float = 0.0
    """Part of the files that may be unreadable and skipped."""
    seed: int = 0
    """Decides which images the validation part gets."""
    whole_is_test: bool = False
    """Whether one level of class folders is all for testing a model that was trained on something else."""
    preprocessing: Preprocessing | None = None
    """A trained model's; None: from `size`, `resize` and the training part."""
    class_names: tuple[str, ...] | None = None
    """A trained model's classes in its order; None: as the set has them."""
