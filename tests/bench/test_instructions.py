"""A process limited to AVX2: what its libraries are told, and what becomes of other faults."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resnets.bench import instructions
from resnets.errors import ConfigError

LIMITED = """
import os, threading
from resnets.bench.instructions import ONLY_AVX2, only_avx2
only_avx2(everywhere=True)
for name in ONLY_AVX2:
    del os.environ[name]
"""
"""Without what PyTorch and the kernels read, so that only the processor's answers are left."""
LinesOf = Callable[[str], list[str]]


@pytest.fixture
def printed() -> LinesOf:
    """The lines that a limited process prints."""

    def run(code: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", LIMITED + code], capture_output=True, text=True, check=False)
        if "ConfigError" in done.stderr:
            pytest.skip(done.stderr.splitlines()[-1])
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_pytorch_and_the_kernels_ask_the_processor_and_find_no_avx512(printed: LinesOf) -> None:
    lines = printed(
        "import torch\n"
        "from resnets.native import library\n"
        "print(torch.backends.cpu.get_cpu_capability())\n"
        "print(library.status().variant)\n"
    )
    assert "512" not in "".join(lines)


def test_threads_are_told_the_same(printed: LinesOf) -> None:
    code = (
        "def ask():\n"
        "    import torch\n"
        "    print(torch.cpu._is_avx512_supported())\n"
        "thread = threading.Thread(target=ask)\n"
        "thread.start(), thread.join()\n"
    )
    assert printed(code) == ["False"]


def test_another_fault_ends_the_process_as_ever() -> None:
    code = LIMITED + "import ctypes\nctypes.string_at(8)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "ConfigError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == -signal.SIGSEGV


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in instructions.ONLY_AVX2:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(instructions, "_flags", lambda: ["avx512f"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no cc here"):
        instructions.only_avx2(everywhere=True)
