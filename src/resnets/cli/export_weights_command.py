"""`resnets export-weights`: a model of ours for timm or torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def export_weights_command(model: str, /, *, to: Literal["timm", "torchvision"], out: Path) -> None:
    """Write a model's weights under the names of another library.

    resnets export-weights runs/photos-resnet18-001 --to timm --out theirs

    Only for networks that the library has too; its answers are the same.

    Args:
        model: A model folder, a run folder, or a packaged model.
        to: The library.
        out: The folder to write.
    """
    from resnets.artifact import load_artifact
    from resnets.cli.console import result_console
    from resnets.exchange.exporting import export_weights

    line = export_weights(load_artifact(model), to, out)
    result_console().print(f"Written to {out}. To load it:\n{line}", markup=False)
