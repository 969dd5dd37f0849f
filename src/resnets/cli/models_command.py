"""`resnets models`: the catalogue with what each network costs."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from resnets.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from resnets.models.catalogue.counts import Overview


def models_command(
    pattern: str = "*",
    /,
    *,
    out: Literal["table", "json", "csv"] = "table",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """The catalogue of networks, with parameters and multiply-adds.

    resnets models
    resnets models 'plain*'

    The packaged trained models are listed too. Any other depth of the CIFAR
    family is there as cifar_resnet<6n+2> and cifar_plain<6n+2>.

    Args:
        pattern: Only names like this, with * for anything.
        out: How the catalogue is written.
        json: The same as --out json.
    """
    from fnmatch import fnmatchcase

    from resnets.cli.console import print_json
    from resnets.models.catalogue import names, spec_of
    from resnets.models.catalogue.counts import counted
    from resnets.packaged import packaged_names

    counts = counted()
    chosen = [name for name in names() if fnmatchcase(name, pattern)]
    if not chosen:
        raise ConfigError(
            f"No network is called '{pattern}'.{suggestion(pattern, names())} `resnets models` lists them."
        )
    rows = [_row(counts[name], spec_of(name).family) for name in chosen]
    if json or out == "json":
        print_json({"schema": 1, "models": rows, "trained": packaged_names()})
    elif out == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(rows, packaged_names())


def _row(row: Overview, family: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "depth": row.depth,
        "family": family,
        "input": "x".join(map(str, row.input_shape)),
        "parameters": row.parameters,
        "macs": row.macs,
    }


def _print_table(rows: list[dict[str, Any]], trained: list[str]) -> None:
    from rich.table import Table

    from resnets.cli.console import result_console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in rows[0]:
        table.add_column(
            "MACs" if title == "macs" else title,
            justify="right" if title in ("depth", "parameters", "macs") else "left",
        )
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in row.values()))
    console = result_console()
    console.print(table)
    console.print(f"Trained and packaged: {', '.join(trained) or 'none'}.")
