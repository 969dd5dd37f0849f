"""Our own names, which need no translation; a model folder holds them."""

from __future__ import annotations

from resnets.models.weights.layout import Layout
from resnets.spec import NetworkSpec

LAYOUTS = (Layout(name="resnets", family=NetworkSpec, rules=lambda spec: {"{}": "{}"}),)  # noqa: ARG005
