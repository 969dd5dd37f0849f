"""Where the large tensors of a training step live: in memory of the kernels' own, kept from step to step."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from resnets.native.library import opened

_LARGE, _HUGE = 1 << 20, 1 << 48
"""Bytes from which a tensor comes from there, and those that no machine has."""

_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


def images(count: int, channels: int, height: int, width: int, *, dtype: torch.dtype) -> Tensor:
    """(count, channels, height, width), channels last, not initialised.

    Large ones are in the kernels' own memory, where a tensor takes the place of one that is no more, as exactly as
    malloc cannot: a training step of ResNet-20 takes 0.6 of the memory (`resnets bench native-memory`).

    Raises:
        RuntimeError: if there is not so much memory.
    """
    library, size = opened(), count * channels * height * width * dtype.itemsize
    if _LARGE <= size < _HUGE and isinstance(library, ctypes.CDLL):
        place = library.resnets_images(8 * dtype.itemsize, count, channels, height, width)
        if place:
            return from_dlpack(_capsule(place, b"dltensor", None))
    return torch.empty((count, channels, height, width), dtype=dtype, memory_format=torch.channels_last)


def keep(*, wanted: bool) -> None:
    """Whether that memory stays in the process where nothing lives in it, as it does at first."""
    library = opened()
    if isinstance(library, ctypes.CDLL):
        library.resnets_keep(wanted)
