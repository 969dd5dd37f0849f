"""What is said about the library: which kernels are used, or why none are, in one sentence."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from resnets.models.build import build
from resnets.native import library
from resnets.native.accelerate import accelerate, is_accelerated
from resnets.native.library import SWITCH, active, required, status, variants
from resnets.spec import ResNetSpec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for another library, empty at first; nothing is switched."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(library, "FILE", tmp_path / "libresnets.so")
    library.opened.cache_clear()
    yield tmp_path
    library.opened.cache_clear()


def compiled(source: str, folder: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make another library with")
    (folder / "other.c").write_text(source)
    command = [compiler, "-shared", "-fPIC", str(folder / "other.c"), "-o", str(folder / "libresnets.so")]
    subprocess.run(command, check=True)


@pytest.mark.usefixtures("folder")
class TestWithoutLibrary:
    def test_that_it_was_not_built_is_said(self) -> None:
        assert status().variant is None
        assert "not built when resnets was installed" in status().reason
        assert variants() == []
        assert active() is None

    def test_a_file_that_is_no_library_is_named(self, folder: Path) -> None:
        (folder / "libresnets.so").write_text("no library")
        assert status().variant is None
        assert "libresnets.so cannot be loaded here" in status().reason
        assert variants() == []

    def test_a_library_of_something_else_is_named(self, folder: Path) -> None:
        compiled("int other(void) { return 0; }", folder)
        assert status().variant is None
        assert "libresnets.so cannot be loaded here" in status().reason

    def test_another_interface_is_refused_with_both_numbers(self, folder: Path) -> None:
        compiled("int resnets_interface(void) { return 999; }", folder)
        assert status().variant is None
        assert f"has interface 999, this resnets needs {library.INTERFACE}" in status().reason

    def test_a_library_for_another_processor_is_named_and_torch_is_used(self, folder: Path) -> None:
        built = Path(library.__file__).with_name("libresnets.so")
        if not built.exists():
            pytest.skip("no library was built that could be changed")
        header = bytearray(built.read_bytes())
        if header[:4] != b"\x7fELF":
            pytest.skip("only of ELF files it is known here where the kind of processor stands")
        header[18:20] = (8).to_bytes(2, "little")  # MIPS
        (folder / "libresnets.so").write_bytes(header)
        assert status().variant is None
        assert "libresnets.so cannot be loaded here" in status().reason
        assert "\n" not in status().reason
        model = accelerate(build(ResNetSpec.cifar(8, width=16), seed=0))
        assert not is_accelerated(model)
        assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 10)

    def test_what_needs_kernels_says_why_there_are_none(self) -> None:
        with pytest.raises(RuntimeError, match="needs the native kernels, but they were not built"):
            required()


@pytest.mark.usefixtures("native_kernels")
class TestSwitch:
    def test_zero_switches_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SWITCH, "0")
        assert status() == library.Status(None, "switched off by RESNETS_NATIVE=0")
        assert active() is None

    def test_a_variant_is_taken_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SWITCH, "scalar")
        assert status() == library.Status("scalar", "asked for by RESNETS_NATIVE")
        assert active() is library.kernels("scalar")

    @pytest.mark.parametrize("name", ["nonsense", "scalar64"])
    def test_an_unknown_name_is_answered_with_those_there_are(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SWITCH, name)
        assert status().variant is None
        assert f"RESNETS_NATIVE={name} names none of" in status().reason
        assert "scalar" in status().reason

    @pytest.mark.parametrize("value", [None, ""])
    def test_without_it_the_fastest_is_taken(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(SWITCH) if value is None else monkeypatch.setenv(SWITCH, value)
        if variants()[0] == "scalar":
            assert status().variant is None
            assert "this processor has none of" in status().reason
        else:
            assert status().variant == variants()[0]

    def test_without_vector_instructions_pytorch_computes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(SWITCH)
        monkeypatch.setattr(library, "variants", lambda: ["scalar", "scalar64"])
        assert status() == library.Status(None, "this processor has none of AVX-512, AVX2 and NEON")
        assert active() is None

    def test_every_processor_has_the_scalar_variants(self) -> None:
        assert variants()[-2:] == ["scalar", "scalar64"]
