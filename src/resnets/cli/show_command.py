"""`resnets show`: the structure of a network, a row a block."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from resnets.cli.options import NetworkOptions
from resnets.cli.overrides import given, size

if TYPE_CHECKING:
    from resnets.inspection.structure import Row
    from resnets.spec import Spec

COLUMNS = ("label", "kind", "shortcut", "input", "output", "stride", "parameters", "macs")


def show_command(  # noqa: D417 - the network options bring their own texts
    model: str,
    /,
    *,
    input: Annotated[tuple[int, ...] | None, Parameter(converter=size, n_tokens=1)] = None,  # noqa: A002 - the option's name
    network: NetworkOptions = NetworkOptions(),  # noqa: B008 - a frozen value
    num_classes: int | None = None,
    out: Literal["table", "json", "csv"] = "table",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """The structure of a network, block by block.

    resnets show resnet50
    resnets show resnet20 --shortcut B --input 1x28x28
    resnets show digits                              a trained model

    One multiply-add (MAC) is two FLOPs. Convolutions and linear layers are
    counted; biases, norms, activations, pooling and additions are not.

    Args:
        model: A name of `resnets models`, a model folder, or a run folder.
        input: Channels x height x width of the image; the network's usual one if not said.
        num_classes: Classes to tell apart.
        out: How the structure is written.
        json: The same as --out json.
    """
    from resnets.cli.console import print_json
    from resnets.inspection.structure import structure, total
    from resnets.spec import replace

    changes = given(network) | ({} if num_classes is None else {"num_classes": num_classes})
    spec = replace(spec_named(model), **changes)
    if input and "in_channels" not in changes:
        spec = replace(spec, in_channels=input[0])
    rows = structure(spec, input or spec.usual_input)
    sums = total(rows)
    if json or out == "json":
        print_json({"schema": 1, "model": model, "rows": [_cells(row) for row in rows], "total": _cells(sums)})
    elif out == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            _cells(row) | {"input": _shape(row.input_shape), "output": _shape(row.output_shape)} for row in rows
        )
    else:
        _print_table(model, spec, rows, sums)


def spec_named(name: str) -> Spec:
    """Of a network of the catalogue, or of a trained model."""
    from pathlib import Path

    from resnets.artifact import load_artifact
    from resnets.models.catalogue import names, spec_of
    from resnets.packaged import packaged_names

    is_trained = name not in names() and (Path(name).exists() or name in packaged_names())
    return load_artifact(name).spec if is_trained else spec_of(name)


def _cells(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "kind": row.kind,
        "shortcut": row.shortcut,
        "input": list(row.input_shape),
        "output": list(row.output_shape),
        "stride": row.stride,
        "parameters": row.parameters,
        "macs": row.macs,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _print_table(name: str, spec: Spec, rows: list[Row], sums: Row) -> None:
    from rich.table import Table

    from resnets.cli.console import result_console
    from resnets.inspection.complexity import auxiliary_parameters

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("block", "kind", "shortcut", "input", "output"):
        table.add_column(title)
    for title in ("stride", "parameters", "MACs"):
        table.add_column(title, justify="right")
    for row in rows:
        shapes = (_shape(row.input_shape), _shape(row.output_shape))
        table.add_row(
            row.label, row.kind, row.shortcut, *shapes, str(row.stride), f"{row.parameters:,}", f"{row.macs:,}"
        )
    console = result_console()
    console.print(f"{name}: {spec.depth} weight layers, {spec.summary}")
    console.print(table)
    console.print(
        f"total: {sums.parameters:,} parameters, {sums.macs:,} MACs ({_scaled(sums.macs)}; 1 MAC = 2 FLOPs) "
        f"for an input of {_shape(rows[0].input_shape)}"
    )
    if extra := auxiliary_parameters(spec):
        console.print(f"in training also: {extra:,} parameters of auxiliary heads, which evaluation leaves out")


def _scaled(count: int) -> str:
    """1,814,073,344 as `1.814 G`; small nets in millions."""
    return f"{count / 1e9:.3f} G" if count >= 1e9 else f"{count / 1e6:.3f} M"
