"""What is to be known of another library's weights of one family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resnets.models.weights.rules import Target, targets
from resnets.spec import Spec

Config = Mapping[str, Any]
Orders = Mapping[str, Mapping[int, list[int]]]
"""Our key -> dimension -> for each of our channels, which of theirs it is."""


def _nothing(spec: Any, config: Config) -> Mapping[str, Any]:  # noqa: ARG001 - one signature for all layouts
    return {}


def _as_they_are(spec: Any) -> Orders:  # noqa: ARG001
    return {}


def _always(spec: Any) -> bool:  # noqa: ARG001
    return True


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one library names, orders and means the weights of a family of networks."""

    name: str
    """As messages say it."""
    family: type[Any]
    rules: Callable[[Any], Mapping[str, str]]
    """Of a spec: our names -> theirs."""
    takes: Callable[[Any], bool] = _always
    """Whether the library has networks of such a spec, so far as it cannot be told by names and shapes."""
    demands: Callable[[Any, Config], Mapping[str, Any]] = _nothing
    """Settings that the library's networks have and its files do not show, e.g. `norm.eps`, by the spec's names."""
    orders: Callable[[Any], Orders] = _as_they_are
    """Channels that the library numbers differently."""
    extras: tuple[str, ...] = ()
    """Patterns of names that our network has no use for, e.g. of auxiliary heads that only training needs."""
    exports: Mapping[str, str] = field(default_factory=dict)
    """Our catalogue's names -> the library's, for networks that both have."""
    parity_size: int = 64
    """Height and width of the images with which both libraries' answers are compared."""
    refusal: str = ""
    """Why weights in this layout cannot be used, if they cannot."""

    def targets(self, spec: Spec, keys: Iterable[str]) -> dict[str, Target]:
        """Where each of our keys is found."""
        return targets(keys, self.rules(spec))
