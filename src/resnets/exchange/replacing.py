"""What an import or an export may take the place of: nothing, an empty folder, or what the same command wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from resnets.errors import ResourceError
from resnets.storage import check_replaceable


def check_own(folder: Path, command: str, is_own: Callable[[Mapping[str, Any]], bool]) -> None:
    """Refuse a folder that another command wrote: a trained model, a checkpoint.

    Args:
        folder: where a command is to write.
        command: its name, for the error.
        is_own: whether a folder with this config.json is the command's work.

    Raises:
        ResourceError: if the folder holds anything else, which is left as it is.
    """
    check_replaceable(folder)
    if folder.exists() and any(folder.iterdir()) and not is_own(_config(folder)):
        raise ResourceError(
            f"{folder} holds what `resnets {command}` did not write and is left as it is; give the name of a new "
            "folder."
        )


def _config(folder: Path) -> Mapping[str, Any]:
    """The folder's config.json; nothing if it has none that can be read."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
