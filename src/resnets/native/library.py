"""The compiled kernels: found beside this file, checked, and chosen for this processor."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INTERFACE = 4
"""Number of the interface in native/kernels.h; a library with another one is refused."""
SWITCH = "RESNETS_NATIVE"
"""Environment variable: 0 switches the kernels off, the name of a variant takes that one."""
FILE = Path(__file__).with_name("libresnets.so")

_PTR, _I32, _I64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64


class Convolution(ctypes.Structure):
    """Sizes of a convolution with a square kernel, as in native/kernels.h."""

    _fields_ = [
        (name, _I32)
        for name in (
            *("images", "height", "width", "channels", "out_height", "out_width", "out_channels"),
            *("kernel", "stride", "padding"),
        )
    ]


class Strides(ctypes.Structure):
    """Where a weight stands."""

    _fields_ = [(name, _I64) for name in ("out_channel", "in_channel", "row", "column")]


class Prologue(ctypes.Structure):
    """max(0, x * scale + shift) as the input is read."""

    _fields_ = [("scale", _PTR), ("shift", _PTR)]


class Epilogue(ctypes.Structure):
    """What is done to an output as it is written: bias, residual and ReLU, or statistics, or the gradient of a ReLU."""

    _fields_ = [
        *((name, _PTR) for name in ("bias", "residual", "residual_mask", "pivot", "value", "scale", "shift", "sums")),
        ("relu", _I32),
    ]


class NormGradient(ctypes.Structure):
    """How the gradient of a convolution's output is made of the one behind its norm."""

    _fields_ = [(name, _PTR) for name in ("y", "gate", "scale", "shift", "slope", "offset", "dy")]


class Plan(ctypes.Structure):
    """How the work is cut; all zero leaves it to the shape."""

    _fields_ = [(name, _I32) for name in ("algorithm", "tiles", "panels", "by_channels")]


_SIZES, _AT, _BEFORE, _AFTER, _NORM, _CUT = map(
    ctypes.POINTER, (Convolution, Strides, Prologue, Epilogue, NormGradient, Plan)
)
_SIGNATURES: Mapping[str, tuple[type, ...]] = {
    "forward": (_I32, _SIZES, _PTR, _PTR, _AT, _PTR, _BEFORE, _AFTER, _CUT),
    "backward_data": (_I32, _SIZES, _PTR, _PTR, _AT, _PTR, _AFTER, _CUT),
    "backward_weights": (_I32, _SIZES, _PTR, _PTR, _PTR, _AT, _BEFORE, _NORM, _CUT),
    "packed_size": (_I64, _SIZES, _CUT),
    "pack_weights": (_I32, _SIZES, _PTR, _AT, _PTR, _CUT),
    "forward_packed": (_I32, _SIZES, _PTR, _PTR, _PTR, _AFTER, _CUT),
    "channel_sums": (_I32, _PTR, _PTR, _I64, _I32, _PTR),
    "norm_statistics": (_I32, _PTR, _I64, _PTR, _PTR, _PTR, ctypes.c_double, _I32, _PTR),
    "norm_coefficients": (_I32, _PTR, _I64, _PTR, _I32, _PTR),
    "norm_apply": (_I32, _PTR, _PTR, _PTR, _PTR, _I32, _PTR, _I64, _I32),
    "norm_backward_sums": (_I32, _PTR, _PTR, _PTR, _PTR, _PTR, _PTR, _I64, _I32, _PTR),
    "norm_gradient": (_I32, _PTR, _NORM, _I64, _I32),
    "max_pool": (_I32, _SIZES, _PTR, _PTR),
    "mean_pool": (_I32, _PTR, _PTR, _I64, _I64, _I32),
    "peak": (ctypes.c_double, _I64),
}


class Kernels(ctypes.Structure):
    """The functions of one variant."""

    _fields_ = [(name, ctypes.CFUNCTYPE(*types)) for name, types in _SIGNATURES.items()]


@dataclass(frozen=True)
class Status:
    """Which kernels are used, or why none are."""

    variant: str | None
    reason: str


@functools.cache
def opened() -> ctypes.CDLL | str:
    """The library, or why there is none."""
    if not FILE.exists():
        return "they were not built when resnets was installed (that needs a C++ compiler with OpenMP)"
    try:
        library = ctypes.CDLL(str(FILE))
        interface = library.resnets_interface()
    except (OSError, AttributeError) as error:
        return f"{FILE.name} cannot be loaded here ({error}); install resnets again to build it anew"
    if interface != INTERFACE:
        return f"{FILE.name} has interface {interface}, this resnets needs {INTERFACE}; install resnets again"
    library.resnets_variant.restype = ctypes.c_char_p
    library.resnets_kernels.restype = ctypes.POINTER(Kernels)
    library.resnets_images.restype = _PTR
    library.resnets_images.argtypes = _I32, *[_I64] * 4
    return library


def variants() -> list[str]:
    """The variants that this processor can run, fastest first."""
    library = opened()
    if isinstance(library, str):
        return []
    return list(_names(library))


@functools.cache
def _names(library: ctypes.CDLL) -> tuple[str, ...]:
    names: list[str] = []
    while name := library.resnets_variant(len(names)):
        names.append(name.decode())
    return tuple(names)


@functools.cache
def kernels(variant: str) -> Kernels:
    """The functions of a variant that is one of `variants()`."""
    library = opened()
    assert isinstance(library, ctypes.CDLL)  # noqa: S101  # there are no variants without a library
    functions: Kernels = library.resnets_kernels(variant.encode()).contents
    return functions


def status() -> Status:
    """What is used on this machine, and why."""
    wanted, library = os.environ.get(SWITCH, ""), opened()
    if wanted == "0":
        return Status(None, f"switched off by {SWITCH}=0")
    if isinstance(library, str):
        return Status(None, library)
    present = [name for name in variants() if name != "scalar64"]
    if wanted and wanted not in present:
        return Status(None, f"{SWITCH}={wanted} names none of {', '.join(present)}, which this processor can run")
    if wanted:
        return Status(wanted, f"asked for by {SWITCH}")
    if present[0] == "scalar":
        return Status(None, "this processor has none of AVX-512, AVX2 and NEON")
    return Status(present[0], "the fastest that this processor can run")


def active() -> Kernels | None:
    """The kernels to use, or None."""
    variant = status().variant
    return kernels(variant) if variant else None


def required() -> Kernels:
    """The kernels to use.

    Raises:
        RuntimeError: if there are none, so that a network accelerated elsewhere cannot run here.
    """
    functions = active()
    if functions is None:
        raise RuntimeError(f"This network needs the native kernels, but {status().reason}; restore() it first.")
    return functions
