from __future__ import annotations

from pathlib import Path

import pytest
from command import Command


@pytest.mark.slow
def test_the_tour_trains_measures_reads_and_says_what_to_try_next(command: Command, tmp_path: Path) -> None:
    outcome = command("demo", "--preset", "fast", "--runs", tmp_path)
    assert outcome.code == 0, outcome.err
    for word in ("Train a residual network", "Test accuracy", "Let it read some", "right", "resnets predict", "plots"):
        assert word in outcome.out, word
    (run,) = tmp_path.iterdir()
    assert len(list((run / "examples").iterdir())) == 6
    assert (run / "plots" / "mistakes.png").exists()
