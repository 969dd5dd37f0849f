"""The first convolution's weights for images of another number of channels."""

from __future__ import annotations

import torch
from torch import Tensor


def with_channels(weight: Tensor, channels: int) -> Tensor:
    """W'_i = sum of W_j over all old channels j that belong to i, shared among all new channels that j belongs to

    Channels belong to each other that are equal modulo the smaller of the two numbers. So colour's three are added up
    for grey, and where there are more than before they are repeated. The answer is the old one for images whose
    channels repeat in this way: a grey picture is answered as its three equal channels were.

    Shapes:
        (out_channels, old, k, k) -> (out_channels, channels, k, k)
    """
    old = weight.shape[1]
    period = min(old, channels)
    wanted, present = torch.arange(channels) % period, torch.arange(old) % period
    belongs = (wanted[:, None] == present[None, :]).to(weight.dtype)
    shared = belongs / belongs.sum(dim=0, keepdim=True)
    return torch.einsum("ij,ojhw->oihw", shared, weight)
