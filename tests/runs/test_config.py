from __future__ import annotations

from pathlib import Path

import pytest

from resnets.errors import ConfigError
from resnets.recipe import Augmentation, Recipe
from resnets.runs.config import RunConfig, read_yaml, to_yaml
from resnets.spec import ResNetSpec


def test_a_config_survives_yaml(tmp_path: Path) -> None:
    config = RunConfig(
        dataset="./photos of Zürich",
        spec=ResNetSpec.cifar(32, shortcut="C"),
        recipe=Recipe(epochs=1.37, learning_rate=1e-3, augmentation=Augmentation(shift=2, flip=True)),
        max_bad=0.01,
        seed=7,
    )
    (tmp_path / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    assert read_yaml(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe:\n  epoch: 3\n", r"config.yaml: config.recipe has no setting 'epoch'. Did you mean 'epochs'\?"),
        ("spec:\n  width: wide\n", "config.spec.width must be a whole number, got 'wide'"),
        ("seed: -1\n", "seed must be from 0"),
        ("- a\n- b\n", "must be a table of names and values"),
        ("a: [\n", "not valid YAML"),
        ("spec:\n  num_blocks: 3\n", "must be a list"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_config_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_missing_or_binary_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "config.yaml")
