"""Other engines' libraries, copied so that they ask us which instructions there are, and not the processor."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PACKAGES = ("onnxruntime", "openvino", "ncnn")
"""Engines that can be told by nothing else."""
CPUID, UNDEFINED = b"\x0f\xa2", b"\x0f\x0b"
"""The instruction that asks, and UD2, which is as long and traps.

Source: Intel SDM, volume 2.
"""
_LOADED = 1  # PT_LOAD


def copy_engines(folder: Path) -> None:
    """Put the engines that are installed here into a folder, with UD2 wherever their libraries had CPUID."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            _copy(Path(place), folder / package)
            _copy(Path(place).with_name(f"{package}.libs"), folder / f"{package}.libs")
    libraries = [path for path in folder.rglob("*.so*") if path.is_file()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(rewrite, libraries))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)


def rewrite(library: Path) -> int:
    """Replace every CPUID of a shared library in its file; how many there were."""
    content = bytearray(library.read_bytes())
    if content[:4] != b"\x7fELF":
        return 0
    found = list(_offsets(content, _asking(library)))
    for offset in found:
        if content[offset : offset + 2] != CPUID:
            raise ValueError(f"{library.name} has no CPUID at {offset:#x}, where objdump sees one.")
        content[offset : offset + 2] = UNDEFINED
    if found:
        library.write_bytes(content)
    return len(found)


def _asking(library: Path) -> Iterator[int]:
    """Where in memory CPUID will stand: bytes alone do not tell an instruction from a part of another one."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout  # noqa: S101  # it is a pipe
        for line in process.stdout:
            if line.rstrip().endswith(b"\tcpuid"):
                yield int(line.partition(b":")[0], 16)


def _offsets(content: bytearray, addresses: Iterable[int]) -> Iterator[int]:
    """Places in memory -> places in the file, by the segments that are loaded.      [ELF-64 object file format]"""
    (start,), (count,) = struct.unpack_from("<Q", content, 32), struct.unpack_from("<H", content, 56)
    headers = [struct.unpack_from("<IIQQQQ", content, start + 56 * i) for i in range(count)]
    segments = [(at, size, offset) for kind, _, offset, at, _, size in headers if kind == _LOADED]
    for address in addresses:
        for at, size, offset in segments:
            if at <= address < at + size:
                yield address - at + offset
