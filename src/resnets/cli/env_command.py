"""`resnets env`: what this machine has, and which kernels are used on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from torch import nn


def env_command(*, model: str | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """This machine: versions, cores, kernels and why they are used.

    resnets env
    resnets env --model resnet50      which of its convolutions run where

    RESNETS_NATIVE=0 switches the native kernels off, RESNETS_NATIVE=avx2 takes
    that variant.

    Args:
        model: A name of `resnets models`.
        json: Print one JSON object.
    """
    import torch

    import resnets
    from resnets.cli.console import print_json, result_console
    from resnets.native.library import status, variants
    from resnets.training.machine import describe

    found: dict[str, Any] = {"resnets": resnets.__version__, **describe()}
    found |= {"native_reason": status().reason, "native_variants": variants()}
    if model:
        with torch.device("meta"):
            found["convolutions"] = _convolutions(resnets.create(model))
    if json:
        print_json({"schema": 1, **found})
        return
    console = result_console()
    console.print(f"Native kernels: {status().variant or 'none'}: {status().reason}.")
    for name, value in found.items():
        if name not in ("native_kernels", "native_reason", "convolutions"):
            console.print(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")
    for row in found.get("convolutions", []):
        why = f" ({row['reason']})" if row["reason"] else ""
        console.print(f"  {row['name']}: training {row['kernels']}{why}, inference {row['inference']}")


def _convolutions(model: nn.Module) -> list[dict[str, str]]:
    from torch import nn

    from resnets.inference.native.steps import is_layer_for_kernels
    from resnets.native.accelerate import computed
    from resnets.native.library import status
    from resnets.native.pieces import reason

    rows, ours = [], computed(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            why = "" if module in ours else reason(module) or "its layer calls it by itself"
            why = why if status().variant else "no native kernels"
            is_tried = status().variant and is_layer_for_kernels(module)
            inference = "whichever is faster" if is_tried else "PyTorch"
            rows.append(
                {"name": name, "kernels": "PyTorch" if why else "native", "reason": why, "inference": inference}
            )
    return rows
