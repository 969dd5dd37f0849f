"""Build the native kernels in another way and run each, on random shapes, against the plain loops of native/tests.

    python tools/native_check.py addresses    what is read or written beside a tensor, or is not defined in C++
    python tools/native_check.py threads      two threads that touch the same memory
    python tools/native_check.py neon         the kernels of ARM's processors, emulated if this is none

Memory starts as NaN, so that what was never written is seen in the answer. The second way needs Clang and its own
OpenMP library with the Archer tool, which tells the sanitizer where threads wait for each other; GCC's library does
not, so that every wait would look like a mistake. The third needs a cross-compiler and QEMU.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

building: Any = importlib.import_module("setup")
"""What is compiled for an installation, and how."""

ROUNDS = 40
CLANG = ["clang++", *(f"clang++-{version}" for version in range(22, 13, -1))]


def build(compiler: str, machine: str, options: list[str]) -> Path:
    """The program that checks all variants of a kind of processor."""
    folder = ROOT / "build" / "check" / "-".join([Path(compiler).name, *options]).replace("=", "-")
    folder.mkdir(parents=True, exist_ok=True)
    sources = building.objects(machine) | {"check": (building.NATIVE / "tests" / "check.cpp", [])}
    common = [compiler, *building.FLAGS, "-O1", "-g", *options]

    def compiled(name: str) -> str:
        source, own = sources[name]
        target = str(folder / f"{name}.o")
        subprocess.run([*common, *own, "-c", str(ROOT / source), "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(compiled, sources))
    program = folder / "check"
    subprocess.run([*common, *made, "-o", str(program)], check=True)
    return program


def run(command: list[str], machine: str, environment: dict[str, str]) -> bool:
    """Whether every variant passes."""
    environment = os.environ | {"OMP_NUM_THREADS": "2"} | environment
    commands = [[*command, name, str(ROUNDS)] for name in building.variants(machine)]
    codes = [subprocess.run(one, env=environment, check=False).returncode for one in commands]
    return not any(codes)


def addresses() -> bool:
    """Every variant of this machine with the sanitizers for addresses and for undefined behaviour."""
    program = build(
        os.environ.get("CXX", "g++"), platform.machine(), ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    )
    filled_with_nan = {"ASAN_OPTIONS": "max_malloc_fill_size=1000000000:malloc_fill_byte=255"}
    return run([str(program)], platform.machine(), filled_with_nan)


def threads() -> bool:
    """The same with the sanitizer for threads, where there is an OpenMP library that it understands."""
    found = clang_with_archer()
    if found is None:
        print("not looked at: there is no Clang with its OpenMP library (Debian: clang-19, libomp-19-dev)")
        return True
    clang, archer = found
    program = build(clang, platform.machine(), ["-fsanitize=thread"])
    options = {"OMP_TOOL_LIBRARIES": archer, "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:halt_on_error=1"}
    return run([str(program)], platform.machine(), options)


def clang_with_archer() -> tuple[str, str] | None:
    """A Clang, and the tool of its OpenMP library."""
    for clang in filter(shutil.which, CLANG):
        asked = subprocess.run([clang, "-print-resource-dir"], check=True, capture_output=True, text=True)
        archer = Path(asked.stdout.strip()).parents[1] / "libarcher.so"
        if archer.exists():
            return clang, str(archer)
    return None


def neon() -> bool:
    """The variants of ARM's processors, as they are compiled for an installation."""
    if platform.machine() in ("aarch64", "arm64"):
        return run([str(build(os.environ.get("CXX", "g++"), "aarch64", ["-O3"]))], "aarch64", {})
    compiler, emulator = "aarch64-linux-gnu-g++", "qemu-aarch64"
    if not shutil.which(compiler) or not shutil.which(emulator):
        raise SystemExit(
            f"There is no {compiler} or no {emulator} (on Debian: apt install g++-aarch64-linux-gnu qemu-user)."
        )
    return run([emulator, str(build(compiler, "aarch64", ["-O3", "-static"]))], "aarch64", {})


def main(names: list[str]) -> int:
    """Each way that is asked for."""
    ways = {"addresses": addresses, "threads": threads, "neon": neon}
    if not names or not ways.keys() >= set(names):
        raise SystemExit(f"Say which of {', '.join(ways)}.")
    passes = []
    for name in names:
        print(f"{name}:", flush=True)
        passes.append(ways[name]())
    return int(not all(passes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
