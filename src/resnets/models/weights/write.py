"""Our weights under another library's names."""

from __future__ import annotations

import torch
from torch import Tensor

from resnets.errors import ConfigError
from resnets.models.network import Network
from resnets.models.weights.layout import Layout
from resnets.models.weights.layouts import LAYOUTS
from resnets.models.weights.recognise import is_counter
from resnets.spec import Spec


def foreign_state(model: Network, layout: Layout) -> dict[str, Tensor]:
    """The state dict that the other library's network of this kind takes.

    Raises:
        ConfigError: if the layout has no name for some weight.
    """
    own = model.state_dict()
    targets, orders = layout.targets(model.spec, own), layout.orders(model.spec)
    nameless = [name for name in own if name not in targets and not is_counter(name)]
    if nameless:
        raise ConfigError(f"{layout.name} has no place for {nameless[0]}, which this network has.")
    state = {}
    for name, target in targets.items():
        tensor = own[name]
        for dimension, places in orders.get(name, {}).items():
            tensor = tensor.index_select(dimension, torch.tensor(places).argsort())
        state[target.name] = target.theirs(tensor)
    return state


def layout_called(name: str, spec: Spec) -> Layout:
    """The layout of that name for a spec."""
    named = (layout for layout in LAYOUTS if layout.name == name and isinstance(spec, layout.family))
    return next(layout for layout in named if layout.takes(spec))
