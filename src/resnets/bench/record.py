"""Benchmarks on paper: docs/benchmarks.json holds the figures, docs/benchmarks.md shows them."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

import resnets
from resnets.bench.measure import Table
from resnets.training.machine import describe

HEAD = """# Benchmarks

Every figure here was printed by the command above it, on the machine named below it. `make bench` measures all of them
anew. Absolute times belong to that machine; ratios carry further.
"""


def facts(name: str) -> dict[str, str | int]:
    """Which command, machine and versions a table belongs to."""
    machine = describe()
    return {
        "command": f"resnets bench {name}",
        "date": time.strftime("%Y-%m-%d"),
        "resnets": resnets.__version__,
        **{key: machine[key] for key in ("processor", "cores", "instruction_set", "torch", "python")},
    }


def update(folder: Path, tables: Mapping[str, Table]) -> None:
    """Replace the given tables in the folder's benchmarks.json, and write benchmarks.md from all."""
    path = folder / "benchmarks.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    stored |= {name: dataclasses.asdict(table) for name, table in tables.items()}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    texts = [markdown(Table(**stored[name])) for name in sorted(stored)]
    (folder / "benchmarks.md").write_text("\n".join([HEAD, *texts]), encoding="utf-8")


def markdown(table: Table) -> str:
    """A table with its notes and facts."""
    lines = [f"## {table.title}", ""]
    if table.facts:
        lines += ["```", str(table.facts["command"]), "```", ""]
    lines += [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows), ""]
    lines += [*table.notes, ""]
    if table.facts:
        told = [str(table.facts[key]) for key in ("date", "processor", "instruction_set")]
        versions = [f"{key} {table.facts[key]}" for key in ("torch", "python", "resnets")]
        lines += [f"Measured {', '.join(told)}; {table.facts['cores']} cores; {', '.join(versions)}.", ""]
    return "\n".join(lines)


def _line(cells: object) -> str:
    texts = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)  # type: ignore[attr-defined]
    return f"| {' | '.join(texts)} |"
