"""A model's answers on a data set, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets import values
from resnets.errors import DataError, DivergedError
from resnets.evaluation import metrics
from resnets.evaluation.batches import Batch, Batches
from resnets.evaluation.report import Bin, ClassRow, Confusion, Mistake, Report

TOP_K = 5
"""As ImageNet's "top-5".      [Russakovsky 2015, section 4.1]"""
MOST_CONFUSED = 10
"""Pairs of classes that a report names."""
WORST_MISTAKES = 25
"""Mistakes that a report names: as many as a gallery of five by five shows."""

OTHER_CLASSES = "Evaluate it on data with the classes that it was trained on."


@torch.inference_mode()
def score(model: nn.Module, batches: Batches) -> tuple[float, float, int]:
    """Mean cross-entropy, accuracy and number of images: what to watch in a training, without keeping the logits.

    Raises:
        DataError, DivergedError: as `predict_logits`.
    """
    loss, right, n = 0.0, 0, 0
    with _evaluation_mode(model):
        for logits, batch in _answers(model, batches):
            labels = batch.labels.to(logits.device)
            loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(dim=1) == labels).sum())
            n += len(labels)
    _check_not_empty(n)
    return loss / n, right / n, n


@torch.inference_mode()
def predict_logits(model: nn.Module, batches: Batches) -> tuple[Tensor, Tensor, Tensor]:
    """The model's logits with labels and indices, ordered by index; the model is left as it was found.

    Shapes:
        logits float32 (N, K), labels int64 (N,), indices int64 (N,), all on the CPU
    Raises:
        DataError: if there are no images, or a label is not one of the model's classes.
        DivergedError: if a logit is not a finite number.
    """
    logits, labels, indices = [], [], []
    with _evaluation_mode(model):
        for answer, batch in _answers(model, batches):
            logits.append(answer.cpu())
            labels.append(batch.labels.cpu())
            indices.append(batch.indices.cpu())
    _check_not_empty(len(logits))
    order = torch.cat(indices).argsort(stable=True)
    return torch.cat(logits)[order], torch.cat(labels)[order], torch.cat(indices)[order]


def evaluate(model: nn.Module, batches: Batches, class_names: Sequence[str], *, top_k: int = TOP_K) -> Report:
    """Everything that a report says about a model on a data set.

    Raises:
        ConfigError, DataError, DivergedError: as `predict_logits` and `summarise`.
    """
    return summarise(*predict_logits(model, batches), class_names, top_k=top_k)


def summarise(
    logits: Tensor, labels: Tensor, indices: Tensor, class_names: Sequence[str], *, top_k: int = TOP_K
) -> Report:
    """The report of answers that are already there, whichever engine gave them.

    Shapes:
        logits (N, K), labels int64 (N,), indices int64 (N,)

    Raises:
        ConfigError: if top_k is below 1.
        DataError: if there are no images, or the class names are not one for each logit.
    """
    values.check_range("top_k", top_k, 1, 1_000_000)
    _check_not_empty(len(labels))
    n, num_classes = logits.shape
    if len(class_names) != num_classes:
        raise DataError(
            f"The model tells {num_classes} classes apart, but {len(class_names)} class names were given. "
            f"{OTHER_CLASSES}"
        )
    predicted = logits.argmax(dim=1)
    confidence = logits.double().softmax(dim=1).gather(1, predicted[:, None]).flatten()
    confusion = metrics.confusion_matrix(labels, predicted, num_classes)
    scores = metrics.class_scores(confusion)
    table = metrics.reliability(confidence, predicted == labels)
    num_right = int(confusion.trace())
    return Report(
        num_images=n,
        num_mistakes=n - num_right,
        loss=float(functional.cross_entropy(logits.double(), labels)),
        accuracy=num_right / n,
        accuracy_interval=metrics.wilson_interval(num_right, n),
        top_k=min(top_k, num_classes),
        top_k_accuracy=int(metrics.is_in_top_k(logits, labels, top_k).sum()) / n,
        macro_precision=metrics.macro_average(scores.precision, scores.support),
        macro_recall=metrics.macro_average(scores.recall, scores.support),
        macro_f1=metrics.macro_average(scores.f1, scores.support),
        calibration_error=metrics.expected_calibration_error(table),
        class_names=tuple(class_names),
        per_class=_class_rows(scores, class_names),
        confusion=tuple(map(tuple, confusion.tolist())),
        most_confused=tuple(
            Confusion(label=label, predicted=said, count=count)
            for label, said, count in metrics.most_confused(confusion, MOST_CONFUSED)
        ),
        bins=_bins(table),
        worst_mistakes=_worst_mistakes(confidence, predicted, labels, indices),
    )


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Every module in eval mode within the block, and as before after it, even where parts of a net were frozen."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _answers(model: nn.Module, batches: Batches) -> Iterator[tuple[Tensor, Batch]]:
    """Finite float32 logits beside the batch that they answer, on the model's device."""
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    for batch in batches.epoch(0):
        logits = model(batch.images.to(device)).float()
        _check_labels(batch, logits.shape[1])
        _check_finite(batch, logits)
        yield logits, batch


def _check_not_empty(n: int) -> None:
    if n == 0:
        raise DataError("There is nothing to evaluate: the data set has no images.")


def _check_labels(batch: Batch, num_classes: int) -> None:
    is_strange = (batch.labels < 0) | (batch.labels >= num_classes)
    if is_strange.any():
        place = int(is_strange.nonzero()[0])
        raise DataError(
            f"Image {int(batch.indices[place])} has label {int(batch.labels[place])}, but the model tells "
            f"{num_classes} classes apart (0 to {num_classes - 1}). {OTHER_CLASSES}"
        )


def _check_finite(batch: Batch, logits: Tensor) -> None:
    is_finite = logits.isfinite().all(dim=1)
    if not is_finite.all():
        place = int((~is_finite).nonzero()[0])
        raise DivergedError(
            f"The model's answer to image {int(batch.indices[place])} is not a finite number: its training diverged. "
            "Take an earlier checkpoint, or train again with a lower learning rate."
        )


def _class_rows(scores: metrics.ClassScores, class_names: Sequence[str]) -> tuple[ClassRow, ...]:
    columns = zip(class_names, *(column.tolist() for column in scores), strict=True)
    return tuple(
        ClassRow(name=name, precision=precision, recall=recall, f1=f1, support=support)
        for name, precision, recall, f1, support in columns
    )


def _bins(table: metrics.Reliability) -> tuple[Bin, ...]:
    num_bins = len(table.num_images)
    rows = zip(*(column.tolist() for column in table), strict=True)
    return tuple(
        Bin(
            low=place / num_bins,
            high=(place + 1) / num_bins,
            count=count,
            confidence=confidence if count else None,
            accuracy=accuracy if count else None,
        )
        for place, (count, confidence, accuracy) in enumerate(rows)
    )


def _worst_mistakes(confidence: Tensor, predicted: Tensor, labels: Tensor, indices: Tensor) -> tuple[Mistake, ...]:
    wrong = (predicted != labels).nonzero().flatten()
    surest = wrong[confidence[wrong].argsort(descending=True, stable=True)][:WORST_MISTAKES]
    columns = (column[surest].tolist() for column in (indices, labels, predicted, confidence))
    return tuple(
        Mistake(index=index, label=label, predicted=said, probability=probability)
        for index, label, said, probability in zip(*columns, strict=True)
    )
