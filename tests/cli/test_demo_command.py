from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from command import Command

from resnets.presets import PRESETS


@pytest.mark.slow
def test_the_tour_trains_measures_reads_and_says_what_to_try_next(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = PRESETS["digits"]["fast"]
    shorter = dataclasses.replace(fast, recipe=dataclasses.replace(fast.recipe, epochs=0.2))
    monkeypatch.setitem(PRESETS["digits"], "fast", shorter)
    outcome = command("demo", "--preset", "fast", "--runs", tmp_path)
    assert outcome.code == 0, outcome.err
    for word in ("Train a residual network", "Test accuracy", "Let it read some", "right", "resnets predict", "plots"):
        assert word in outcome.out, word
    (run,) = tmp_path.iterdir()
    assert len(list((run / "examples").iterdir())) == 6
    assert (run / "plots" / "mistakes.png").exists()
