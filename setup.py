"""Builds the native kernels: one library of several variants, without which everything works, more slowly."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

NATIVE = Path("native")
FLAGS = [
    *("-std=c++17", "-O3", "-fopenmp", "-fvisibility=hidden"),
    # A product and a sum may become one instruction; infinities and NaN keep their meaning.
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    # Python's own options have -fwrapv: with it, each address counted by an int takes two instructions more, and the
    # gradients of 1x1 filters 1.2 (AVX2) to 1.75 times (AVX-512) as long.
    "-fno-wrapv",
    # And -g: names for debuggers make 20 MB of 5.
    "-g0",
]
# Oracles need no speed: unrolled for it, they would take half of the time of the whole compilation.
EVERYWHERE = {"scalar": ("float", 1, ["-O1"]), "scalar64": ("double", 1, ["-O1"])}
X86 = {
    "avx2": ("float", 8, ["-mavx2", "-mfma"]),
    "avx512": (
        *("float", 16),
        ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
    ),
}
NEON = {"neon": ("float", 4, [])}
"""Name of a variant -> its numbers, how many fill a register, and the compiler's options."""
FAMILIES = {"x86_64": ("X86", X86), "amd64": ("X86", X86), "aarch64": ("NEON", NEON), "arm64": ("NEON", NEON)}


def variants(machine: str) -> dict[str, tuple[str, int, list[str]]]:
    """What is compiled for a kind of processor, as `platform.machine()` calls it."""
    return FAMILIES.get(machine.lower(), ("", {}))[1] | EVERYWHERE


def objects(machine: str) -> dict[str, tuple[Path, list[str]]]:
    """Name of an object -> its source and options: each variant, and the library that chooses among them."""
    family = FAMILIES.get(machine.lower())
    found = {"library": (NATIVE / "library.cpp", [f"-DWITH_{family[0]}"] if family else [])}
    for name, (number, width, options) in variants(machine).items():
        settings = [f"-DVARIANT={name}", f"-DREAL={number}", f"-DWIDTH={width}"]
        found[name] = NATIVE / "variant.cpp", [*settings, *options]
    return found


class BuildNative(build_ext):
    """Compiles each variant into objects of its own, so that no code for a newer processor gets into the others."""

    def build_extension(self, ext: Extension) -> None:
        """Compile, link, and put the library where the package looks for it."""
        with ThreadPoolExecutor() as pool:
            compiled = pool.map(self._compile, objects(platform.machine()).items())
            made = [name for names in compiled for name in names]
        target = self.get_ext_fullpath(ext.name)
        self.compiler.link_shared_object(made, target, extra_postargs=["-fopenmp"], target_lang="c++")

    def _compile(self, item: tuple[str, tuple[Path, list[str]]]) -> list[str]:
        name, (source, options) = item
        found: list[str] = self.compiler.compile(
            [str(source)], output_dir=str(Path(self.build_temp) / name), extra_postargs=[*FLAGS, *options]
        )
        return found

    def get_ext_filename(self, fullname: str) -> str:
        """A plain shared library, the same for every Python."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))


class AnyPython(bdist_wheel):
    """The library knows nothing of Python: one wheel a platform serves all versions."""

    def get_tag(self) -> tuple[str, str, str]:
        """As before, but for any Python."""
        return "py3", "none", super().get_tag()[2]


if __name__ == "__main__":
    if sys.platform == "win32":
        setup()
    else:
        kernels = Extension("resnets.native.libresnets", sources=sorted(map(str, NATIVE.glob("*.cpp"))), optional=True)
        kernels.depends = sorted(str(path) for pattern in ("*.h", "*.hpp") for path in NATIVE.glob(pattern))
        setup(ext_modules=[kernels], cmdclass={"build_ext": BuildNative, "bdist_wheel": AnyPython})
