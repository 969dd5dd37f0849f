"""One training from its config to its folder: data, network, loop, best model, report."""

from __future__ import annotations

import dataclasses
import json
import shlex
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

import resnets
from resnets import values
from resnets.artifact import Artifact, save_artifact
from resnets.data.batches import Batches
from resnets.data.imageset import ImageSet, Splits
from resnets.data.sources import SourceOptions, load
from resnets.errors import DataError, ModelFileError, ResourceError, StoppedError, TerminatedError
from resnets.evaluation.evaluate import evaluate, score
from resnets.evaluation.report import Report
from resnets.inference.averaging import averaged
from resnets.models.build import build
from resnets.models.weights.load import load_weights
from resnets.runs.config import RunConfig, read_yaml, to_yaml
from resnets.runs.folder import RunFolder
from resnets.runs.pictures import draw_run
from resnets.runs.watch import Logged, Silent, Watch
from resnets.training.checkpoint import Checkpoints, Found
from resnets.training.fit import EpochDone, train
from resnets.training.interruption import Interruption
from resnets.training.machine import describe
from resnets.training.state import TrainingState

EVALUATION_BATCH = 500
"""Images at a time in evaluation; memory, not results, depends on it."""


@dataclass(frozen=True)
class RunResult:
    """What came out of a training."""

    folder: str
    steps: int
    train_seconds: float
    """Steps, validations and checkpoints, without reading data, testing and drawing.

    Where the run was resumed, also those before, up to each checkpoint that it went on from.
    """
    best_epoch: int
    validation_accuracy: float
    report: Report
    """On the test set, or on the validation part where the source has no test set."""
    one_view_accuracy: float
    """As in `report`, but from each image as it is."""
    num_views: int
    """Views of an image that an answer in `report` is the mean of."""
    tested_on: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self) | {"report": self.report.to_dict()}


@dataclass(frozen=True)
class _Job:
    """The parts of a run that do not change while it goes on."""

    config: RunConfig
    folder: RunFolder
    splits: Splits
    watch: Watch
    checkpoints: Checkpoints
    facts: dict[str, Any]
    """Counts and hashes of the data."""


def run(config: RunConfig, folder: RunFolder, watch: Watch | None = None, splits: Splits | None = None) -> RunResult:
    """Train as the config says, in a new folder; `splits` are the config's data, if they have been read already.

    Raises:
        DataError, DivergedError, ResourceError: as the parts do.
        StoppedError: after Ctrl-C or SIGTERM, when the state is saved.
    """
    watch = Logged(folder, watch or Silent())
    folder.lock()
    try:
        config.machine.apply()
        splits = splits or load_splits(config, watch)
        splits = normalised_as_before(config, splits)
        folder.write("config.yaml", to_yaml(config))
        folder.write("env.json", describe())
        folder.write("command.txt", shlex.join(["resnets", *sys.argv[1:]]) + "\n")
        job = _new_job(config, folder, splits, watch)
        folder.write("data.json", job.facts)
        return _finish(job, *_advance(job, _new_state(job, config.pretrained)))
    finally:
        watch.ended()
        folder.unlock()


def resume(folder: RunFolder, watch: Watch | None = None, splits: Splits | None = None) -> RunResult:
    """Go on from the newest whole checkpoint of a run, as if it had never stopped; `splits` as in `run`.

    Raises:
        ModelFileError: if there is no whole checkpoint.
        DataError: if the data are no longer the same.
        ConfigError, DivergedError, ResourceError, StoppedError: as `run`.
    """
    watch = Logged(folder, watch or Silent())
    folder.lock()
    try:
        config = read_yaml(folder.config)
        config.machine.apply()
        splits = normalised_as_before(config, splits or load_splits(config, watch))
        job = _new_job(config, folder, splits, watch)
        _check_same_data(job)
        state = _new_state(job)
        found = job.checkpoints.newest()
        extra = state.restore(found.files)
        folder.truncate_metrics(int(extra["metrics_bytes"]))
        skipped = f"; skipped as damaged: {', '.join(found.damaged)}" if found.damaged else ""
        watch.said(f"Resuming {folder.path} at step {state.step} of {state.total_steps}{skipped}.")
        _tell_changes(extra["machine"], watch)
        return _finish(job, *_advance(job, state, _seconds_before(job, found, extra)))
    finally:
        watch.ended()
        folder.unlock()


def load_splits(config: RunConfig, watch: Watch) -> Splits:
    """The data of a config, read and checked."""
    options = SourceOptions(
        data=config.data, size=config.size, resize=config.resize, max_bad=config.max_bad, seed=config.seed
    )
    splits = load(config.dataset, options, progress=watch.reading)
    for notice in splits.notices:
        watch.said(notice)
    return splits


def normalised_as_before(config: RunConfig, splits: Splits) -> Splits:
    """With the mean and standard deviation that pretrained weights know, if there are any."""
    if config.mean is None or config.std is None:
        return splits
    changed = dataclasses.replace(splits.train.preprocessing, mean=config.mean, std=config.std)
    return splits.each(lambda part: dataclasses.replace(part, preprocessing=changed))


def evaluation_batches(images: ImageSet) -> Batches:
    """Each image once, in order, as it is."""
    return Batches(images, batch_size=EVALUATION_BATCH, seed=0, training=False)


def training_batches(config: RunConfig, images: ImageSet) -> Batches:
    """The training part in the recipe's batches."""
    return Batches(
        images,
        batch_size=config.recipe.batch_size,
        seed=config.seed,
        augmentation=config.recipe.augmentation,
        prune=config.recipe.prune,
        training=True,
    )


def data_facts(splits: Splits) -> dict[str, Any]:
    """Counts and hashes of each part: what data.json holds."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {
        name: {
            "images": len(part),
            "sha256": part.fingerprint(),
            "per_class": dict(
                zip(part.class_names, part.labels.bincount(minlength=len(part.class_names)).tolist(), strict=True)
            ),
        }
        for name, part in parts.items()
        if part
    }


def _new_job(config: RunConfig, folder: RunFolder, splits: Splits, watch: Watch) -> _Job:
    return _Job(config, folder, splits, watch, Checkpoints(folder.checkpoints, folder.disk), data_facts(splits))


def _new_state(job: _Job, pretrained: str | None = None) -> TrainingState:
    torch.manual_seed(job.config.seed)
    model = build(job.config.spec, seed=job.config.seed)
    if pretrained is not None:
        job.watch.said(str(load_weights(model, pretrained, replace_head=True)))
    return TrainingState(
        job.config.machine.place(model), job.config.recipe, len(training_batches(job.config, job.splits.train))
    )


def _advance(job: _Job, state: TrainingState, seconds_before: float = 0.0) -> tuple[TrainingState, float]:
    """Take the steps that are left, saving at the end of each epoch and on a signal; returns the seconds of all."""
    batches = training_batches(job.config, job.splits.train)
    validation = evaluation_batches(job.splits.validation)
    with Interruption() as interruption:
        job.watch.started(state, len(job.splits.train))
        start = time.perf_counter() - seconds_before
        for step in train(state, job.config.machine.place_batches(batches), lambda model: score(model, validation)):
            job.watch.stepped(step)
            if step.epoch_done:
                _record(job, step.epoch_done)
                if step.epoch_done.is_best:
                    save_artifact(_artifact(job, state), job.folder.model, job.folder.disk)
            if step.epoch_done or interruption.signal:
                _save(job, state, time.perf_counter() - start)
            if interruption.signal and not state.is_done:
                raise _interrupted(job, state, interruption.signal)
        return state, time.perf_counter() - start


def _record(job: _Job, epoch: EpochDone) -> None:
    """Metrics are for looking at: that they cannot be written does not stop a training."""
    try:
        job.folder.disk.append(job.folder.metrics, (json.dumps(asdict(epoch)) + "\n").encode())
    except OSError as error:
        job.watch.said(f"Epoch {epoch.epoch} could not be written to {job.folder.metrics}: {error.strerror}.")


def _save(job: _Job, state: TrainingState, seconds: float) -> None:
    size = job.folder.metrics.stat().st_size if job.folder.metrics.exists() else 0
    extra = {"metrics_bytes": size, "train_seconds": seconds, "machine": describe()}
    try:
        job.checkpoints.save(state.step, state.files(extra))
    except ResourceError as error:
        try:
            safe = f"Checkpoint {job.checkpoints.newest().folder.name} is safe."
        except ModelFileError:
            safe = "No checkpoint was saved before."
        raise ResourceError(f"{error} {safe}") from error


def _interrupted(job: _Job, state: TrainingState, number: signal.Signals) -> StoppedError:
    kind = TerminatedError if number == signal.SIGTERM else StoppedError
    return kind(
        f"Stopped at step {state.step} of {state.total_steps}; everything is saved. "
        f"Go on with: resnets train --resume {shlex.quote(str(job.folder.path))}"
    )


def _finish(job: _Job, state: TrainingState, seconds: float) -> RunResult:
    """Test the best model once, write the final model folder, the pictures and the result."""
    best = _artifact(job, state)
    model = job.config.machine.place(best.model())
    images, part = (job.splits.test, "test") if job.splits.test else (job.splits.validation, "validation")
    batches = evaluation_batches(images)
    report = evaluate(averaged(model, best.views), batches, best.class_names)
    one_view = report.accuracy if best.views.count == 1 else score(model, batches)[1]
    measured = {
        **best.measured,
        f"{part}_accuracy": report.accuracy,
        **({f"{part}_accuracy_from_one_view": one_view} if best.views.count > 1 else {}),
        f"{part}_images": report.num_images,
        f"{part}_interval": list(report.accuracy_interval),
        f"{part}_calibration_error": report.calibration_error,
    }
    save_artifact(_artifact(job, state, measured), job.folder.model, job.folder.disk)
    kept = state.best.epoch, state.best.accuracy
    result = RunResult(str(job.folder.path), state.step, seconds, *kept, report, one_view, best.views.count, part)
    job.folder.write("result.json", result.to_dict())
    draw_run(job.folder, job.config.recipe, state.total_steps, images, report)
    return result


def _artifact(job: _Job, state: TrainingState, measured: dict[str, Any] | None = None) -> Artifact:
    config = job.config
    validated = {
        "validation_accuracy": state.best.accuracy,
        "validation_images": len(job.splits.validation),
        "best_epoch": state.best.epoch,
    }
    made = {
        "dataset": job.splits.train.name,
        "source": config.dataset,
        "data": config.data,
        "train_images": len(job.splits.train),
        "train_sha256": job.facts["train"]["sha256"],
        "seed": config.seed,
        "command": shlex.join(["resnets", *sys.argv[1:]]),
        "resnets": resnets.__version__,
        **describe(),
        "recipe": values.to_dict(config.recipe),
    }
    return Artifact(
        spec=config.spec,
        weights=state.best.weights,
        class_names=job.splits.train.class_names,
        preprocessing=job.splits.train.preprocessing,
        architecture=config.model,
        views=config.views,
        made=made,
        measured=measured or validated,
    )


def _seconds_before(job: _Job, found: Found, extra: dict[str, Any]) -> float:
    """Of training up to a checkpoint. One that an earlier version wrote does not tell: the time since the run began."""
    since_begun = found.folder.stat().st_mtime - job.folder.config.stat().st_mtime
    return float(extra.get("train_seconds", max(0.0, since_begun)))


def _check_same_data(job: _Job) -> None:
    path = job.folder.path / "data.json"
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["train"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is missing or damaged; the run cannot be resumed.") from error
    if before != job.facts["train"]["sha256"]:
        raise DataError(f"The training data are not those that {job.folder.path} was started with; start a new run.")


def _tell_changes(before: dict[str, Any], watch: Watch) -> None:
    changed = [f"{name} {before.get(name)} -> {now}" for name, now in describe().items() if before.get(name) != now]
    if changed:
        watch.said(
            f"Not the machine settings of before, so results may differ in the last digits: {', '.join(changed)}."
        )
