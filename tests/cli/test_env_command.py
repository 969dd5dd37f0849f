from __future__ import annotations

import json

import pytest
from command import Command

from resnets.native.library import SWITCH, active, variants


def test_says_what_makes_results_differ_and_which_kernels_run(command: Command) -> None:
    found = json.loads(command("env", "--json").out)
    assert {"resnets", "torch", "processor", "cores", "native_kernels", "native_reason"} <= found.keys()
    assert found["native_variants"] == variants()


def test_a_model_shows_where_each_convolution_runs(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["name"]: row for row in json.loads(command("env", "--model", "resnet18", "--json").out)["convolutions"]}
    assert len(rows) == 20
    assert rows["stem.conv"]["kernels"] == "PyTorch"
    expected = ("native", "whichever is faster") if active() else ("PyTorch", "PyTorch")
    found = rows["stages.S1.U1.residual.conv1"]
    assert (found["kernels"], found["inference"]) == expected
    assert rows["stem.conv"]["inference"] == expected[1]
    content = json.loads(command("env", "--model", "resnext50_32x4d", "--json").out)["convolutions"]
    grouped = next(row for row in content if "groups" in row["reason"])
    assert grouped["inference"] == "PyTorch"
    content = json.loads(command("env", "--model", "shake_shake26_2x32d", "--json").out)["convolutions"]
    if active():
        assert any(row["reason"] == "its layer calls it by itself" for row in content)
    monkeypatch.setenv(SWITCH, "0")
    text = command("env", "--model", "resnet18").out
    assert "switched off by RESNETS_NATIVE=0" in text
    assert "native kernels)" in text
