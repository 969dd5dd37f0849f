"""The model card: what a model is, how it was made, how good it is, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any


def model_card(config: Mapping[str, Any]) -> str:
    """README.md of a model folder, with the head that model hubs read."""
    made, measured = config["made"], config["measured"]
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: resnets",
        "tags: [image-classification, resnet]",
        "---",
        "",
        f"# {config['architecture']} for {made.get('dataset', 'images')}",
        "",
        f"A residual network that sorts a picture into {config['num_classes']} classes: "
        f"{_listed(config['label_names'])}.",
        "",
        "## How good it is",
        "",
        *(_row(name, value) for name, value in measured.items()),
        "",
        "## How it was made",
        "",
        *(f"- {name}: `{value}`" for name, value in made.items() if not isinstance(value, (dict, list, NoneType))),
        "",
        "## Use",
        "",
        "```",
        "resnets predict THIS_FOLDER picture.png",
        "```",
        "",
        *_views(config.get("views", {})),
        "## Limits",
        "",
        "It knows only the classes above and answers with one of them for any picture, also for one that shows none of",
        "them. It was measured on pictures like those it was trained on; expect more errors on others.",
        "",
    ]
    return "\n".join(lines)


def _views(views: Mapping[str, Any]) -> list[str]:
    """What an answer is the mean of, where it is not of the picture alone."""
    changes = ", ".join(f"{name} {value}" for name, value in views.items() if value)
    return (
        [f"An answer is the mean over views of the picture ({changes}); `--no-tta` takes it alone.", ""]
        if changes
        else []
    )


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _row(name: str, value: Any) -> str:
    if isinstance(value, list):
        shown = f"{' to '.join(f'{100 * end:.2f}' for end in value)} %"
    else:
        shown = f"{100 * value:.2f} %" if isinstance(value, float) else str(value)
    return f"- {name.replace('_', ' ')}: {shown}"
