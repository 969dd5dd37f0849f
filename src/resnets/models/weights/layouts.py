"""All layouts that are known."""

from __future__ import annotations

from resnets.models.weights import (
    akamaster,
    chenyaofo,
    facebook,
    inception,
    kuangliu,
    own,
    timm,
    timm_inception,
    torchvision,
    transformers,
)
from resnets.models.weights.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
    *own.LAYOUTS,
    *torchvision.LAYOUTS,
    *timm.LAYOUTS,
    *inception.LAYOUTS,
    *timm_inception.LAYOUTS,
    *transformers.LAYOUTS,
    *akamaster.LAYOUTS,
    *chenyaofo.LAYOUTS,
    *kuangliu.LAYOUTS,
    *facebook.LAYOUTS,
)
"""Where two have the same names for a network, the first is meant."""
