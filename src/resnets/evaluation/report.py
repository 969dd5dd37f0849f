"""What one evaluation found: a frozen value of plain numbers and names, ready for JSON, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resnets import values

SCHEMA_VERSION = 1
"""Rises when a key of the report's JSON changes its name or meaning."""


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class's scores, fractions; a score without a denominator is 0."""

    name: str
    precision: float
    """Part of the images given this class that belong to it."""
    recall: float
    """Part of this class's images that were given it."""
    f1: float
    """Harmonic mean of precision and recall."""
    support: int
    """Images of this class."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Predictions of like confidence: above `low`, up to `high`."""

    low: float
    high: float
    count: int
    """Predictions in this bin."""
    confidence: float | None
    """Mean probability given to the predicted class; None in an empty bin."""
    accuracy: float | None
    """Part that was right; None in an empty bin."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Images of one class taken for another; classes by number, from 0."""

    label: int
    predicted: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One image that was given the wrong class; classes by number, from 0."""

    index: int
    """Place of the image in its data set, from 0."""
    label: int
    predicted: int
    probability: float
    """What the model gave the wrong class."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """How good a model is on one data set; all rates are fractions."""

    num_images: int
    num_mistakes: int
    loss: float
    """Mean cross-entropy, in nats."""
    accuracy: float
    accuracy_interval: tuple[float, float]
    """The 95 % Wilson interval of the accuracy."""
    top_k: int
    """The k of `top_k_accuracy`; never above the number of classes."""
    top_k_accuracy: float
    """Part of the images whose true class is among the k most probable."""
    macro_precision: float
    """Macro averages are plain means over the classes that have images."""
    macro_recall: float
    macro_f1: float
    calibration_error: float
    """Expected calibration error over `bins`."""
    class_names: tuple[str, ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Images of each true class (row) given each class (column)."""
    most_confused: tuple[Confusion, ...]
    """The commonest mistakes, commonest first."""
    bins: tuple[Bin, ...]
    worst_mistakes: tuple[Mistake, ...]
    """The mistakes that the model was surest of, surest first."""

    def to_dict(self) -> dict[str, Any]:
        """The report as nested dictionaries and lists, ready for JSON, with the schema's name and version."""
        return {"schema": "resnets.evaluation", "version": SCHEMA_VERSION} | values.to_dict(self)
