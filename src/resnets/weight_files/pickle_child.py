"""Opens a pickled checkpoint in a process of its own, within limits, and writes its tensors as safetensors.

Run as a script, never imported: `python pickle_child.py CHECKPOINT TENSORS MEMORY_BYTES SECONDS`. It knows nothing of
this package, so that nothing but torch is in the process that a hostile file might take over.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

gc.disable()  # all that torch makes while it loads will stay: looking for garbage in it is a quarter of the time

import safetensors.torch  # noqa: E402
import torch  # noqa: E402

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "weights",
    "params",
    "state_dict_ema",
    "ema",
)
"""Keys under which training scripts keep the weights."""
REFUSED = 3
"""Exit code for a file that is not what it should be; the reason is on stderr."""


def main(checkpoint: str, tensors: str, memory_bytes: int, seconds: int) -> None:
    """Read, choose the weights, write."""
    _limit(memory_bytes, seconds)
    warnings.simplefilter("ignore")  # what is written to stderr is the reason of a refusal
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        weights = {name: tensor.detach().contiguous().clone() for name, tensor in _tensors(_weights(content))}
        safetensors.torch.save_file(weights, tensors)
    except MemoryError:
        _refuse("it needs more memory than a file of its size should")
    except Exception as error:
        _refuse(f"{type(error).__name__}: {error}")


def _limit(memory_bytes: int, seconds: int) -> None:
    """Bound what a file can make this process use, beyond what torch itself has taken."""
    if os.name == "nt":
        return  # Windows has no such limits; the parent still ends the process in time
    import resource  # noqa: PLC0415 - not on Windows

    pages = Path("/proc/self/statm")
    in_use = int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 2**33
    for kind, limit in (
        (resource.RLIMIT_AS, in_use + memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit, limit) if hard == resource.RLIM_INFINITY else (min(limit, hard), hard))


def _weights(content: Any) -> Mapping[str, Any]:
    """The mapping that holds the weights: the content itself, or what it keeps under a usual key."""
    if not isinstance(content, Mapping):
        raise TypeError(f"it holds a {type(content).__name__}, not a table of weights")
    if any(isinstance(item, torch.Tensor) for item in content.values()):
        return content
    for key in WRAPPERS:
        if isinstance(content.get(key), Mapping):
            return _weights(content[key])
    raise TypeError(f"none of its keys ({', '.join(map(str, list(content)[:8]))}) holds weights")


def _tensors(weights: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, item in weights.items():
        if isinstance(item, torch.Tensor):
            yield str(name), item


def _refuse(reason: str) -> None:
    sys.stderr.write(reason)
    sys.exit(REFUSED)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    finally:
        gc.freeze()
