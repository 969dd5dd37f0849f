"""`resnets compare`: networks side by side."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from resnets.cli.overrides import size
from resnets.errors import ConfigError
from resnets.values import check_range

if TYPE_CHECKING:
    from resnets.inspection.comparison import Compared

GIB = 2**30
MOST_IMAGES = 65_536
COLUMNS = {
    "name": "name",
    "depth": "depth",
    "input": "input",
    "parameters": "M param.",
    "macs": "G MACs",
    "flops": "G FLOPs",
    "activations": "M act.",
    "receptive_field": "sees",
    "training_bytes": "GiB train",
    "inference_bytes": "GiB infer",
    "latency_seconds": "ms",
}
"""Column of the CSV -> title of the table."""


def compare_command(
    *models: str,
    batch: int = 32,
    optimizer: Literal["sgd", "adamw"] = "sgd",
    input: Annotated[tuple[int, ...] | None, Parameter(converter=size, n_tokens=1)] = None,  # noqa: A002 - the option's name
    time: Annotated[bool, Parameter(negative="")] = False,
    picture: Path | None = None,
    theme: Literal["light", "dark"] = "light",
    out: Literal["table", "json", "csv"] = "table",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Networks side by side: cost, receptive field, memory, time.

    resnets compare plain34 resnet34 vgg19 resnet152
    resnets compare resnet20 resnet56 --batch 128 --picture cost.png

    Parameters, multiply-adds, activations, receptive field and memory are
    counted without running the network. `sees` is the height and width in
    pixels that one number before the head depends on. `train` is weights,
    gradients, optimiser state and what the forward pass keeps for the
    backward pass; `infer` weights and the most that lives at once.

    Args:
        models: Names of `resnets models`, model folders, or run folders.
        batch: Images at once, for the memory.
        optimizer: Whose state counts among the memory to train.
        input: Channels x height x width of the image; each network's usual one if not said.
        time: Also measure how long one image takes on this machine.
        picture: Draw multiply-adds against depth into this PNG or SVG; the other is written beside it.
        theme: Background of the picture.
        out: How the comparison is written.
        json: The same as --out json.
    """
    from resnets.cli.console import print_json
    from resnets.training.machine import Machine, physical_cores

    if not models:
        raise ConfigError("Name the networks to compare, e.g. `resnets compare plain34 resnet34`.")
    check_range("--batch", batch, 1, MOST_IMAGES)
    if picture and picture.suffix not in (".png", ".svg"):
        raise ConfigError(f"--picture must end in .png or .svg, got '{picture}'.")
    if time:
        Machine(threads=physical_cores()).apply()
    rows = [_compared(name, input, batch, optimizer, timed=time) for name in dict.fromkeys(models)]
    if json or out == "json":
        print_json({"schema": 1, "models": [row.to_dict() for row in rows]})
    elif out == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_cells(row) for row in rows)
    else:
        _print_table(rows, optimizer)
    if picture:
        _draw(rows, picture, theme)


def _compared(
    name: str, shape: tuple[int, ...] | None, batch: int, optimizer: Literal["sgd", "adamw"], *, timed: bool
) -> Compared:
    from resnets.cli.show_command import spec_named
    from resnets.inspection.comparison import compared
    from resnets.spec import replace

    spec = spec_named(name)
    if shape:
        spec = replace(spec, in_channels=shape[0])
    try:
        return compared(name, spec, shape or spec.usual_input, batch_size=batch, optimizer=optimizer, timed=timed)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def _cells(row: Compared) -> dict[str, Any]:
    return {
        "name": row.name,
        "depth": row.depth,
        "input": "x".join(map(str, row.input_shape)),
        "parameters": row.parameters,
        "macs": row.macs,
        "flops": row.flops,
        "activations": row.activations,
        "receptive_field": row.receptive_field,
        "training_bytes": row.memory.training,
        "inference_bytes": row.memory.inference,
        "latency_seconds": row.latency and row.latency.median,
    }


def _print_table(rows: list[Compared], optimizer: str) -> None:
    from rich.table import Table

    from resnets.cli.console import result_console

    titles = list(COLUMNS.values())[: 11 if rows[0].latency else 10]
    table = Table(box=None, pad_edge=False, header_style="bold")
    texts = [titles, *(_texts(row) for row in rows)]
    for place, title in enumerate(titles):
        width = 0 if place == 0 else max(len(row[place]) for row in texts)  # the name gives way where there is no room
        table.add_column(title, justify="left" if place in (0, 2) else "right", no_wrap=True, min_width=width)
    for row in texts[1:]:
        table.add_row(*row)
    console = result_console()
    console.print(table)
    console.print(
        "MACs are multiply-adds of convolutions and linear layers for one image; 1 MAC = 2 FLOPs, and the papers' "
        f'"FLOPs" are MACs. Memory at {rows[0].memory.batch_size} images, trained with {optimizer}, in 32 bits.'
    )
    if latency := rows[0].latency:
        console.print(f"Time of one image: median of {latency.rounds} passes on {latency.threads} threads.")


def _texts(row: Compared) -> list[str]:
    return [
        row.name,
        str(row.depth),
        "x".join(map(str, row.input_shape)),
        f"{row.parameters / 1e6:,.2f}",
        f"{row.macs / 1e9:,.3f}",
        f"{row.flops / 1e9:,.3f}",
        f"{row.activations / 1e6:,.2f}",
        "all" if row.receptive_field is None else str(row.receptive_field),
        f"{row.memory.training / GIB:,.3f}",
        f"{row.memory.inference / GIB:,.3f}",
        *([f"{1e3 * row.latency.median:,.1f}"] if row.latency else []),
    ]


def _draw(rows: list[Compared], path: Path, theme: Literal["light", "dark"]) -> None:
    from resnets.cli.console import message_console
    from resnets.evaluation.pictures.cost import Cost, draw_cost

    draw_cost([Cost(row.name, row.depth, row.macs, row.parameters) for row in rows], path.with_suffix(""), theme)
    names = " and ".join(str(path.with_suffix(ending)) for ending in (".png", ".svg"))
    message_console().print(f"Drawn into {names}.", markup=False)
