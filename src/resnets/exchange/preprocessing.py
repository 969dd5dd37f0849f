"""What other libraries' configs say of preprocessing, and ours in their words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from resnets import values
from resnets.data.preprocessing import Preprocessing
from resnets.data.statistics import CIFAR10
from resnets.errors import ConfigError, ModelFileError
from resnets.spec import Spec

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of torchvision's and most other networks for ImageNet."""
PHOTO = 64
"""Networks whose usual image is larger than this were trained on photographs."""
CROPS = {"center": "crop", "squash": "stretch", "border": "pad"}
"""timm's words -> ours."""
RESAMPLING = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which Transformers writes."""


def preprocessing_from(config: Mapping[str, Any], spec: Spec) -> tuple[Preprocessing, str]:
    """How pictures are prepared for a network, and who says so.

    From config.json as timm, Transformers or we write it; where there is none, as most such networks were trained.

    Raises:
        ModelFileError: if the config says something that is impossible.
    """
    try:
        told = _ours(config) or _timm(config) or _transformers(config)
        settings, who = (told, "its config says") if told else (_usual(spec), "is usual, as no config says it")
        return values.from_dict(Preprocessing, _with_channels(settings, spec.in_channels)), who
    except (ConfigError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise ModelFileError(f"The preprocessing in config.json cannot be used: {error}") from error


def timm_config(preprocessing: Preprocessing) -> dict[str, Any]:
    """Preprocessing in timm's words."""
    words = {ours: theirs for theirs, ours in CROPS.items()}
    size = preprocessing.size
    return {
        "input_size": [preprocessing.channels, size, size],
        "interpolation": preprocessing.interpolation,
        "crop_pct": preprocessing.crop_fraction,
        "crop_mode": words[preprocessing.resize],
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }


def _ours(config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(config["preprocessing"]) if config.get("library") == "resnets" else {}


def _timm(config: Mapping[str, Any]) -> dict[str, Any]:
    found = config.get("pretrained_cfg", config)
    if "mean" not in found or "input_size" not in found:
        return {}
    crop = found.get("crop_mode") or "center"
    return {
        "size": int(found["input_size"][-1]),
        "mean": [float(number) for number in found["mean"]],
        "std": [float(number) for number in found["std"]],
        "crop_fraction": float(found.get("crop_pct") or 1.0) if crop == "center" else 1.0,
        "resize": CROPS[crop],
        "interpolation": "bicubic" if found.get("interpolation") == "bicubic" else "bilinear",
    }


def _transformers(config: Mapping[str, Any]) -> dict[str, Any]:
    found = config.get("preprocessor_config", {})
    if "image_mean" not in found:
        return {}
    size = found.get("crop_size") or found.get("size", 224)
    if isinstance(size, Mapping):
        size = size.get("shortest_edge") or size["height"]
    return {
        "size": int(size),
        "mean": [float(number) for number in found["image_mean"]],
        "std": [float(number) for number in found["image_std"]],
        "crop_fraction": float(found.get("crop_pct") or 0.875),
        "interpolation": RESAMPLING.get(found.get("resample", 2), "bilinear"),
    }


def _usual(spec: Spec) -> dict[str, Any]:
    size = spec.usual_input[1]
    if spec.family == "inception":  # their shared weights were trained on pixels from -1 to 1
        return {"size": size, "mean": [0.5] * 3, "std": [0.5] * 3, "crop_fraction": 0.875}
    if size > PHOTO:
        return {"size": size, "mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD), "crop_fraction": 0.875}
    return {"size": size, "mean": list(CIFAR10.mean), "std": list(CIFAR10.std)}


def _with_channels(settings: dict[str, Any], channels: int) -> dict[str, Any]:
    """With as many means and standard deviations as the image has channels: grey has the colours' means."""
    if len(settings["mean"]) != channels and channels == 1:
        settings = {**settings, "mean": [_mean(settings["mean"])], "std": [_mean(settings["std"])]}
    return {**settings, "channels": channels}


def _mean(numbers: list[float]) -> float:
    return math.fsum(numbers) / len(numbers)
