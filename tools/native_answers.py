"""Compare the native engine with PyTorch on every network of the catalogue: answers, and time.

    python tools/native_answers.py                     # all of them, on three small images with odd sides
    python tools/native_answers.py resnet18 --size 224 # those whose name holds this, on images of that size

A line a network: the largest difference of a logit as a part of the largest logit, the milliseconds of both, and how
many times faster the native engine is. Exits with 1 where answers differ by more than 1e-4, unless PyTorch's own are
about as far from those in double precision: deep plain networks with random weights magnify every rounding.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys

import torch
from torch import Tensor, nn

from resnets.bench.measure import alternate
from resnets.inference.engines import Engine, run_by
from resnets.models.catalogue import CATALOGUE
from resnets.models.pretrained import create
from resnets.spec import Spec
from resnets.training.machine import Machine, physical_cores

LIMIT = 1e-4
ROUNDS = 3


def network(name: str) -> nn.Module:
    """With norms that do something, and no layer that answers zero.

    Statistics of real images would make deep networks of random weights chaotic: rounding alone would change answers.
    """
    model = create(name, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    narrowing = max(1.0, len(norms) / 50 - 3)  # a thousand layers would otherwise overflow
    for norm in norms:
        if norm.running_mean is not None and norm.running_var is not None:
            norm.running_mean.normal_(0, 0.1, generator=generator)
            norm.running_var.uniform_(0.5 * narrowing, 1.5 * narrowing, generator=generator)
    for parameter in model.parameters():
        if not parameter.any():
            parameter.data.normal_(0, 0.01, generator=generator)
    return model


def images(spec: Spec, count: int, size: int) -> Tensor:
    """Random ones, not square where the network does not ask for that."""
    sides = [max(size, spec.minimum_size), max(size - 6, spec.minimum_size)]
    sides = [spec.maximum_size or side for side in sides]
    return torch.randn(count, spec.in_channels, *sides, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def compare(name: str, engine: Engine, count: int, size: int) -> tuple[bool, str]:
    """Whether answers agree, and the largest difference, milliseconds of both and their ratio."""
    model, batch = network(name), images(CATALOGUE[name], count, size)
    eager: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ours, last = run_by(engine, model), batch.contiguous(memory_format=torch.channels_last)
    expected, found = eager(last), ours(last)
    difference, note = _distance(found, expected), ""
    agrees = difference < LIMIT
    if not agrees:
        exact = copy.deepcopy(model).double()(batch.double())
        errors = _distance(expected, exact), _distance(found, exact)
        agrees, note = errors[1] < 3 * errors[0], f"; from double precision {errors[0]:.1e} and {errors[1]:.1e}"
    seconds = alternate({"torch": lambda: eager(last), "ours": lambda: ours(last)}, rounds=ROUNDS)
    torch_ms, our_ms = (1000 * statistics.median(seconds[way]) for way in ("torch", "ours"))
    return agrees, f"{difference:.1e} {torch_ms:9.2f} ms {our_ms:9.2f} ms {torch_ms / our_ms:6.2f}{note}"


def _distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def main() -> None:
    """As the first lines say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="parts of names")
    parser.add_argument("--size", type=int, default=45)
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("--engine", choices=("auto", "native"), default="native")
    asked = parser.parse_args()
    Machine(threads=asked.threads).apply()
    differing = []
    for name in CATALOGUE:
        if not asked.words or any(word in name for word in asked.words):
            agrees, found = compare(name, asked.engine, asked.images, asked.size)
            differing += [name] * (not agrees)
            print(f"{name:28} {found}", flush=True)
    sys.exit(f"Answers differ: {', '.join(differing)}" if differing else 0)


if __name__ == "__main__":
    main()
