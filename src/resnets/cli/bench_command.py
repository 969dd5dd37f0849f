"""`resnets bench`: what is fast and how accurate it gets, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from resnets.bench.measure import Table

Name = Literal[
    "batches",
    "training",
    "native",
    "native-inference",
    "native-catalogue",
    "native-memory",
    "native-mnist",
    "native-photos",
    "layers",
    "photos",
    "start",
    "build",
    "mnist-fast",
    "mnist-good",
    "mnist-best",
    "all",
]


def bench_command(
    *names: Name,
    photos: Path | None = None,
    model: str = "resnet18",
    runs: Path = Path("runs"),
    record: Path | None = None,
    instructions: Literal["all", "avx2"] = "all",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Measure speed and accuracy on this machine.

    resnets bench training batches        quick ones
    resnets bench all --record docs       everything, more than an hour

    batches   images/s of the batch pipeline, beside a DataLoader
    training  images/s of training, beside the loop of a tutorial
    native    a training step on the native kernels, beside PyTorch's best
    native-catalogue, native-memory
              such a step of every network; memory of such a step
    native-mnist, native-photos
              accuracy and time of whole trainings with and without them
    layers    speed of each convolution of a network (--model), beside PyTorch
    native-inference
              answering times of the native engine, beside PyTorch's
    photos    images/s of reading and training on folders (needs --photos)
    start     seconds until a command answers
    build     milliseconds until a network is there
    mnist-fast, mnist-good, mnist-best
              accuracy and time of a preset, over seeds

    mnist-*, native-mnist and native-photos can be interrupted: the same command goes on where it was. Runs with
    the same settings, data and machine in the folder of --runs are taken as they are, or gone on with from their
    checkpoint, and the table says how many. To measure anew, give another --runs.

    Args:
        names: Which benchmarks.
        photos: Folder of photos in class folders, for the photos benchmarks.
        model: Network whose convolutions `layers` measures.
        runs: Where whole trainings have their run folders; those that are there are taken or gone on with.
        record: Folder in which benchmarks.json and benchmarks.md are brought up to date.
        instructions: What engines may use: `avx2` shows what they would do on a processor without AVX-512.
        json: Print the results as JSON.
    """
    import dataclasses

    from resnets.bench.instructions import only_avx2

    limited = "" if instructions == "all" else f" --instructions {instructions}"
    if limited:
        only_avx2(everywhere=not {"native-inference", "all"}.isdisjoint(names))

    from resnets.bench.record import markdown
    from resnets.cli.console import print_json, result_console

    wanted = _wanted(names or ("batches", "training", "start"), _benchmarks(photos, runs, model))
    tables = _measured(wanted, limited, record)
    if json:
        print_json({name: dataclasses.asdict(table) for name, table in tables.items()})
    else:
        result_console().print("\n".join(markdown(table) for table in tables.values()))


def _measured(wanted: dict[str, Callable[[], Table]], limited: str, record: Path | None) -> dict[str, Table]:
    """Each as it was found, recorded as soon as it is there."""
    import dataclasses

    from resnets.bench.record import facts, update
    from resnets.cli.console import message_console

    tables = {}
    for name, measure in wanted.items():
        message_console().print(f"measuring {name} ...")
        key = name + limited
        needs = " --photos FOLDER" if name.endswith("photos") else ""
        tables[key] = dataclasses.replace(measure(), facts=facts(key + needs))
        if record:
            update(record, {key: tables[key]})
    return tables


def _wanted(names: tuple[Name, ...], benchmarks: dict[str, Callable[[], Table]]) -> dict[str, Callable[[], Table]]:
    """Those of the names.

    Raises:
        ConfigError: if one of them needs photos and has none.
    """
    from resnets.errors import ConfigError

    if missing := set(names) - {"all", *benchmarks}:
        raise ConfigError(f"The benchmark {' and '.join(sorted(missing))} needs --photos FOLDER.")
    return {name: measure for name, measure in benchmarks.items() if name in names or "all" in names}


def _benchmarks(photos: Path | None, runs: Path, model: str) -> dict[str, Callable[[], Table]]:
    """Name -> what measures it; the photos only where there are some."""
    from resnets.bench.batch_speed import batch_speed
    from resnets.bench.build_time import build_time
    from resnets.bench.photo_speed import photo_speed
    from resnets.bench.preset_reach import SEEDS, preset_reach
    from resnets.bench.start_time import start_time
    from resnets.bench.training_speed import training_speed
    from resnets.cli.console import message_console
    from resnets.cli.display import PlainDisplay

    watch = PlainDisplay(message_console())
    return {
        "batches": batch_speed,
        "training": training_speed,
        **_native_benchmarks(photos, runs, model),
        "start": start_time,
        "build": build_time,
        **({} if photos is None else {"photos": partial(photo_speed, photos)}),
        **{f"mnist-{patience}": partial(preset_reach, patience, runs, watch) for patience in SEEDS},
    }


def _native_benchmarks(photos: Path | None, runs: Path, model: str) -> dict[str, Callable[[], Table]]:
    """Those of the native kernels."""
    from resnets.bench.catalogue_speed import catalogue_speed
    from resnets.bench.inference_speed import inference_speed
    from resnets.bench.layer_speed import layer_speed
    from resnets.bench.native_reach import native_reach, photo_reach
    from resnets.bench.native_speed import native_speed
    from resnets.bench.step_memory import step_memory
    from resnets.cli.console import message_console
    from resnets.cli.display import PlainDisplay

    reach = partial(native_reach, runs, PlainDisplay(message_console()))
    return {
        "native": native_speed,
        "native-catalogue": partial(catalogue_speed, message_console().print),
        "native-memory": step_memory,
        "native-mnist": reach,
        "layers": partial(layer_speed, model),
        "native-inference": inference_speed,
        **({} if photos is None else {"native-photos": partial(reach, photo_reach(photos))}),
    }
