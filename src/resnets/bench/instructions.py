"""A processor without AVX-512, for all libraries of this process: what does the work do on such a machine?"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType

from resnets.bench.rewritten_engines import copy_engines
from resnets.errors import ConfigError

ONLY_AVX2 = MappingProxyType(
    {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "RESNETS_NATIVE": "avx2",
    }
)
"""What PyTorch, its libraries and our kernels read when they are loaded, in child processes too."""
SOURCE = Path(__file__).with_name("without_avx512.c")
INSTEAD = "measure native-inference without --instructions avx2"


def only_avx2(*, everywhere: bool) -> None:
    """Limit what is loaded from now on: PyTorch and our kernels by what they read, and `everywhere` any library.

    Raises:
        ConfigError: if other libraries are to be limited, and the system cannot do it.
    """
    os.environ.update(ONLY_AVX2)
    if everywhere and "avx512f" in _flags():
        answering = _answering()
        if answering.hide_avx512():
            _load_copies(answering)


def _load_copies(answering: ctypes.CDLL) -> None:
    """Have the engines of others imported from copies that ask us, until this process ends."""
    if not shutil.which("objdump"):
        raise ConfigError(
            "This processor cannot hide AVX-512 from other engines, and without objdump their libraries cannot be "
            f"rewritten: install binutils, or {INSTEAD}."
        )
    number = answering.answer_ud2()
    if number:
        raise ConfigError(f"The system does not let AVX-512 be hidden ({os.strerror(number)}); {INSTEAD}.")
    folder = Path(tempfile.mkdtemp(prefix="resnets-engines-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy_engines(folder)
    sys.path.insert(0, str(folder))


def _answering() -> ctypes.CDLL:
    compiler = shutil.which("cc")
    if not compiler:
        raise ConfigError(
            f"Hiding AVX-512 from other engines needs a C compiler; there is no cc here. Install one, or {INSTEAD}."
        )
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "without_avx512.so"
        done = subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", str(SOURCE), "-o", str(library)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ConfigError(
                f"AVX-512 cannot be hidden from other engines, {SOURCE.name} is not compiled: {done.stderr}"
            )
        return ctypes.CDLL(str(library))


def _flags() -> list[str]:
    """Of the processor, as Linux calls them."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.split() for line in lines if line.startswith("flags")), [])
