"""The installation where there is no compiler: it succeeds, without the kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="no kernels are compiled on Windows")
def test_without_a_compiler_everything_but_the_kernels_is_built(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "setup.py",
        "-q",
        "build_ext",
        "--build-lib",
        str(tmp_path),
        "--build-temp",
        str(tmp_path),
    ]
    environment = os.environ | {"CC": "/nonexistent/cc", "CXX": "/nonexistent/c++"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'building extension "resnets.native.libresnets" failed' in done.stderr
    assert not list(tmp_path.rglob("*.so"))
