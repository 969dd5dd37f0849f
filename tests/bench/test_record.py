"""What `resnets bench --record` keeps: figures in one file, a page made from them."""

from __future__ import annotations

import json
from pathlib import Path

from resnets.bench.measure import Table
from resnets.bench.record import update

DOCS = Path(__file__).parents[2] / "docs"


def table(title: str, *rows: tuple[str | int, ...]) -> Table:
    return Table(title, ("work", "images/s"), rows, ("Medians.",))


def test_a_table_that_is_measured_anew_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    update(tmp_path, {"a": table("First", ("x", 1234)), "b": table("Second", ("y", 2))})
    update(tmp_path, {"b": table("Second", ("y", 56789))})
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| x | 1,234 |" in page
    assert "| y | 56,789 |" in page
    assert "| y | 2 |" not in page


def test_the_page_of_the_project_shows_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "benchmarks.json").write_bytes((DOCS / "benchmarks.json").read_bytes())
    update(tmp_path, {})
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == (DOCS / "benchmarks.md").read_text(
        encoding="utf-8"
    )
    assert json.loads((tmp_path / "benchmarks.json").read_bytes()) == json.loads(
        (DOCS / "benchmarks.json").read_bytes()
    )
