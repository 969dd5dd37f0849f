from __future__ import annotations

from pathlib import Path

import pytest
from command import TINY, Command


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a tiny digit model."""
    from resnets.cli.app import main

    runs = tmp_path_factory.mktemp("runs")
    with pytest.raises(SystemExit):
        main(["train", "mnist", *TINY, "--epochs", "0.2", "--learning-rate", "0.4", "--quiet", "--runs", str(runs)])
    (run,) = runs.iterdir()
    return run
