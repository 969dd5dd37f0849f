from __future__ import annotations

from pathlib import Path

import pytest
from command import TINY, Command

from data_files import write_idx_set


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


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 540 noisy images to train on and 50 to test with."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    write_idx_set(folder, train=600, test=50, height=16, width=16)
    return folder
