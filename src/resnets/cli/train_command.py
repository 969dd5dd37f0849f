"""`resnets train`: from options to a run; every setting of a ResNet's spec and of the recipe is an option."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from resnets.cli.options import (
    AugmentationOptions,
    DataOptions,
    NetworkOptions,
    NormOptions,
    RecipeOptions,
    RunOptions,
    ViewOptions,
)
from resnets.cli.overrides import given
from resnets.errors import ConfigError
from resnets.presets import Patience
from resnets.runs.request import Request

if TYPE_CHECKING:
    from resnets.runs.train import RunResult
    from resnets.runs.watch import Watch


def train_command(  # noqa: PLR0913, D417 - most are groups of options that bring their own texts
    dataset: str | None = None,
    /,
    *,
    preset: Patience | None = None,
    model: str | None = None,
    pretrained: str | None = None,
    data: DataOptions = DataOptions(),  # noqa: B008 - frozen values
    options: RunOptions = RunOptions(),  # noqa: B008
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    norm: NormOptions = NormOptions(),  # noqa: B008
    recipe: RecipeOptions = RecipeOptions(),  # noqa: B008
    augmentation: AugmentationOptions = AugmentationOptions(),  # noqa: B008
    views: ViewOptions = ViewOptions(),  # noqa: B008
    runs: Path = Path("runs"),
    config: Path | None = None,
    resume: str | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train a network and write a run folder: model, metrics, pictures.

    resnets train                              MNIST, about a minute
    resnets train fashion-mnist --time 5m
    resnets train ./photos --size 64 --model resnet18
    resnets train --resume auto

    --help-all lists every setting of network, recipe and augmentation.

    Args:
        dataset: mnist, fashion-mnist, cifar10, cifar100, or a folder of photos. [default: mnist]
        preset: How much time for how much accuracy. [default: good]
        model: A name of `resnets models`; else the weights' or the preset's.
        pretrained: Weights to start from: a file, a folder, or owner/name on the Hub.
        runs: Where the numbered run folders are made.
        config: Repeat the run of this config.yaml; other options change it.
        resume: Go on with a run: its folder, or `auto` for the last one.
        quiet: Say nothing but the result.
        json: Print the result as JSON.
    """
    from resnets.cli.console import message_console, print_json
    from resnets.cli.display import display
    from resnets.cli.results import print_result

    words = {"dataset": dataset, "preset": preset, "model": model, "pretrained": pretrained}
    asked = Request(
        **{name: word for name, word in words.items() if word is not None},  # type: ignore[arg-type]
        **given(data),
        **given(options),
        network=given(network),
        norm=given(norm),
        recipe=given(recipe),
        augmentation=given(augmentation),
        views=given(views),
    )
    watch = display(message_console(), is_quiet=quiet)
    _check(dataset, config, resume)
    result = _resume(resume, runs, watch) if resume else _start(asked, config, runs, watch)
    print_json(result.to_dict()) if json else print_result(result)


def _check(dataset: str | None, config: Path | None, resume: str | None) -> None:
    if resume and config:
        raise ConfigError("--resume goes on with a run and --config starts a new one; give one of them.")
    if config and dataset:
        raise ConfigError("--config names its own data set; leave out the one on the command line.")


def _resume(name: str, runs: Path, watch: Watch) -> RunResult:
    from resnets.runs.folder import existing_run, newest_run
    from resnets.runs.train import resume

    return resume(newest_run(runs) if name == "auto" else existing_run(Path(name)), watch)


def _start(asked: Request, stored: Path | None, runs: Path, watch: Watch) -> RunResult:
    from resnets.runs.config import read_yaml
    from resnets.runs.folder import new_run
    from resnets.runs.plan import changed, plan
    from resnets.runs.train import run

    config, splits = (changed(read_yaml(stored), asked), None) if stored else plan(asked, watch)
    folder = new_run(runs, f"{Path(config.dataset).name}-{config.model}")
    watch.said(f"Run folder: {folder.path}")
    return run(config, folder, watch, splits)
