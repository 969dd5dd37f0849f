"""Safetensors files: a table of names, types and shapes, then numbers; nothing in it can run."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from resnets.errors import ModelFileError


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        ModelFileError: if it is truncated, claims more than it holds, or is another kind of file.
    """
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(path.read_bytes())
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0].removeprefix("Error while deserializing: ").rstrip(".")
        raise ModelFileError(f"{path} is not a whole safetensors file: {reason}.") from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    return tensors
