"""Count every network of the catalogue anew, after a wanted change: python tools/count_catalogue.py"""

from __future__ import annotations

import json

from resnets.inspection.overview import overview
from resnets.models.catalogue.counts import COUNTS
from resnets.values import to_dict

if __name__ == "__main__":
    rows = {row.name: {key: value for key, value in to_dict(row).items() if key != "name"} for row in overview()}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    COUNTS.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
