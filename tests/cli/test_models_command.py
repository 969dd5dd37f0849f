from __future__ import annotations

import json
import subprocess
import sys

from command import Command


def test_catalogue_has_every_family_with_exact_counts(command: Command) -> None:
    content = json.loads(command("models", "--json").out)
    counts = {row["name"]: row["parameters"] for row in content["models"]}
    assert counts["resnet50"] == 25_557_032
    assert counts["plain34"] == 21_623_848
    assert counts["resnet1202"] == 19_421_274
    assert "digits" in content["trained"]


def test_pattern_picks(command: Command) -> None:
    out = command("models", "plain5*").out
    assert "plain50" in out
    assert "resnet50" not in out


def test_nothing_found_is_an_error(command: Command) -> None:
    outcome = command("models", "resnet9*")
    assert outcome.code == 3
    assert "No network is called 'resnet9*'" in outcome.err


def test_listing_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from resnets.cli.models_command import models_command\n"
        "models_command('resnet*', json=True)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
