"""Rewrite complexity.json, the counts of every network of the catalogue: python tests/golden/rewrite.py"""

from __future__ import annotations

import json
from pathlib import Path

from resnets.inspection.overview import overview
from resnets.values import to_dict

GOLDEN = Path(__file__).with_name("complexity.json")

if __name__ == "__main__":
    rows = {row.name: {key: value for key, value in to_dict(row).items() if key != "name"} for row in overview()}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    GOLDEN.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
