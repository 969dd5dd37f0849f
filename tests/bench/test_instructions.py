"""A process limited to AVX2: what its libraries are told, and what becomes of other faults."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resnets.bench import instructions, rewritten_engines
from resnets.errors import ConfigError

CANNOT = 77
LIMITED = f"""
import os, sys, threading
from resnets.bench.instructions import ONLY_AVX2, _answering, _flags, only_avx2
if "avx512f" in _flags() and _answering().hide_avx512():
    sys.exit({CANNOT})
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
        if done.returncode == CANNOT:
            pytest.skip("this processor cannot let CPUID fault")
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
    if done.returncode == CANNOT:
        pytest.skip("this processor cannot let CPUID fault")
    assert done.returncode == -signal.SIGSEGV


ASKS = """
#include <cpuid.h>
int knows_avx512(void) { unsigned a, b, c, d; __cpuid_count(7, 0, a, b, c, d); return b >> 16 & 1; }
double other(void) { static const char bytes[] = "\\x0f\\xa2"; return bytes[0] * 256. + (unsigned char)bytes[1]; }
"""


@pytest.mark.skipif(not shutil.which("objdump") or not shutil.which("cc"), reason="no objdump or no cc here")
@pytest.mark.skipif("avx512f" not in instructions._flags(), reason="no AVX-512 here")
def test_a_rewritten_library_asks_us_and_keeps_its_other_bytes(tmp_path: Path) -> None:
    (tmp_path / "asks.c").write_text(ASKS)
    subprocess.run(["cc", "-shared", "-fPIC", str(tmp_path / "asks.c"), "-o", str(tmp_path / "asks.so")], check=True)
    code = (
        "import ctypes, sys\n"
        "from pathlib import Path\n"
        "from resnets.bench.instructions import _answering\n"
        "from resnets.bench.rewritten_engines import rewrite\n"
        "library = Path(sys.argv[1])\n"
        "number = rewrite(library)\n"
        "assert _answering().answer_ud2() == 0\n"
        "asks = ctypes.CDLL(str(library))\n"
        "asks.other.restype = ctypes.c_double\n"
        "print(number, asks.knows_avx512(), asks.other())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "asks.so")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", "0", str(0x0F * 256.0 + 0xA2)], done.stderr


def test_only_engines_that_are_here_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "ncnn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "text.so").write_text("no library")
    (tmp_path / "site" / "ncnn.libs").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    monkeypatch.setattr(rewritten_engines, "PACKAGES", ("ncnn", "openvino"))
    rewritten_engines.copy_engines(tmp_path / "copies")
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == ["ncnn", "ncnn.libs"]
    assert (tmp_path / "copies" / "ncnn" / "text.so").read_text() == "no library"


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in instructions.ONLY_AVX2:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(instructions, "_flags", lambda: ["avx512f"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no cc here"):
        instructions.only_avx2(everywhere=True)
