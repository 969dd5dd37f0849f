"""The networks by name: a published one is one line, its plain twin none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from resnets.errors import ConfigError, suggestion
from resnets.models.catalogue.cifar import CIFAR
from resnets.models.catalogue.classic import CLASSICS
from resnets.models.catalogue.dense import DENSE
from resnets.models.catalogue.inception import INCEPTION
from resnets.models.catalogue.pyramid import PYRAMID
from resnets.models.catalogue.relatives import RELATIVES
from resnets.models.catalogue.residual import PLAIN, RESIDUAL
from resnets.models.catalogue.variants import VARIANTS
from resnets.spec import ResNetSpec, Spec

CATALOGUE: Mapping[str, Spec] = {
    **RESIDUAL,
    **PLAIN,
    **VARIANTS,
    **CIFAR,
    **PYRAMID,
    **DENSE,
    **RELATIVES,
    **INCEPTION,
    **CLASSICS,
}

ANY_DEPTH = re.compile(r"cifar_(resnet|plain)(\d{1,6})")
"""Names of the CIFAR nets of any depth 6n+2, e.g. `cifar_resnet26`."""


def names() -> list[str]:
    """Every name of the catalogue, in its order."""
    return list(CATALOGUE)


def spec_of(name: str) -> Spec:
    """The spec of a network by its name.

    Raises:
        ConfigError: if there is no such network (with a suggestion), or its depth is not 6n+2.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if match := ANY_DEPTH.fullmatch(name):
        spec = ResNetSpec.cifar(int(match[2]))
        return spec.plain if match[1] == "plain" else spec
    raise ConfigError(
        f"There is no network '{name}'.{suggestion(name, CATALOGUE)} "
        f"`resnets models` lists all {len(CATALOGUE)}; a CIFAR net of any depth 6n+2 is cifar_resnet<depth> or "
        "cifar_plain<depth>."
    )
